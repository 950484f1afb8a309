"""A recorded capstone that nobody trained: scores are a function of learning rate, seed and month."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from binpack.agents.run_folder import TrainResult, write_result
from binpack.course.l10_capstone import record_capstone, task
from binpack.course.l10_capstone.record_capstone import Record, Trainer
from binpack.files import read_json, write_json
from binpack.search import finalists
from binpack.search.config import TuneConfig


def _train(config, folder, *, on_evaluation=None):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([config.seed, round(1e6 * config.ppo.learning_rate)])
    level = 0.72 - 0.03 * (np.log10(config.ppo.learning_rate) + 2.7) ** 2
    score = float(level + 0.01 * rng.normal())
    write_json(folder / "seen.json", {"score": score})
    half, whole = config.total_steps // 2, config.total_steps
    result = TrainResult(score, ((half, score - 0.05), (whole, score)), whole, 1.5, folder)
    write_result(result)
    return result


def _score(folder, config):
    return read_json(folder / "seen.json")["score"] - 0.01


def _later(folder, config):
    return read_json(folder / "seen.json")["score"] - 0.03


def _boxes(agents, config):
    return {name: [[0, 0, 0, 4, 3, 2], [4, 0, 0, 4, 4, 4]] for name in agents}


OTHERS = {"heightmap_sum": 0.7, "cut_2_k5": 0.69, "first_fit": 0.6}
TRAINER = Trainer(_train, _score, _later, _boxes)


@dataclass(frozen=True)
class Invented:
    """Where it lies, and what it holds."""

    path: Path
    record: Record


def small(trials: int) -> TuneConfig:
    """Return the lesson's study with large cells and few streams, on which rules of thumb are quick too."""
    return task.study(task.env(cell=100), trials, 4096, streams=2)


def write(folder: Path, trials: int = 12, **more) -> Invented:
    """Make an invented record in a folder."""
    path = folder / "capstone.json"
    config = small(trials)
    with pytest.MonkeyPatch.context() as patch:  # to play every rule and every shipped agent takes long
        for module in (finalists, record_capstone):
            patch.setattr(module, "untrained", lambda config: dict(OTHERS))
        record_capstone.record(folder / "runs", path, config=config, trainer=TRAINER, progress=False, **more)
    return Invented(path, Record.load(path))
