"""Records ``study_random.json``, the random search that lesson 08 reads.

    python -m binpack.course.l08_optuna.study_random STUDY.journal

It can be killed and run again. At its end the JSON file beside this script is written: the configuration, the trials
with every report, the held-out comparison, and where and when all this was made.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.course.records import about, write_record
from binpack.env.config import EnvConfig
from binpack.search.config import SamplerConfig, TuneConfig
from binpack.search.report import TuneResult
from binpack.search.space import Categorical, Float, Int, Space
from binpack.search.storage import load_study, quiet
from binpack.search.study import tune

FILE = Path(__file__).with_suffix(".json")
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib", "optuna")

CONFIG = TuneConfig(
    name="random",
    train=TrainConfig(
        env=EnvConfig(bin_size=(6, 6, 6), items="random:2-3"),
        ppo=PPOConfig(policy="mlp"),
        total_steps=5120,
        n_envs=8,
        eval_every=1024,
        eval_streams=100,
        device="cpu",
        tensorboard=False,
    ),
    space=Space(
        parameters={
            "learning_rate": Float(low=3e-5, high=1e-2, log=True),
            "n_steps": Categorical(choices=(16, 32, 64, 128)),
            "batch_size": Categorical(choices=(32, 64, 128)),
            "n_epochs": Int(low=1, high=10),
            "gamma": Float(low=0.9, high=1.0),
            "gae_lambda": Float(low=0.8, high=1.0),
            "clip_range": Float(low=0.1, high=0.4),
            "ent_coef": Float(low=0.0, high=0.05),
        }
    ),
    sampler=SamplerConfig(kind="random", seed=0),
    n_trials=120,
    seeds=3,
    final_seeds=10,
    test_streams=200,
)


def record(storage: Path, path: Path = FILE) -> None:
    """Run the study to its end, or go on with it, and write the file.

    Args:
        storage: the study's journal.
        path: the file to write.
    """
    result = tune(CONFIG, storage, progress=False)
    write_record(path, to_record(result, reports(storage)))
    print(result.summary())


def reports(storage: Path) -> dict[int, dict[int, float]]:
    """Read every report of every trial: number to step to score."""
    with quiet():
        trials = load_study(storage, CONFIG.name).get_trials(deepcopy=False)
    return {trial.number: dict(sorted(trial.intermediate_values.items())) for trial in trials}


def to_record(result: TuneResult, curves: dict[int, dict[int, float]]) -> dict[str, Any]:
    """Put everything into values for JSON."""
    rows = [
        {
            **{
                name: row[name]
                for name in ("number", "state", "scores", "params", "steps", "seconds", "default", "error")
            },
            "value": row["value"],
            "reports": {str(step): round(score, 6) for step, score in curves[row["number"]].items()},
        }
        for row in result.rows
    ]
    return {
        "about": about("python -m binpack.course.l08_optuna.study_random study.journal", LIBRARIES),
        "config": result.config.model_dump(mode="json"),
        "comparison": result.comparison.to_dict() if result.comparison else None,
        "trials": rows,
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: the study's journal")
    record(Path(sys.argv[1]))
