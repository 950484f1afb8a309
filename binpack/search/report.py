"""What a study found, as rows, text, CSV and JSON; made from its storage and folder alone, without training."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from binpack.core.registry import without_imports
from binpack.core.statistics import Interval, Verdict, mean_interval, verdict
from binpack.files import FileError, InputError, first_line, read_json, read_sealed
from binpack.search._model import STUDY_VERSION, SearchError, check_stored
from binpack.search.config import TuneConfig
from binpack.search.space import Space
from binpack.search.storage import Location, load_study, locate
from binpack.text import rich_text, terminal

_TEXT_WIDTH = 24
"""Letters in a line of a column of text, at least."""
_COLUMNS = ("number", "state", "value", "spread", "steps", "seconds", "default", "error")


def study_config(study: optuna.Study) -> TuneConfig:
    """The configuration that a study was made with; nothing that it names is imported for it.

    Raises:
        SearchError: the study was not made by ``tune``, or by a later version of it.
    """
    stored = study.user_attrs.get("binpack")
    if not isinstance(stored, dict) or "config" not in stored:
        raise SearchError(f"study {study.study_name!r} was not made by binpack: it holds no configuration")
    check_stored(stored, f"study {study.study_name!r}")
    with without_imports():
        return TuneConfig(**stored["config"])


def trials_table(study: optuna.Study, space: Space | None = None) -> list[dict[str, Any]]:
    """One row per trial, in order.

    Args:
        study: any Optuna study.
        space: to turn stored values back (lists); by default the one in the study's configuration, if it has one.

    Returns:
        Rows with ``number``, ``state`` (complete, pruned, diverged, fail, running), ``value`` (mean over seeds of the
        last evaluation; None unless complete), ``spread`` (largest minus smallest seed; None under two seeds),
        ``scores`` (per finished seed), ``params`` (name to value), ``steps`` (environment steps), ``seconds``,
        ``default`` (whether it is the default configuration put first), ``error`` (None or the exception in one line).
    """
    if space is None and "binpack" in study.user_attrs:
        space = study_config(study).space
    rows = []
    for trial in study.get_trials(deepcopy=False):
        attrs = trial.user_attrs
        scores = [float(score) for score in attrs.get("scores", [])]
        rows.append(
            {
                "number": trial.number,
                "state": _state_of(trial),
                "value": trial.value if trial.state == TrialState.COMPLETE else None,
                "spread": max(scores) - min(scores) if len(scores) > 1 else None,
                "scores": scores,
                "params": space.decode(trial.params) if space else dict(trial.params),
                "steps": int(attrs.get("steps", 0)),
                "seconds": float(attrs.get("seconds", 0.0)),
                "default": bool(attrs.get("default", False)),
                "error": attrs.get("error"),
            }
        )
    return rows


def _state_of(trial: FrozenTrial) -> str:
    """Name how a trial ended; what diverged was told as pruned, with an error."""
    diverged = trial.state == TrialState.PRUNED and "error" in trial.user_attrs
    return "diverged" if diverged else trial.state.name.lower()


def to_csv(rows: Sequence[dict[str, Any]], path: str | Path | None = None) -> str:
    """The rows as CSV, one column per parameter; written to ``path`` if there is one, and returned."""
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *names])
    for row in rows:
        cells = [*(row[column] for column in _COLUMNS), *(row["params"].get(name) for name in names)]
        writer.writerow(["" if cell is None else cell for cell in cells])
    if path is not None:
        Path(path).write_text(text.getvalue(), encoding="utf-8")
    return text.getvalue()


def rich_table(
    rows: Sequence[dict[str, Any]], title: str | None = None, best: int | None = None, width: int | None = None
) -> Table:
    """The rows as a table for a terminal; the best trial's number is marked with a star.

    Up to five parameters have a column each; more share one, as no terminal is wide enough for their names. Where
    that is too wide as well, a trial is a paragraph.

    Args:
        rows: as ``trials_table`` has them.
        title: above the table.
        best: number of the best trial.
        width: of the terminal, in letters; None for as wide as it takes.
    """
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))
    own = len(names) <= 5
    table = _wide_table(rows, names, own, best)
    if width is not None and own and _narrowest(table) > width:
        table = _wide_table(rows, names, False, best)
    if width is not None and _narrowest(table) > width:
        table = _paragraphs(rows, best)
    table.title = None if title is None else rich_text(title, "table.title")
    return table


def _narrowest(table: Table) -> int:
    """Return how wide a table has to be at least, in letters."""
    console = Console(width=10_000, file=io.StringIO())
    return Measurement.get(console, console.options, table).minimum


def _wide_table(rows: Sequence[dict[str, Any]], names: Sequence[str], own: bool, best: int | None) -> Table:
    """The rows in columns, with one for each parameter or one for all of them."""
    failed = any(row["error"] for row in rows)
    numbers = [name for name in ("spread", "steps") if any(row[name] for row in rows)]
    table = Table()
    for column in ("trial", "score", *numbers):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    if own:
        for name in names:
            table.add_column(rich_text(name), justify="right", no_wrap=True)
    else:
        table.add_column("settings", overflow="fold", min_width=_TEXT_WIDTH)
    if failed:
        table.add_column("error", overflow="fold", min_width=_TEXT_WIDTH)
    for row in rows:
        settings = {name: _short(row["params"].get(name)) for name in names}
        table.add_row(
            *(_number(row, best), _short(row["value"], 4), *(_short(row[name], 4) for name in numbers), _state(row)),
            *map(rich_text, settings.values() if own else [_settings(settings)]),
            *([rich_text(row["error"] or "")] if failed else []),
        )
    return table


def _paragraphs(rows: Sequence[dict[str, Any]], best: int | None) -> Table:
    """The rows as paragraphs, which a terminal of any width breaks into lines."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), title_justify="left")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        numbers = {name: _short(row[name] or None, 4) for name in ("spread", "steps")}
        numbers = {"score": _short(row["value"], 4), **numbers}
        table.add_row(_number(row, best), ", ".join(filter(None, [_settings(numbers), _state(row)])))
        table.add_row("", rich_text(_settings({name: _short(value) for name, value in row["params"].items()})))
        if row["error"]:
            table.add_row("", rich_text(row["error"]))
    return table


def _number(row: Mapping[str, Any], best: int | None) -> str:
    return ("*" if row["number"] == best else "") + str(row["number"])


def _state(row: Mapping[str, Any]) -> str:
    return row["state"] + (" (default)" if row["default"] else "")


def _settings(settings: Mapping[str, str]) -> str:
    """Put the settings of a trial into one text."""
    return ", ".join(f"{name} {text}" for name, text in settings.items() if text)


def _short(value: Any, digits: int | None = None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{digits}f}" if digits else f"{value:.3g}"
    return str(value)


ANEW = "delete final.json, and tune compares anew"


@dataclass(frozen=True)
class Comparison:
    """Best against default on fresh training seeds and other item streams; pairs share a seed and the streams.

    Attributes:
        number: the best trial's number.
        best_is_default: the best trial is the default configuration itself: one set of runs, nothing to compare.
        seeds: the training seeds, in the order of the scores.
        streams: how many test streams each run was scored on.
        steps: environment steps per run.
        best: held-out score per seed, mean utilization over the test streams.
        default: the same of the default configuration.
        same_file: the test streams were drawn, with replacement, from the file that the tuning streams are from too.
    """

    number: int
    best_is_default: bool
    seeds: list[int]
    streams: int
    steps: int
    best: list[float]
    default: list[float]
    same_file: bool = False

    @property
    def best_interval(self) -> Interval:
        """95 % interval of the best configuration's mean, over training seeds."""
        return mean_interval(self.best)

    @property
    def default_interval(self) -> Interval:
        """The same of the default configuration."""
        return mean_interval(self.default)

    @property
    def verdict(self) -> Verdict:
        """What the differences say, best minus default, paired by seed."""
        return verdict(self.best, self.default)

    @property
    def difference_interval(self) -> Interval:
        """95 % interval of the mean difference."""
        return self.verdict.interval

    @property
    def difference(self) -> float:
        """Mean over seeds of best minus default."""
        return self.verdict.difference

    @property
    def separable(self) -> bool:
        """Whether best and default can be told apart."""
        return self.verdict.separable

    def to_dict(self) -> dict[str, Any]:
        """The comparison for JSON: the scores, and the intervals and the verdict that follow from them."""
        return {
            "version": STUDY_VERSION,
            **asdict(self),
            "best_interval": list(self.best_interval),
            "default_interval": list(self.default_interval),
            "difference_interval": list(self.difference_interval),
            "difference": self.difference,
            "separable": self.separable,
            "verdict": self.verdict.word,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """The inverse of ``to_dict``.

        Only the scores and facts are read. Intervals follow from them anew, so that those of an older file, which had
        been made by a bootstrap, claim no more than they should.

        Raises:
            SearchError: a later version wrote it, or a field is missing.
        """
        check_stored(data, "the comparison")
        try:
            found = cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})
            for name in ("best", "default"):
                scores = getattr(found, name)
                if len(scores) != len(found.seeds) or not all(math.isfinite(score) for score in scores):
                    raise InputError(f"{name} is {scores}")
            if not all(isinstance(each, int) for each in (found.number, found.streams, found.steps)):
                raise InputError(f"streams {found.streams}, steps {found.steps}")
        except (TypeError, ValueError) as error:
            raise SearchError(f"the comparison cannot be read: {first_line(error)}: {ANEW}") from None
        return found

    def lines(self, tuning_score: float) -> list[str]:
        """The comparison in words, beside the score that the best trial had when it was chosen."""
        runs = f"trained anew on {len(self.seeds)} fresh seeds of {self.steps} steps"
        streams = "streams drawn from the same file as the tuning streams" if self.same_file else "unseen streams"
        lines = [
            f"Held out ({runs}, scored on {self.streams} {streams}):",
            f"  best     {_mean_and_interval(self.best, self.best_interval)}   (its tuning score: {tuning_score:.4f})",
        ]
        if self.best_is_default:
            return [*lines, "  The best trial is the default configuration itself: tuning found nothing better."]
        lines.append(f"  default  {_mean_and_interval(self.default, self.default_interval)}")
        lines.append(f"  best - default {self.verdict}")
        return lines


def _mean_and_interval(scores: Sequence[float], interval: tuple[float, float]) -> str:
    return f"{np.mean(scores):.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


@dataclass(frozen=True)
class TuneResult:
    """A study and what it found.

    Attributes:
        location: where it lives.
        config: what it is.
        rows: its trials, as ``trials_table`` has them.
        best: the best complete trial's number; None if there is none.
        comparison: the held-out comparison; None if it was not asked for or is not there yet.
        items: fingerprint of the items that it was made with, whatever their file holds now; None where an older
            version made the study.
    """

    location: Location
    config: TuneConfig
    rows: list[dict[str, Any]]
    best: int | None
    comparison: Comparison | None
    items: str | None = None

    @property
    def tuning_score(self) -> float | None:
        """The best trial's score: the highest of many, so it flatters; the held-out score does not."""
        return None if self.best is None else self.rows[self.best]["value"]

    @property
    def best_values(self) -> dict[str, Any] | None:
        """The best trial's hyperparameters."""
        return None if self.best is None else self.rows[self.best]["params"]

    @property
    def best_path(self) -> Path:
        """The JSON file of the best configuration, which ``tune`` keeps; ``has_best`` says whether it is there."""
        return self.location.folder / "best.json"

    @property
    def has_best(self) -> bool:
        """Whether the best trial's configuration is in its file: not where a study was copied without its folder."""
        with contextlib.suppress(FileError):
            return read_json(self.best_path).get("trial") == self.best
        return False

    @property
    def steps(self) -> int:
        """Environment steps that the trials took."""
        return sum(row["steps"] for row in self.rows)

    def table(self, width: int | None = None) -> Table:
        """The trials for a terminal of a width."""
        title = f"Study {self.location.name} in {self.location.shown}"
        return rich_table(self.rows, title=title, best=self.best, width=width)

    def to_dict(self) -> dict[str, Any]:
        """What the study found, as plain values for JSON; a score that is no finite number is None."""
        best = {"trial": self.best, "tuning_score": self.tuning_score, "params": self.best_values}
        found = {
            "study": self.location.name,
            "storage": self.location.shown,
            "total": self.config.total,
            "steps": self.steps,
            "budget": self.config.budget,
            "best": None if self.best is None else {**best, "file": str(self.best_path) if self.has_best else None},
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "trials": self.rows,
        }
        return _finite(found)

    def summary(self) -> str:
        """The result in a few lines of plain text: counts, budget, best configuration, comparison."""
        states = [row["state"] for row in self.rows]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        seeds = "1 training seed" if self.config.seeds == 1 else f"{self.config.seeds} training seeds"
        lines = [
            f"{len(self.rows)} of {self.config.total} trials ({counts}), {seeds} each, "
            f"{self.steps} environment steps (budget {self.config.budget}, in whole rollouts)"
        ]
        if self.best is None:
            errors = [row["error"] for row in self.rows if row["error"]]
            lines.append("No trial is complete." + (f" First error: {errors[0]}" if errors else ""))
            return "\n".join(map(terminal, lines))
        values = ", ".join(f"{name} {_short(value)}" for name, value in (self.best_values or {}).items())
        lines.append(f"Best: trial {self.best}, tuning score {self.tuning_score:.4f}: {values}")
        if self.has_best:
            lines.append(f"Best configuration: {self.best_path}  (python -m binpack train --config takes it)")
        else:
            lines.append("Best configuration: in no file yet, the same tune command writes it")
        if self.comparison is not None:
            lines += self.comparison.lines(float(self.tuning_score or 0.0))
        return "\n".join(map(terminal, lines))


def _finite(value: Any) -> Any:
    """Return a value for JSON, which has neither NaN nor infinity."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def best_number(rows: Sequence[dict[str, Any]]) -> int | None:
    """The complete trial with the highest score, the first of equals; None if no trial is complete."""
    complete = [row for row in rows if row["value"] is not None]
    return max(complete, key=lambda row: (row["value"], -row["number"]))["number"] if complete else None


def load_result(storage: str | Path, name: str | None = None) -> TuneResult:
    """Read a study's result without training anything, also while it is being tuned.

    Args:
        storage: the journal's path, or a database URL.
        name: which study; None for the only one there is.

    Raises:
        SearchError: no such study, or not one of ``tune``'s.
    """
    study = load_study(storage, name)
    return collect(locate(storage, study.study_name), study_config(study), study)


@dataclass(frozen=True)
class AnyResult:
    """A study that ``tune`` did not make, such as one of a job or of a script: what Optuna knows of its trials.

    Attributes:
        location: where it lives.
        rows: its trials, as ``trials_table`` has them.
        best: the best complete trial's number, by the study's own direction; None if there is none.
    """

    location: Location
    rows: list[dict[str, Any]]
    best: int | None

    @classmethod
    def of(cls, location: Location, study: optuna.Study) -> AnyResult:
        """Read a study.

        Args:
            location: where it lives.
            study: with one objective.

        Raises:
            SearchError: it has several objectives.
        """
        if len(study.directions) > 1:
            raise SearchError(
                f"study {study.study_name!r} has {len(study.directions)} objectives, so no trial is the best: "
                "plots.pareto_front draws it"
            )
        rows = trials_table(study)
        complete = any(row["value"] is not None for row in rows)
        return cls(location, rows, study.best_trial.number if complete else None)

    def table(self, width: int | None = None) -> Table:
        """The trials for a terminal of a width."""
        title = f"Study {self.location.name} in {self.location.shown}"
        return rich_table(self.rows, title=title, best=self.best, width=width)

    def to_dict(self) -> dict[str, Any]:
        """What the study found, as plain values for JSON; a score that is no finite number is None."""
        best = None if self.best is None else {"trial": self.best, **_best_of(self.rows[self.best])}
        place = {"study": self.location.name, "storage": self.location.shown}
        return _finite({**place, "best": best, "trials": self.rows})

    def summary(self) -> str:
        """The result in a line or two of plain text."""
        states = [row["state"] for row in self.rows]
        counts = ", ".join(f"{states.count(each)} {each}" for each in dict.fromkeys(states))
        lines = [f"{len(states)} trial{'s' * (len(states) != 1)} ({counts})"]
        if self.best is None:
            lines.append("No trial is complete.")
        else:
            row = self.rows[self.best]
            values = _settings({name: _short(value) for name, value in row["params"].items()})
            lines.append(f"Best: trial {self.best}, score {_short(row['value'], 4)}: {values}")
        return "\n".join(map(terminal, lines))


def _best_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"score": row["value"], "params": row["params"]}


def read(storage: str | Path, name: str | None = None) -> TuneResult | AnyResult:
    """Read a study's result without training anything, whoever made the study.

    Args:
        storage: the journal's path, or a database URL.
        name: which study; None for the only one there is.

    Raises:
        SearchError: no such study, or one with several objectives.
    """
    study = load_study(storage, name)
    location = locate(storage, study.study_name)
    if "binpack" not in study.user_attrs:
        return AnyResult.of(location, study)
    return collect(location, study_config(study), study)


def collect(location: Location, config: TuneConfig, study: optuna.Study) -> TuneResult:
    """Put a result together from an open study and its folder."""
    rows = trials_table(study, config.space)
    best = best_number(rows)
    final = location.folder / "final.json"
    stored = read_sealed(final, "a comparison", ANEW) if final.is_file() else None
    # A study that went on after its comparison may have another best trial now.
    comparison = Comparison.from_dict(stored) if stored and stored.get("number") == best else None
    made = study.user_attrs.get("binpack", {})
    return TuneResult(location, config, rows, best, comparison, made.get("items"))
