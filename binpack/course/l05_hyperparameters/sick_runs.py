"""Lesson 05b: training runs on packing with one thing wrong in each, and what they say of themselves.

The task and the defaults are those of the sweeps, so a healthy run is one that the first part has shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize

from binpack.agents.diagnostics import NAMES, Diagnostics
from binpack.agents.learner import PPO, DivergedError
from binpack.course.l05_hyperparameters.sweeps import DEFAULT, ENV, ENVS
from binpack.course.records.store import read_record
from binpack.env.rewards import Step
from binpack.env.vector import BinPackingVecEnv

FILE = Path(__file__).with_name("sick_runs.json")
STEPS = 40_960
"""Environment steps of a run: 20 rollouts, and so 20 points a curve."""
HEALTHY = "healthy"
NO_MASK, TOO_FAST = "no mask", "learning rate too high"
COLLAPSED, LAGGING = "entropy collapsed", "value function lagging"
HUGE, HUGE_NORMALIZED = "cubic centimetres", "cubic centimetres, normalized"
SICKNESSES = (TOO_FAST, COLLAPSED, LAGGING, NO_MASK)
DIAGNOSES = (HEALTHY, *SICKNESSES)
LETTERS = {"A": COLLAPSED, "B": NO_MASK, "C": TOO_FAST, "D": LAGGING}
"""The order in which the lesson shows them."""
SHOWN_SEED = 0

Curves = dict[str, NDArray]
"""Diagnostics of a run by name, one number an update; NaN where a run had none to give."""


def cells(step: Step) -> NDArray:
    """Pay for an item's volume in cells, in a bin of 216 a reward 216 times the default one.

    Args:
        step: what happened.
    """
    return (step.after - step.before) * math.prod(step.bin_size)


def cubic_centimetres(step: Step) -> NDArray:
    """Pay for an item's volume in cubic centimetres, of which a cell with edges of 5 cm has 125.

    Args:
        step: what happened.
    """
    return 125 * cells(step)


class Unmasked(BinPackingVecEnv):
    """Packing in which every action counts as legal; one that is not ends the episode."""

    def action_masks(self) -> NDArray:
        """Return that all actions are legal, bool, (n_envs, actions)."""
        return np.ones((self.num_envs, self.config.actions), bool)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list:
        """Call a method on rows; ``action_masks`` is the one that rows have."""
        if method_name != "action_masks":
            return super().env_method(method_name, *method_args, indices=indices, **method_kwargs)
        return list(self.action_masks()[list(self._get_indices(indices))])


@dataclass(frozen=True)
class Health:
    """How a run differs from the healthy one.

    Attributes:
        ppo: hyperparameters that are changed, under Stable-Baselines3's names.
        reward: of the environment.
        masked: whether illegal actions are masked.
        normalize_reward: whether ``VecNormalize`` scales the rewards.
    """

    ppo: Mapping[str, Any] = field(default_factory=dict)
    reward: str = "volume"
    masked: bool = True
    normalize_reward: bool = False


CASES: Mapping[str, Health] = {
    HEALTHY: Health(),
    TOO_FAST: Health(ppo={"learning_rate": 3e-2}),
    # the sign of the entropy term is wrong: certainty is paid for
    COLLAPSED: Health(ppo={"ent_coef": -0.5}),
    LAGGING: Health(reward=f"{__name__}:cells"),
    NO_MASK: Health(masked=False),
    HUGE: Health(reward=f"{__name__}:cubic_centimetres"),
    HUGE_NORMALIZED: Health(reward=f"{__name__}:cubic_centimetres", normalize_reward=True),
}


def train_case(case: Health, seed: int, steps: int = STEPS) -> Curves:
    """Train a run and return what it says of itself.

    Args:
        case: what is wrong with it.
        seed: of the run.
        steps: environment steps.

    Returns:
        The diagnostics of every update. A run that diverges ends there.
    """
    config = ENV.model_copy(update={"reward": case.reward})
    env: VecEnv = VecMonitor((BinPackingVecEnv if case.masked else Unmasked)(config, ENVS))
    if case.normalize_reward:
        env = VecNormalize(env, norm_obs=False)
    seed = int(np.random.SeedSequence([seed, 0]).generate_state(1)[0] // 2)
    model = PPO("MultiInputPolicy", env, seed=seed, device="cpu", **{**DEFAULT, **case.ppo})
    model.set_logger(Logger(folder=None, output_formats=[]))
    watch = _EveryUpdate()
    try:
        model.learn(steps, callback=watch)
        watch.take()
    except DivergedError:
        pass
    return {name: np.array([row.get(name, np.nan) for row in watch.rows]) for name in NAMES}


@dataclass(frozen=True)
class Rollout:
    """What a critic expected in one rollout, and what came.

    Attributes:
        values: the critic's, (n,).
        returns: the returns that it is trained towards, (n,).
        logged: the explained variance that Stable-Baselines3 reports of them.
    """

    values: NDArray
    returns: NDArray
    logged: float


def rollouts(count: int, seed: int = SHOWN_SEED) -> list[Rollout]:
    """Train the healthy run for some updates and keep the rollout of each.

    Args:
        count: how many.
        seed: of the run.
    """
    env = VecMonitor(BinPackingVecEnv(ENV, ENVS))
    model = PPO("MultiInputPolicy", env, seed=seed, device="cpu", **DEFAULT)
    model.set_logger(Logger(folder=None, output_formats=[]))
    found: list[Rollout] = []
    for _ in range(count):
        model.learn(ENVS * DEFAULT["n_steps"], reset_num_timesteps=not found)
        buffer = model.rollout_buffer
        logged = float(model.logger.name_to_value["train/explained_variance"])
        found.append(Rollout(buffer.values.ravel().copy(), buffer.returns.ravel().copy(), logged))
    return found


def confusion(diagnose: Callable[[Mapping[str, NDArray]], str]) -> tuple[NDArray, int]:
    """Let a function diagnose every recorded run.

    Args:
        diagnose: diagnostics of a run -> one of the five diagnoses.

    Returns:
        How many runs of each kind, in rows, got each diagnosis, in columns, (5, 5), both in the order of `DIAGNOSES`;
        and the number of seeds.
    """
    table, runs = np.zeros((len(DIAGNOSES),) * 2, int), load()
    for (case, _), run in runs.items():
        if case in DIAGNOSES:
            table[DIAGNOSES.index(case), DIAGNOSES.index(diagnose(run))] += 1
    return table, int(table.sum(axis=1).min())


class _EveryUpdate(BaseCallback):
    """Keeps the diagnostics of each update."""

    model: PPO

    def __init__(self) -> None:
        super().__init__()
        self._said = Diagnostics()
        self.rows: list[dict[str, float]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps:
            self.take()

    def take(self) -> None:
        """Keep what the last update and the last episodes say."""
        self._said.note(self.model._n_updates, self.model.logger.name_to_value)
        self.rows.append(self._said.take(self.model.ep_info_buffer or ()))


def utilizations(case: str) -> NDArray:
    """Return the mean utilization of training episodes after each update, (seeds, 20), whatever its reward counts.

    Args:
        case: of `CASES`.
    """
    unit = {HUGE: 125.0, HUGE_NORMALIZED: 125.0, LAGGING: 1.0}.get(case)
    paid = 1.0 if unit is None else unit * math.prod(ENV.bin_size)
    runs = load()
    seeds = sorted(set.intersection(*({seed for name, seed in runs if name == each} for each in CASES)))
    return np.array([runs[case, seed]["ep_rew_mean"] for seed in seeds]) / paid


def load(path: Path = FILE) -> dict[tuple[str, int], Curves]:
    """Return the recorded runs by what is wrong with them and their seed.

    Args:
        path: the record.
    """
    rows = read_record(path)["runs"]
    return {(row["case"], row["seed"]): {name: np.array(row[name], float) for name in NAMES} for row in rows}
