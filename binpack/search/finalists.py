"""The best few trials of a study and its default, trained anew on fresh seeds and tested beside untrained agents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.limits import check_workers
from binpack.agents.store import shipped
from binpack.agents.training import train as train_ppo
from binpack.core.heuristics import HEURISTICS
from binpack.core.statistics import Verdict, verdict
from binpack.files import InputError, first_line, read_sealed, write_sealed
from binpack.search._model import STUDY_VERSION, SearchError, check_stored
from binpack.search.config import TuneConfig
from binpack.search.final import FreshRuns, HeldOut, held_out_score
from binpack.search.locks import lock
from binpack.search.report import TuneResult, load_result
from binpack.search.storage import quiet
from binpack.search.trials import Train
from binpack.search.workers import Workers

DEFAULT = "default"
AFTER = 2000
"""Seeds of finalists begin so far behind those of tuning; those of ``tune``'s comparison begin 1000 behind."""
ANEW = "delete it, and report --retrain trains what is missing"


@dataclass(frozen=True)
class Finalists:
    """What was trained anew, and how it did.

    Attributes:
        trials: numbers of the trials, the best tuning score first.
        seeds: training seeds, which neither tuning nor ``tune``'s comparison had.
        streams: how many test streams each run was scored on.
        steps: environment steps of a run.
        scores: "default", or a trial's number as text, to its held-out score for each seed.
        others: name of a heuristic or a shipped agent to its score on the same streams.
    """

    trials: list[int]
    seeds: list[int]
    streams: int
    steps: int
    scores: dict[str, list[float]]
    others: dict[str, float]

    def verdict(self, trial: int) -> Verdict:
        """Say whether a trial is ahead of the default, paired by seed.

        Args:
            trial: its number.
        """
        return verdict(self.scores[str(trial)], self.scores[DEFAULT])

    @classmethod
    def load(cls, path: Path) -> Finalists | None:
        """Read what ``retrain`` kept; None where there is none.

        Args:
            path: ``finalists.json`` in the study's folder.

        Raises:
            SearchError: a later version wrote it, or it is damaged.
        """
        if not path.is_file():
            return None
        stored = read_sealed(path, "finalists", ANEW)
        check_stored(stored, str(path))
        try:
            found = cls(**{name: stored[name] for name in cls.__dataclass_fields__})
            whole = {DEFAULT, *map(str, found.trials)}
            if found.scores.keys() != whole or any(len(each) != len(found.seeds) for each in found.scores.values()):
                raise InputError(f"scores of {', '.join(found.scores)} on {len(found.seeds)} seeds")
            if not all(
                math.isfinite(score) for each in [*found.scores.values(), found.others.values()] for score in each
            ):
                raise InputError("a score that is no finite number")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SearchError(f"{path}: no finalists ({first_line(error)}): {ANEW}") from None
        return found


def path_of(result: TuneResult) -> Path:
    """Return the file of a study's finalists, whether it is there or not."""
    return result.location.folder / "finalists.json"


def folder_of(trial: int | None) -> str:
    """Return the name of the folder that holds a finalist's runs, a folder for each seed; None for the default."""
    return f"finalist_{DEFAULT}" if trial is None else f"finalist_trial_{trial:04d}"


def retrain(
    storage: str | Path,
    name: str | None = None,
    *,
    top: int = 3,
    seeds: int = 5,
    train: Train = train_ppo,
    held_out: HeldOut = held_out_score,
    jobs: int = 1,
    progress: bool = True,
) -> Finalists:
    """Train the best few trials and the default anew, test them, and keep what came of it; killed, it goes on.

    Which trials these are is decided by their tuning scores alone. Whoever takes the best of them by their tests
    chooses once more, and needs fresh seeds once more.

    Args:
        storage: of a study that ``tune`` made.
        name: which study; None for the only one there is.
        top: how many trials; fewer where fewer are complete. The default configuration is none of them.
        seeds: fresh training seeds, three or more.
        train: the training function.
        held_out: scores a trained folder on the study's test streams.
        jobs: runs side by side.
        progress: whether to show a bar over the runs.

    Raises:
        SearchError: no such study, no complete trial, other items in the file than the study was made with, or another
            process has it.
        InputError: fewer than three seeds, or no trials are asked for.
    """
    if top < 1 or seeds < 3:
        raise InputError(f"finalists: expected 1 trial or more and 3 seeds or more, got {top} and {seeds}")
    result = load_result(storage, name)
    config, trials = result.config, best_trials(result, top)
    if not trials:
        raise SearchError(f"study {result.location.name} has no complete trial beside the default to train anew")
    # a file keeps its name when it is edited, and what was tuned on the items before is judged on those
    if result.items not in (None, config.train.env.source().fingerprint):
        raise SearchError(
            f"study {result.location.name} was made with other items than {config.train.env.items} holds now: "
            "bring those back, or tune anew in another storage"
        )
    fresh = [config.train.seed + AFTER + number for number in range(seeds)]
    parts = {folder_of(trial): partial(config.train_config, result.rows[trial]["params"]) for trial in trials}
    parts[folder_of(None)] = partial(config.train_config, {})
    at_once = min(jobs, len(parts) * seeds)
    check_workers(at_once)
    runs = FreshRuns(result.location.folder, parts, fresh, config.test_streams, lambda folder: held_out(folder, config))
    with lock(result.location) as check, quiet(), Workers(at_once) as workers:
        scores = list(runs.run(train, workers, check, progress=progress).values())
        found = Finalists(
            trials=trials,
            seeds=fresh,
            streams=config.test_streams,
            steps=config.train.total_steps,
            scores=dict(zip([*map(str, trials), DEFAULT], scores, strict=True)),
            others=untrained(config),
        )
        check()
        write_sealed(path_of(result), {"version": STUDY_VERSION, **asdict(found)})
    return found


def best_trials(result: TuneResult, top: int) -> list[int]:
    """Return the complete trials with the highest tuning scores, best first; none that is the default configuration.

    Args:
        result: the study.
        top: how many.
    """
    default = result.config.defaults()
    rows = [row for row in result.rows if row["value"] is not None and row["params"] != default]
    distinct: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (-row["value"], row["number"])):
        distinct.setdefault(repr(sorted(row["params"].items())), row)
    return [row["number"] for row in list(distinct.values())[:top]]


def untrained(config: TuneConfig, names: Sequence[str] | None = None) -> dict[str, float]:
    """Score heuristics and shipped agents on a study's test streams.

    Args:
        config: of the study.
        names: which; None for all that see what PPO sees. One that does not fit the bin is left out.

    Returns:
        Name to mean utilization, the best first.
    """
    env = config.train.env
    streams = make_streams(env, config.test_streams, config.test_seed)
    scores = {}
    for name in (*HEURISTICS, *shipped()) if names is None else names:
        try:
            scores[name] = float(evaluate(name, streams, env, seed=0, verify=False).mean)
        except InputError:
            continue
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))
