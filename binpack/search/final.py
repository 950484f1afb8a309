"""The last act of a search: best and default trained anew on fresh seeds, scored on other streams than tuning's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from binpack.agents.config import TrainConfig
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.store import load_agent
from binpack.env.config import EnvConfig
from binpack.files import FileError, read_sealed, write_sealed
from binpack.search.config import TuneConfig
from binpack.search.locks import Check
from binpack.search.report import Comparison, TuneResult
from binpack.search.trials import Train, Work
from binpack.search.workers import Ahead

HeldOut = Callable[[Path, TuneConfig], float]
_KEPT = "held_out.json"
"""A run's score, in its folder."""


def held_out_score(folder: Path, config: TuneConfig) -> float:
    """Mean utilization of a trained agent over the study's test streams."""
    return score_on(folder, config.train.env, config.test_streams, config.test_seed)


def score_on(folder: Path, env: EnvConfig, count: int, seed: int) -> float:
    """Mean utilization of a trained agent.

    Args:
        folder: the agent's.
        env: what it packs.
        count: of streams.
        seed: of the streams.
    """
    return float(evaluate(load_agent(folder), make_streams(env, count, seed), env, seed=0).mean)


@dataclass(frozen=True)
class FreshRuns:
    """Configurations that are trained anew on the same fresh seeds and scored on the same test streams.

    Every run and every score has its own file, so that one that was killed goes on.

    Attributes:
        folder: for the runs, a folder for each configuration in it.
        parts: name of a configuration's folder to the configuration with a training seed.
        seeds: fresh training seeds.
        streams: how many test streams each run is scored on.
        score: scores a trained folder on the test streams.
    """

    folder: Path
    parts: Mapping[str, Callable[[int], TrainConfig]]
    seeds: Sequence[int]
    streams: int
    score: Callable[[Path], float]

    def run(self, train: Train, workers: Ahead, check: Check, *, progress: bool) -> dict[str, list[float]]:
        """Train and score what is not there yet.

        Args:
            train: the training function.
            workers: train all runs side by side.
            check: called before whatever is written.
            progress: whether to show a bar over the runs.

        Returns:
            Name of a configuration's folder to its scores, one a seed.
        """
        runs = [
            (name, config(seed), self.folder / name / f"seed_{seed}")
            for name, config in self.parts.items()
            for seed in self.seeds
        ]
        left = [(config, folder) for _, config, folder in runs if not (folder / _KEPT).is_file()]
        # gone where all is trained: what trains in this process has a bar of its own
        with tqdm(total=len(left), desc="trained anew", disable=not progress, unit="run", leave=False) as bar:
            workers.train_ahead(train, left, bar.update)
        scores: dict[str, list[float]] = {name: [] for name in self.parts}
        with tqdm(total=len(runs), desc="held out", disable=not progress, unit="run") as bar:
            for name, config, folder in runs:
                bar.set_postfix_str(f"{name.partition('_')[2]}, seed {config.seed}")
                scores[name].append(self._one(train, check, config, folder))
                bar.update()
        return scores

    def _one(self, train: Train, check: Check, config: Any, folder: Path) -> float:
        kept = folder / _KEPT
        if kept.is_file():
            stored = read_sealed(kept, "a held-out score", "delete it to score anew").get("score")
            if not isinstance(stored, float) or not math.isfinite(stored):
                raise FileError(f"{kept}: not a held-out score (score is {stored!r}): delete it to score anew")
            return stored
        check()
        train(config, folder)
        score = float(self.score(folder))
        write_sealed(kept, {"score": score, "streams": self.streams})
        return score


@dataclass(frozen=True)
class Contest:
    """What a comparison is between.

    Attributes:
        folder: for its runs and ``final.json``.
        number: the best trial's.
        best: its configuration with a training seed.
        default: the default configuration with a training seed.
        best_is_default: whether they are the same, so that one set of runs is enough.
        seeds: fresh training seeds.
        streams: how many test streams each run is scored on.
        steps: environment steps of a run.
        same_file: whether the test streams come from the same file of sequences as the tuning streams.
        score: scores a trained folder on the test streams.
    """

    folder: Path
    number: int
    best: Callable[[int], TrainConfig]
    default: Callable[[int], TrainConfig]
    best_is_default: bool
    seeds: list[int]
    streams: int
    steps: int
    same_file: bool
    score: Callable[[Path], float]

    def hold(self, train: Train, workers: Ahead, check: Check, *, progress: bool) -> Comparison:
        """Train and score both on the same seeds, and keep the comparison in ``final.json``.

        Args:
            train: the training function.
            workers: train all runs side by side.
            check: called before whatever is written.
            progress: whether to show a bar over the runs.
        """
        # The number in the name: a study that goes on may have another best trial after its next comparison.
        mine = {} if self.best_is_default else {f"final_trial_{self.number:04d}": self.best}
        runs = FreshRuns(self.folder, {**mine, "final_default": self.default}, self.seeds, self.streams, self.score)
        found = list(runs.run(train, workers, check, progress=progress).values())
        comparison = Comparison(
            best=found[0],
            default=found[-1],
            number=self.number,
            best_is_default=self.best_is_default,
            seeds=self.seeds,
            streams=self.streams,
            steps=self.steps,
            same_file=self.same_file,
        )
        check()
        write_sealed(self.folder / "final.json", comparison.to_dict())
        return comparison


def compare(
    work: Work, result: TuneResult, held_out: HeldOut, *, progress: bool, same_file: bool = False
) -> Comparison:
    """Hold the comparison of a study's best configuration with its default one.

    Args:
        work: the study; its workers train all runs side by side.
        result: its search, done; ``result.best`` is a number.
        held_out: the scoring function.
        progress: whether to show a bar over the runs.
        same_file: whether the test streams come from the same file of sequences as the tuning streams.
    """
    assert result.best is not None
    config = work.config
    contest = Contest(
        folder=work.location.folder,
        number=result.best,
        best=lambda seed: config.train_config(result.best_values or {}, seed),
        default=lambda seed: config.train_config({}, seed),
        best_is_default=result.best_values == config.defaults(),
        seeds=list(config.plan().final),
        streams=config.test_streams,
        steps=config.train.total_steps,
        same_file=same_file,
        score=lambda folder: held_out(folder, config),
    )
    return contest.hold(work.train, work.workers, work.check, progress=progress)
