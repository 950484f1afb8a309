"""Lesson 05: what the sweeps recorded, as curves and as numbers a run, with the seeds of all settings in one order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.agents.diagnostics import NAMES
from binpack.core.statistics import FEWEST
from binpack.course.l05_hyperparameters import sweeps
from binpack.course.records import read_record
from binpack.files import InputError

FILE = Path(__file__).with_name("sweeps.json")
EARLY = 10_240
"""Environment steps that count as the beginning of a run: a quarter of it."""
ROLLOUT = sweeps.ENVS * int(sweeps.DEFAULT["n_steps"])
"""Transitions of the default's rollout, which the numbers of environments share."""


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one setting, a row for each seed.

    A run that diverged counts with the score that it had: its curve goes on as it was at its last evaluation, and is 0
    where it never came to one.

    Attributes:
        steps: environment steps of the evaluations, int64, (n,).
        scores: mean utilization at each, float64, (R, n).
        diagnostics: name to what the run said of itself there, float64 with NaN where it said nothing, (R, n).
        diverged: whether a run ended early because its numbers were no longer finite, bool, (R,).
    """

    steps: NDArray[np.int64]
    scores: NDArray[np.float64]
    diagnostics: Mapping[str, NDArray[np.float64]]
    diverged: NDArray[np.bool_]

    @property
    def curve(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What ``plots.curves_with_spread`` draws."""
        return self.steps, self.scores

    @property
    def final(self) -> NDArray[np.float64]:
        """The last score of each run, (R,): what was declared before the runs as their result."""
        return self.scores[:, -1]

    @property
    def early(self) -> NDArray[np.float64]:
        """Mean score over the evaluations in the first quarter, (R,); NaN where the first rollout is longer."""
        first = self.scores[:, self.steps <= EARLY]
        return first.mean(axis=1) if first.shape[1] else np.full(len(first), np.nan)

    @property
    def setbacks(self) -> NDArray[np.float64]:
        """Mean loss of score from one evaluation to the next, (R,), over the second half; a gain counts as 0."""
        half = self.scores[:, self.steps >= self.steps[-1] / 2]
        return np.maximum(half[:, :-1] - half[:, 1:], 0).mean(axis=1)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """How far each run ends from the median of all, (R,): its mean is larger where the seeds differ more.

        Comparing these means is the test of Brown and Forsythe (1974), which does not ask for normal scores.
        """
        return np.abs(self.final - np.median(self.final))

    def mean_of(self, name: str) -> NDArray[np.float64]:
        """Return a diagnostic's mean over each run, (R,); NaN where it was never said.

        Args:
            name: of the diagnostic, such as "approx_kl".
        """
        values = self.diagnostics[name]
        said = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(said, values, 0.0).sum(axis=1) / said.sum(axis=1)


class Sweeps:
    """The record of the sweeps: settings by what they change of the default.

    Only seeds that every setting was run with count, so that two settings can always be compared seed by seed.

    Args:
        record: with a table ``runs``, as ``record_sweeps`` writes it.

    Raises:
        InputError: there are fewer than three such seeds.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.about: Mapping[str, Any] = record["about"]
        self.changes: list[dict[str, Any]] = list(sweeps.changes())
        rows = {(_key(row["change"]), row["seed"]): row for row in record["runs"]}
        keys = [_key(change) for change in self.changes]
        found = sorted({seed for _, seed in rows})
        self.seeds: tuple[int, ...] = tuple(seed for seed in found if all((key, seed) in rows for key in keys))
        if len(self.seeds) < FEWEST:
            raise InputError(
                f"{FILE.name} holds {len(self.seeds)} seeds that every setting was run with, and the lesson needs "
                f"{FEWEST}: {sweeps.__name__.rpartition('.')[0]}.record_sweeps records more"
            )
        self._runs = {key: _runs([rows[key, seed] for seed in self.seeds]) for key in keys}

    def __len__(self) -> int:
        """How many runs are compared."""
        return len(self._runs) * len(self.seeds)

    def runs(self, change: Mapping[str, Any]) -> Runs:
        """Return the runs of a setting.

        Args:
            change: what it changes of the default.

        Raises:
            InputError: it was not run.
        """
        key = _key(without_defaults(change))
        if key not in self._runs:
            raise InputError(f"no runs with {dict(change)}; there are {', '.join(self._runs)}")
        return self._runs[key]

    @cached_property
    def default(self) -> Runs:
        """The runs of the default."""
        return self.runs({})

    def knob(self, name: str) -> dict[Any, Runs]:
        """Return the runs of one hyperparameter's sweep, by its value, all else at the default.

        Args:
            name: of the hyperparameter; ``n_envs`` is the number of environments that share one rollout.
        """
        return {value: self.runs(change_of(name, value)) for value in values_of(name)}

    def finals(self, name: str) -> NDArray[np.float64]:
        """Return the final scores of a sweep, (values, seeds), values in the order of `values_of`."""
        return np.array([runs.final for runs in self.knob(name).values()])


def load(path: str | Path = FILE) -> Sweeps:
    """Read the record.

    Args:
        path: the file.

    Raises:
        FileError: there is no such file, or it holds something else.
        InputError: it holds fewer than three seeds of every setting.
    """
    return Sweeps(read_record(path))


KNOBS = (*sweeps.VALUES, "n_envs")
"""The hyperparameters with a sweep of their own."""


def values_of(name: str) -> tuple[Any, ...]:
    """Return the values that a hyperparameter was run with.

    Args:
        name: one of `KNOBS`.
    """
    return sweeps.N_ENVS if name == "n_envs" else sweeps.VALUES[name]


def default_of(name: str) -> Any:
    """Return the default of a hyperparameter.

    Args:
        name: one of `KNOBS`.
    """
    return sweeps.ENVS if name == "n_envs" else sweeps.DEFAULT[name]


def change_of(name: str, value: Any) -> dict[str, Any]:
    """Return what a value of a hyperparameter changes of the default.

    Args:
        name: one of `KNOBS`; the number of environments changes ``n_steps`` as well, so that the rollout stays.
        value: one of `values_of`.
    """
    return without_defaults({name: value, "n_steps": ROLLOUT // value} if name == "n_envs" else {name: value})


def without_defaults(change: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a change what is the default anyway.

    Args:
        change: name to value.
    """
    default = {**sweeps.DEFAULT, "n_envs": sweeps.ENVS}
    return {name: value for name, value in change.items() if name not in default or value != default[name]}


def written(value: Any) -> str:
    """Write a value as figures and tables do.

    Args:
        value: of a hyperparameter.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if value == sweeps.NO_LIMIT:
        return "no limit"
    return f"{value:,}" if isinstance(value, int) else np.format_float_positional(value, trim="-")


def _key(change: Mapping[str, Any]) -> str:
    return json.dumps(dict(change), sort_keys=True)


def _runs(rows: Sequence[Mapping[str, Any]]) -> Runs:
    """Lay the rows of one setting under each other."""
    steps = max((row["steps"] for row in rows), key=len)
    n = len(steps)
    scores = np.array([_continued(row["utilization"], n) for row in rows])
    said = {name: np.array([_filled(row.get(name, ()), n) for row in rows]) for name in NAMES}
    return Runs(np.array(steps), scores, said, np.array([row["diverged"] for row in rows]))


def _continued(scores: Sequence[float], n: int) -> list[float]:
    """Return a curve of n points that stays at its last score, or at 0 where it has none."""
    return [*scores, *[scores[-1] if scores else 0.0] * (n - len(scores))]


def _filled(values: Sequence[float | None], n: int) -> list[float]:
    known = [float("nan") if value is None else float(value) for value in values]
    return known + [float("nan")] * (n - len(known))
