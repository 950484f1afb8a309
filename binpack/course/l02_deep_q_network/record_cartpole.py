"""Records ``cartpole.json``: how reliably lesson 02's agent solves CartPole, and what tuning gains.

    python -m binpack.course.l02_deep_q_network.record_cartpole FOLDER

Every finished run is kept in FOLDER and not run again, so the command may be killed and repeated. It trains ten seeds
with the default settings; tunes at a small budget; compares default and tuned settings at that budget on seeds that the
study did not see; and tries random settings from the ranges of the published listing.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import optuna
import torch

from binpack.course.l02_deep_q_network import bug_hunt
from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Validation, with_weights
from binpack.course.records import about, kept, write_record

FILE = Path(__file__).with_name("cartpole.json")
ENV = "CartPole-v1"
CONFIG = DQNConfig()
SEEDS = tuple(range(10))
EVERY, VALIDATION_EPISODES, TEST_EPISODES, TEST_SEED = 1_000, 10, 20, 2_000_000
HIGHEST = 500.0  # no episode returns more, so a validation that reaches it ends the training
SMALL = CONFIG.replace(total_steps=10_000, epsilon_steps=4_000)
TRIALS, STUDY_SEEDS, HELD_OUT_SEEDS = 10, (100, 101), (200, 201, 202, 203, 204)
LIBRARIES = ("numpy", "torch", "gymnasium", "optuna")


def solve(seed: int) -> dict[str, Any]:
    """Train with the default settings, choose the checkpoint on validation episodes, test it on fresh ones.

    Args:
        seed: of the run.
    """
    start = time.process_time()
    validation = Validation(dqn.evaluate, gym.make(ENV), EVERY, VALIDATION_EPISODES, VALIDATION_SEED, enough=HIGHEST)
    run = dqn.train(gym.make(ENV), CONFIG, dqn.REFERENCE, seed, validation)
    step, score, weights = validation.best
    network = with_weights(run.agent.network, weights)
    return {
        "seed": seed,
        "validation": {str(at): round(mean, 1) for at, mean in validation.scores.items()},
        "chosen_step": step,
        "chosen_score": round(score, 1),
        "test": dqn.evaluate(network, gym.make(ENV), TEST_EPISODES, TEST_SEED).tolist(),
        "cpu_seconds": round(time.process_time() - start),
    }


def trial(number: int, study: optuna.Study) -> dict[str, Any]:
    """Run one trial of the study.

    Args:
        number: of the trial.
        study: the trials before it.
    """
    asked = study.ask()
    value = dqn.tune_objective(asked, lambda: gym.make(ENV), SMALL, dqn.REFERENCE, STUDY_SEEDS)
    return {"number": number, "params": asked.params, "value": round(value, 2)}


def final(name: str, config: DQNConfig, seed: int) -> dict[str, Any]:
    """Train at the small budget and test the last network: nothing is chosen.

    Args:
        name: of the settings.
        config: the settings.
        seed: of the run.
    """
    run = dqn.train(gym.make(ENV), config, dqn.REFERENCE, seed)
    returns = dqn.evaluate(run.agent.network, gym.make(ENV), TEST_EPISODES, TEST_SEED)
    return {"settings": name, "seed": seed, "mean": round(float(returns.mean()), 2)}


def published(number: int) -> dict[str, Any]:
    """Train with random settings from the listing's ranges.

    Args:
        number: of the draw.
    """
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number))
    asked = study.ask()
    config = bug_hunt.suggest(asked, SMALL)
    return {"number": number, "params": asked.params, **final("published ranges", config, STUDY_SEEDS[0])}


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    solved = [kept(folder / f"solve_{seed}.json", partial(solve, seed)) for seed in SEEDS]
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    trials = []
    for number in range(TRIALS):
        # the sampler is seeded by the number, so that a repeated command goes on as if it had never stopped
        study.sampler = optuna.samplers.TPESampler(seed=number, n_startup_trials=5)
        row = kept(folder / f"trial_{number}.json", partial(trial, number, study))
        study.add_trial(optuna.trial.create_trial(params=row["params"], distributions=dqn.SPACE, value=row["value"]))
        trials.append(row)
    arms = {"default": SMALL, "tuned": SMALL.replace(**study.best_params)}
    finals = [
        kept(folder / f"final_{name}_{seed}.json", partial(final, name, arms[name], seed))
        for name in arms
        for seed in HELD_OUT_SEEDS
    ]
    drawn = [kept(folder / f"published_{number}.json", partial(published, number)) for number in range(5)]
    made = {
        "about": about("python -m binpack.course.l02_deep_q_network.record_cartpole FOLDER", LIBRARIES),
        "environment": ENV,
        "config": dataclasses.asdict(CONFIG),
        "small": dataclasses.asdict(SMALL),
        "tuned": study.best_params,
        "study_seeds": STUDY_SEEDS,
        "held_out_seeds": HELD_OUT_SEEDS,
        "test_seed": TEST_SEED,
    }
    write_record(FILE, made | {"runs": solved, "trials": trials, "finals": finals, "published": drawn})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    record(Path(sys.argv[1]))
