"""What another library's search has tried, as a study of Optuna's: ``show`` and every plot take it.

A study of this kind has one entry of ours, ``bridge``: its format's version, the library, and the search space. Its
trials are added one by one as they end, so that a search which is stopped leaves what it found.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FixedTrial, TrialState, create_trial

from binpack.agents.config import check_version
from binpack.files import InputError
from binpack.search._model import SearchError
from binpack.search.report import AnyResult, best_number, trials_table
from binpack.search.space import Space
from binpack.search.storage import DEFAULT_NAME, load_study, locate, open_storage, quiet, refuse_other_files
from binpack.text import terminal

BRIDGE_VERSION = 1
"""Version of the format of a study's entry ``bridge``."""
Report = Callable[[float], None]
"""Takes a score on the way; raises ``optuna.TrialPruned`` where the trial is to end."""
Objective = Callable[[dict[str, Any], Report], float]
"""Scores a configuration, the higher the better. It may report on the way, and lets what ``report`` raises through."""


@dataclass(frozen=True)
class Tried:
    """One trial.

    Attributes:
        values: the configuration.
        state: complete, pruned or failed.
        score: of a complete one.
        reports: scores on the way.
        seconds: wall time.
        error: why it failed, in one line.
    """

    values: Mapping[str, Any]
    state: TrialState
    score: float | None
    reports: tuple[float, ...]
    seconds: float
    error: str | None = None


def try_out(
    objective: Objective, values: Mapping[str, Any], stop: Callable[[Sequence[float]], bool] = lambda reports: False
) -> Tried:
    """Score a configuration. An objective that raises has failed; what is no ``Exception``, such as Ctrl-C, goes on.

    Args:
        objective: what scores.
        values: the configuration.
        stop: asked at each report, with all so far, whether the trial is to end.
    """
    reports: list[float] = []
    started = time.perf_counter()

    def report(score: float) -> None:
        reports.append(_finite(score))
        if stop(reports):
            raise optuna.TrialPruned

    def tried(state: TrialState, score: float | None = None, error: str | None = None) -> Tried:
        return Tried(dict(values), state, score, tuple(reports), time.perf_counter() - started, error)

    try:
        return tried(TrialState.COMPLETE, _finite(objective(dict(values), report)))
    except optuna.TrialPruned:
        return tried(TrialState.PRUNED)
    except Exception as error:  # an objective may fail in any way
        return tried(TrialState.FAIL, error=" ".join(f"{type(error).__name__}: {error}".split()))


def _finite(score: float) -> float:
    if not math.isfinite(score):
        raise InputError(f"the score is {score}")
    return float(score)


def new_study(space: Space, library: str, storage: str | Path | None = None, name: str = DEFAULT_NAME) -> optuna.Study:
    """Make the study that trials are added to; the score is to be as high as possible.

    Args:
        space: what varies.
        library: what searches, as it is shown.
        storage: where the study is kept, as for ``storage.locate``; None: in memory.
        name: its name there.

    Raises:
        SearchError: the storage cannot be used, or has a study of that name.
    """
    kept: Any = None
    if storage is not None:
        location = locate(storage, name)
        refuse_other_files(location)
        kept = open_storage(location)
    with quiet():
        try:
            study = optuna.create_study(storage=kept, study_name=name, direction="maximize")
        except optuna.exceptions.DuplicatedStudyError:
            raise SearchError(
                f"{location.shown} has a study {name!r} already: choose another file or another name"
            ) from None
    entry = {"version": BRIDGE_VERSION, "library": library, "space": space.model_dump(mode="json")}
    study.set_user_attr("bridge", entry)
    return study


def add_trial(study: optuna.Study, space: Space, tried: Tried) -> None:
    """Add a trial to a study.

    Raises:
        SearchError: a value that the space has not.
    """
    if (wrong := space.outside(tried.values)) is not None:
        raise SearchError(f"{study.user_attrs['bridge']['library']} drew {wrong}")
    # It is asked for the values that it has, and keeps the distributions that it was asked with.
    fixed = FixedTrial(space.encode(tried.values))
    space.suggest(fixed)
    attrs: dict[str, Any] = {"seconds": round(tried.seconds, 3)}
    if tried.error is not None:
        attrs["error"] = tried.error
    study.add_trial(
        create_trial(
            state=tried.state,
            value=tried.score,
            params=fixed.params,
            distributions=fixed.distributions,
            intermediate_values=dict(enumerate(tried.reports, start=1)),
            user_attrs=attrs,
        )
    )


@dataclass(frozen=True)
class BridgeResult(AnyResult):
    """What another library found.

    Attributes:
        library: what searched.
    """

    library: str

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values for JSON."""
        return {**super().to_dict(), "library": self.library}

    def summary(self) -> str:
        """The result in a few lines of plain text."""
        return f"{super().summary()}\n{terminal(f'Searched by {self.library}.')}"


def load_bridge(storage: str | Path, name: str | None = None) -> BridgeResult | None:
    """Read what another library found; None where the study was not made by a bridge.

    Args:
        storage: the journal's path, or a database URL.
        name: which study; None for the only one there is.

    Raises:
        SearchError: no such study, or one that a later version wrote.
    """
    study = load_study(storage, name)
    entry = study.user_attrs.get("bridge")
    if not isinstance(entry, dict):
        return None
    try:
        check_version(entry.get("version"), BRIDGE_VERSION)
        space = Space(**entry["space"])
    except (InputError, KeyError, TypeError) as error:
        raise SearchError(f"study {study.study_name!r}: not what a bridge writes: {error}") from None
    rows = trials_table(study, space)
    return BridgeResult(locate(storage, study.study_name), rows, best_number(rows), str(entry.get("library")))
