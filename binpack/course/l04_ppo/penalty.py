"""Lesson 04, second part: what PPO is told of its training episodes where an illegal action costs a penalty."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor

from binpack.course.l04_ppo.masking import make_model

ARM = "stays, 0.1"
WHAT = ("return", "utilization", "length")
_KEYS = {"return": "r", "utilization": "utilization", "length": "l"}


@dataclass(eq=False)
class Episodes(BaseCallback):
    """Notes how the episodes of training ended.

    Attributes:
        ended: of each episode the environment steps of the whole training at its end, return, utilization and length.
    """

    ended: list[tuple[float, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.ended.append((self.num_timesteps, *(float(info["episode"][_KEYS[name]]) for name in WHAT)))
        return True


def watched(model: BaseAlgorithm) -> BaseAlgorithm:
    """Wrap the environments of a model so that each episode reports its return, its length and its utilization.

    Args:
        model: changed in place, and returned.
    """
    assert model.env is not None
    model.env = VecMonitor(model.env, info_keywords=("utilization",))
    return model


def training_episodes(at: tuple[int, ...], seed: int, arm: str = ARM) -> dict[str, list[float] | float]:
    """Train an arm and return the means of its training episodes.

    Args:
        at: environment steps, ascending: each entry is the mean of the episodes that ended since the one before.
        seed: of the run.
        arm: of ``masking.ARMS``.

    Returns:
        "return", "utilization" and "length" to one number for each step of `at`, nan where no episode ended, and
        "seconds", processor time.
    """
    start, episodes = time.process_time(), Episodes()
    watched(make_model(arm, seed)).learn(at[-1], callback=episodes)
    ended = np.array(episodes.ended)
    place = np.searchsorted(at, ended[:, 0])
    columns = enumerate(WHAT, start=1)
    means: dict[str, list[float] | float] = {
        name: [
            float(ended[place == point, column].mean()) if (place == point).any() else np.nan
            for point in range(len(at))
        ]
        for column, name in columns
    }
    return {**means, "seconds": time.process_time() - start}
