"""Records ``defects.json``: what the five defects of the bug hunt do to an agent that learns CartPole.

    python -m binpack.course.l02_deep_q_network.record_defects FOLDER

Every finished run is kept in FOLDER and not run again, so the command may be killed and repeated. Seeds, budgets and
scores are fixed here, before anything runs:

- A, B and C: training runs of ten seeds with the defect, and ten without, validated every 500 steps;
- D: ten studies of six trials, the trials of each sharing network and buffer, and ten whose trials begin afresh;
- E: ten random draws from the published ranges, and ten from the mended ones, each trained once.
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

from binpack.course.l02_deep_q_network import bug_hunt
from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Parts, Validation
from binpack.course.records import about, kept, write_record

FILE = Path(__file__).with_name("defects.json")
ENV = "CartPole-v1"
CONFIG = DQNConfig(total_steps=6_000, epsilon_steps=4_000, learning_rate=5e-4, target_update=500)
EVERY, VALIDATION_EPISODES = 500, 5
SEEDS = tuple(range(10))
STUDIES, TRIALS = tuple(range(10)), 6
SHORT = CONFIG.replace(total_steps=1_500, epsilon_steps=1_000, learning_starts=200)
DRAWS = tuple(range(10))
LIBRARIES = ("numpy", "torch", "gymnasium", "optuna")


def curve(defect: str, seed: int) -> dict[str, Any]:
    """Train with one defect, and validate on the way.

    Args:
        defect: "A", "B", "C", or "mended" for none.
        seed: of the run.
    """
    parts, env = dqn.REFERENCE, gym.make(ENV)
    if defect == "A":
        parts = parts.replace(epsilon=bug_hunt.exploration_rate)
    elif defect == "B":
        parts = parts.replace(update=bug_hunt.learn)
    elif defect == "C":
        env = bug_hunt.Ends(env, bug_hunt.is_over)
    return {"defect": defect, "seed": seed, **_trained(env, CONFIG, parts, seed)}


def _trained(env: gym.Env, config: DQNConfig, parts: Parts, seed: int) -> dict[str, Any]:
    validation = Validation(dqn.evaluate, gym.make(ENV), EVERY, VALIDATION_EPISODES, VALIDATION_SEED)
    run = dqn.train(env, config, parts, seed, validation)
    scores = {str(at): round(mean, 1) for at, mean in validation.scores.items()}
    return {"validation": scores, "episodes": len(run.returns), "longest": int(max(run.returns, default=0))}


def study(prepare: str, number: int) -> dict[str, Any]:
    """Run the trials of one study, each with settings drawn at random.

    Args:
        prepare: "published", where all trials share one network and one buffer, or "mended".
        number: of the study.
    """
    asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number))
    configs = [dqn.suggest.reference(asked.ask(), SHORT) for _ in range(TRIALS)]
    begins = {"published": bug_hunt.prepare_study, "mended": dqn.prepare_study.reference}[prepare]
    scores = [
        round(float(dqn.evaluate(run.agent.network, gym.make(ENV), VALIDATION_EPISODES, VALIDATION_SEED).mean()), 1)
        for run in bug_hunt.trials_of(dqn.train, dqn.REFERENCE, begins, partial(gym.make, ENV), configs, number)
    ]
    return {"prepare": prepare, "study": number, "scores": scores}


def draw(ranges: str, number: int) -> dict[str, Any]:
    """Train with random settings.

    Args:
        ranges: "published" or "mended".
        number: of the draw, and the seed of its run.
    """
    suggest = {"published": bug_hunt.suggest, "mended": dqn.suggest.reference}[ranges]
    asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number)).ask()
    row = _trained(gym.make(ENV), suggest(asked, CONFIG), dqn.REFERENCE, number)
    return {"ranges": ranges, "number": number, "params": asked.params, **row}


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    curves = [
        kept(folder / f"curve_{defect}_{seed}.json", partial(curve, defect, seed))
        for defect in ("mended", "A", "B", "C")
        for seed in SEEDS
    ]
    draws = [
        kept(folder / f"draw_{ranges}_{number}.json", partial(draw, ranges, number))
        for ranges in ("published", "mended")
        for number in DRAWS
    ]
    studies = [
        kept(folder / f"study_{prepare}_{number}.json", partial(study, prepare, number))
        for prepare in ("published", "mended")
        for number in STUDIES
    ]
    made = {
        "about": about("python -m binpack.course.l02_deep_q_network.record_defects FOLDER", LIBRARIES),
        "environment": ENV,
        "config": dataclasses.asdict(CONFIG),
        "short": dataclasses.asdict(SHORT),
        "validation_episodes": VALIDATION_EPISODES,
        "validation_seed": VALIDATION_SEED,
    }
    write_record(FILE, made | {"curves": curves, "draws": draws, "studies": studies})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    record(Path(sys.argv[1]))
