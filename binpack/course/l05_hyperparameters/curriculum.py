"""Lesson 05b: a curriculum of item sizes, against training on the final items from the start.

The task is that of the sweeps. Its items are pieces of a full bin with edges of 2 to 4 cells. Larger pieces are fewer
and leave fewer places to choose from, so the curriculum begins with those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecMonitor

from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.learner import PPO
from binpack.course.l05_hyperparameters.sweeps import DEFAULT, ENV, ENVS, STREAMS, VALIDATION_SEED
from binpack.course.records.store import read_record
from binpack.env.batch import PackingBatch
from binpack.env.vector import BinPackingVecEnv
from binpack.files import InputError

FILE = Path(__file__).with_name("curriculum.json")
ROLLOUT = ENVS * DEFAULT["n_steps"]
STEPS = 20 * ROLLOUT
THRESHOLD = 0.75
"""Mean utilization of the last 100 training episodes at which the next stage begins."""
ARMS: dict[str, tuple[str, ...]] = {
    "no curriculum": ("cut_2:2-4",),
    "curriculum": ("cut_2:3-4", "cut_2:2-4"),
    "slower curriculum": ("cut_2:3-6", "cut_2:3-4", "cut_2:2-4"),
}
"""The stages of each way to train, as names of item sources; the last is the task itself."""


@dataclass(frozen=True)
class Lessons:
    """A training run in stages.

    Attributes:
        steps: environment steps at the ends of rollouts, (P,).
        utilization: of the task's validation streams there, (P,).
        stages: which stage the rollout before was played in, (P,).
    """

    steps: NDArray
    utilization: NDArray
    stages: NDArray


def next_stage(stage: int, utilization: float, stages: int, threshold: float = THRESHOLD) -> int:
    """Return the stage that the next rollout is played in: one further where the agent is good enough.

    Args:
        stage: the present one, from 0.
        utilization: mean of the last training episodes.
        stages: how many there are.
        threshold: what is good enough.
    """
    return min(stage + 1, stages - 1) if utilization >= threshold else stage


def train_in_stages(items: Sequence[str], seed: int, steps: int = STEPS) -> Lessons:
    """Train an agent on items that grow harder.

    Args:
        items: the stages, names of item sources.
        seed: of the run.
        steps: environment steps of all stages together, whole rollouts.
    """
    stage, start = 0, int(np.random.SeedSequence([seed, 0]).generate_state(1)[0] // 2)
    model = PPO("MultiInputPolicy", _bins(items[0]), seed=start, device="cpu", **DEFAULT)
    model.set_logger(Logger(folder=None, output_formats=[]))
    streams = make_streams(ENV, STREAMS, VALIDATION_SEED)
    curve: list[tuple[int, float, int]] = []
    for _ in range(steps // ROLLOUT):
        model.learn(ROLLOUT, reset_num_timesteps=not curve)
        score = evaluate(_Greedy(model), streams, ENV, verify=False).mean
        curve.append((model.num_timesteps, score, stage))
        episodes = model.ep_info_buffer
        assert episodes is not None  # there is one once `learn` has been called
        later = next_stage(stage, float(np.mean([episode["r"] for episode in episodes])), len(items))
        if later != stage:
            stage = later
            model.set_env(_bins(items[stage]))
            model.set_random_seed(start + 1000 * stage)
            episodes.clear()
    return Lessons(*map(np.array, zip(*curve, strict=True)))


def _bins(items: str) -> VecMonitor:
    """Make the environments of a stage; the reward is the volume's share, so that returns are utilizations."""
    return VecMonitor(BinPackingVecEnv(ENV.model_copy(update={"items": items}), ENVS))


@dataclass(frozen=True)
class _Greedy:
    """Plays a model's most probable legal actions."""

    model: PPO

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return one action a bin, integers (n,)."""
        return self.model.predict(batch.observation(), action_masks=batch.masks(), deterministic=True)[0]


def load(path: Path = FILE) -> dict[str, list[dict[str, Any]]]:
    """Return the recorded runs of each way to train, by seed.

    Args:
        path: the record.
    """
    rows = read_record(path)["runs"]
    common = sorted(set.intersection(*({row["seed"] for row in rows if row["arm"] == arm} for arm in ARMS)))
    return {arm: [row for seed in common for row in rows if (row["arm"], row["seed"]) == (arm, seed)] for arm in ARMS}


def last_stage(rows: Sequence[dict[str, Any]], count: int) -> NDArray:
    """Return the first utilizations of the last stage, as if nothing had come before it, (seeds, count).

    Args:
        rows: runs of one way to train.
        count: how many rollouts of it.

    Raises:
        ValueError: a run has fewer.
    """
    found = []
    for row in rows:
        start = row["stages"].index(max(row["stages"]))
        if len(row["stages"]) - start < count:
            raise InputError(f"seed {row['seed']} has fewer than {count} rollouts in its last stage")
        found.append(row["utilization"][start : start + count])
    return np.array(found)
