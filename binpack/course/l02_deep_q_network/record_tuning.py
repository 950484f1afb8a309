"""Records ``tuning.json``: what a small study gains on CartPole, judged on seeds that it never saw.

    python -m binpack.course.l02_deep_q_network.record_tuning FOLDER

Every finished run is kept in FOLDER and not run again, so the command may be killed and repeated. Declared before
the comparison ran: sixteen trials of two seeds each, the first of them the default settings; a trial's score is the
mean validation return of its last networks; then the best trial's settings and the default ones are trained with twelve
fresh seeds each, at the same budget, and the last network's mean return over fresh test episodes is what counts.
"""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import optuna
import torch

from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig
from binpack.course.records import about, kept, write_record

FILE = Path(__file__).with_name("tuning.json")
ENV = "CartPole-v1"
BASE = DQNConfig(total_steps=6_000, epsilon_steps=3_000)
DEFAULT = {"gamma": BASE.gamma, "learning_rate": BASE.learning_rate}
TRIALS, RANDOM_TRIALS = 16, 8
STUDY_SEEDS, FRESH_SEEDS = (100, 101), tuple(range(300, 312))
TEST_EPISODES, TEST_SEED = 20, 2_000_000
LIBRARIES = ("numpy", "torch", "gymnasium", "optuna")


def run_trial(number: int, study: optuna.Study) -> dict[str, Any]:
    """Run one trial of the study.

    Args:
        number: of the trial; the first tries the default settings.
        study: the trials before it.
    """
    asked = optuna.trial.FixedTrial(DEFAULT) if number == 0 else study.ask()
    make_env = partial(gym.make, ENV)
    value = dqn.tune_objective(asked, dqn.suggest.reference, make_env, BASE, dqn.REFERENCE, STUDY_SEEDS)
    return {"number": number, "params": asked.params, "value": round(value, 2)}


def judge(name: str, config: DQNConfig, seed: int) -> dict[str, Any]:
    """Train with one of the fresh seeds and test the last network: nothing is chosen.

    Args:
        name: of the settings.
        config: the settings.
        seed: of the run.
    """
    run = dqn.train(gym.make(ENV), config, dqn.REFERENCE, seed)
    returns = dqn.evaluate(run.agent.network, gym.make(ENV), TEST_EPISODES, TEST_SEED)
    return {"settings": name, "seed": seed, "mean": round(float(returns.mean()), 2)}


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(direction="maximize")
    trials = []
    for number in range(TRIALS):
        # the sampler is seeded by the number, so that a repeated command goes on as if it had never stopped
        study.sampler = optuna.samplers.TPESampler(seed=number, n_startup_trials=RANDOM_TRIALS)
        row = kept(folder / f"trial_{number}.json", partial(run_trial, number, study))
        _tell(study, row)
        trials.append(row)
    arms = {"default": BASE, "tuned": BASE.replace(**study.best_params)}
    finals = [
        kept(folder / f"final_{name}_{seed}.json", partial(judge, name, arms[name], seed))
        for seed in FRESH_SEEDS
        for name in arms
    ]
    made = {
        "about": about("python -m binpack.course.l02_deep_q_network.record_tuning FOLDER", LIBRARIES),
        "environment": ENV,
        "base": dataclasses.asdict(BASE),
        "tuned": study.best_params,
        "study_seeds": STUDY_SEEDS,
        "fresh_seeds": FRESH_SEEDS,
        "validation_seed": VALIDATION_SEED,
        "test_seed": TEST_SEED,
    }
    write_record(FILE, made | {"trials": trials, "finals": sorted(finals, key=lambda row: row["settings"])})


def _tell(study: optuna.Study, row: dict[str, Any]) -> None:
    """Add a finished trial to the study, whether it ran now or before."""
    trial = optuna.trial.FixedTrial(row["params"])
    dqn.suggest.reference(trial, BASE)
    made = optuna.trial.create_trial(params=row["params"], distributions=trial.distributions, value=row["value"])
    study.add_trial(made)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    record(Path(sys.argv[1]))
