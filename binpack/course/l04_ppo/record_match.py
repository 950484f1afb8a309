"""Records what the exercise's PPO and stable-baselines3's learn on the small bin, ten seeds each: ``match.json``.

    python -m binpack.course.l04_ppo.record_match FOLDER

Both get the same settings, network, items and steps. FOLDER keeps finished runs: killed and started again it goes on.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from binpack.course.l04_ppo.agent import Agent, Settings
from binpack.course.l04_ppo.exercises import REFERENCE
from binpack.course.l04_ppo.loop import train
from binpack.course.l04_ppo.packing import SMALL, STREAMS, TEST_SEED, VALIDATION_SEED, Packing, judge
from binpack.course.records import about, kept, write_record
from binpack.env.batch import PackingBatch
from binpack.env.vector import BinPackingVecEnv

FILE = Path(__file__).with_name("match.json")
OURS, THEIRS = "exercises", "stable-baselines3"
SEEDS, ENVS, POINTS = tuple(range(10)), 32, 10
SETTINGS = Settings()
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib")


class Sb3Packer:
    """A MaskablePPO as a packer that `binpack.agents.evaluate` takes; it packs greedily."""

    def __init__(self, model: MaskablePPO) -> None:
        """Wrap a model."""
        self._model = model

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return one action a bin, integers (n,)."""
        return self._model.predict(batch.observation(), deterministic=True, action_masks=batch.masks())[0]


def make_sb3(settings: Settings, seed: int, n: int = ENVS) -> MaskablePPO:
    """Make stable-baselines3's PPO with the lesson's settings, network and items.

    Args:
        settings: the settings.
        seed: of weights, actions and items.
        n: environments.
    """
    return MaskablePPO(
        "MultiInputPolicy",
        BinPackingVecEnv(SMALL, n, seed),
        learning_rate=settings.learning_rate,
        n_steps=settings.n_steps,
        batch_size=settings.batch_size,
        n_epochs=settings.n_epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip_range,
        ent_coef=settings.ent_coef,
        vf_coef=settings.vf_coef,
        max_grad_norm=settings.max_grad_norm,
        policy_kwargs={"net_arch": [64, 64]},
        seed=seed,
        device="cpu",
    )


class _Watch(BaseCallback):
    """Judges after each tenth of the steps, when a rollout is learned from and the next one begins."""

    def __init__(self, curve: list[list[float]]) -> None:
        super().__init__()
        self._curve = curve

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        note(self._curve, self.num_timesteps, Sb3Packer(self.model))  # type: ignore[arg-type]


def note(curve: list[list[float]], steps: int, who: Any) -> None:
    """Judge a packer where a point of the curve is due.

    Args:
        curve: [steps, mean utilization] for each point so far.
        steps: environment steps so far.
        who: the packer.
    """
    if steps and steps % (SETTINGS.total_steps // POINTS) == 0 and (not curve or curve[-1][0] < steps):
        curve.append([steps, round(judge(who).mean, 4)])


def one(arm: str, seed: int) -> dict[str, Any]:
    """Train one seed of one implementation.

    Args:
        arm: `OURS` or `THEIRS`.
        seed: of the run.
    """
    curve: list[list[float]] = []
    start = time.process_time()
    who: Agent | Sb3Packer
    if arm == OURS:
        who = train(Packing(SMALL, ENVS, seed), SETTINGS, REFERENCE, seed, partial(note, curve))
    else:
        model = make_sb3(SETTINGS, seed)
        model.set_logger(Logger(None, []))
        model.learn(SETTINGS.total_steps, callback=_Watch(curve))
        who = Sb3Packer(model)
        note(curve, model.num_timesteps, who)
    seconds = time.process_time() - start
    test = round(judge(who, TEST_SEED).mean, 4)
    return {"arm": arm, "seed": seed, "curve": curve, "test": test, "seconds": round(seconds, 1)}


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [(arm, seed) for seed in SEEDS for arm in (OURS, THEIRS)]
    rows = [kept(folder / f"match_{arm}_{seed}.json", partial(one, arm, seed)) for arm, seed in pairs]
    made = {
        "about": about("python -m binpack.course.l04_ppo.record_match FOLDER", LIBRARIES),
        "environment": SMALL.model_dump(mode="json"),
        "environments": ENVS,
        "settings": dataclasses.asdict(SETTINGS),
        "streams": STREAMS,
        "validation_seed": VALIDATION_SEED,
        "test_seed": TEST_SEED,
        "seconds": "of processor time, evaluation included",
    }
    write_record(FILE, made | {"runs": rows})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    record(Path(sys.argv[1]))
