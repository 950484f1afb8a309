"""Lesson 05: sentences that tutorials repeat, each beside the measurement that bears on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core.statistics import Verdict, verdict
from binpack.course.l05_hyperparameters.results import KNOBS, Runs, Sweeps, change_of, default_of, values_of, written
from binpack.course.l05_hyperparameters.worth import cross_fitted
from binpack.course.tables import Table

HOLDS, FAILS, OPEN = "holds here", "does not hold here", "not separable"
FEW, LATER = "too few to tell", "see lesson 05b"
FEWEST_FOR_SPREAD = 6
"""Under so many seeds a difference of spreads cannot be told: the test of `Runs.deviation` is far off at 3 to 5."""


@dataclass(frozen=True)
class Measure:
    """A number a run.

    Attributes:
        name: what it is called in the table.
        of: the numbers of a setting's runs, (R,).
        seeds: how many runs a comparison needs.
        digits: decimals that are shown.
    """

    name: str
    of: Callable[[Runs], NDArray[np.float64]]
    seeds: int = 3
    digits: int = 3


FINAL = Measure("final score", lambda runs: runs.final)
EARLY = Measure("score in the first quarter", lambda runs: runs.early)
SPREAD = Measure("distance from the median seed", lambda runs: runs.deviation, FEWEST_FOR_SPREAD, 4)
SETBACKS = Measure("setback between evaluations", lambda runs: runs.setbacks, 3, 4)


@dataclass(frozen=True)
class Finding:
    """What came of one sentence.

    Attributes:
        says: the sentence.
        measured: what was compared with what.
        result: the numbers.
        word: "holds here", "does not hold here", "not separable", "too few to tell", or where it is answered.
    """

    says: str
    measured: str
    result: str
    word: str


@dataclass(frozen=True)
class Claim:
    """A sentence of the kind "this setting has more of that than the other one".

    Attributes:
        says: the sentence.
        first: what its setting changes of the default.
        other: what the setting changes that it is compared with.
        measure: what is compared.
        more: whether the sentence expects more of it, or less.
    """

    says: str
    first: Mapping[str, Any]
    other: Mapping[str, Any]
    measure: Measure
    more: bool = True

    def judge(self, record: Sweeps) -> Finding:
        """Compare the two settings seed by seed.

        Args:
            record: the sweeps.
        """
        one, two = (self.measure.of(record.runs(change)) for change in (self.first, self.other))
        measured = f"{self.measure.name}: {named(self.first)} against {named(self.other)}"
        if len(one) < self.measure.seeds:
            return Finding(self.says, measured, f"{len(one)} seeds", FEW)
        found = verdict(one, two)
        return Finding(self.says, measured, _numbers(found, self.measure.digits), word(found, self.more))


def word(found: Verdict, more: bool = True) -> str:
    """Say what a verdict means for a sentence.

    Args:
        found: of the comparison.
        more: whether the sentence expects the first to be ahead, or behind.
    """
    if not found.separable:
        return OPEN if found.word == "not separable" else FEW
    return HOLDS if (found.word == "ahead") == more else FAILS


_LINEAR = {"learning_rate_schedule": "linear"}
CLAIMS = (
    Claim("A smaller clip range is stabler", {"clip_range": 0.1}, {"clip_range": 0.2}, SPREAD, more=False),
    Claim("A smaller clip range is slower", {"clip_range": 0.1}, {"clip_range": 0.2}, EARLY, more=False),
    Claim("More epochs overfit", {"n_epochs": 30}, {"n_epochs": 10}, FINAL, more=False),
    Claim("Small rollouts learn fast", {"n_steps": 16}, {"n_steps": 64}, EARLY),
    Claim("Small rollouts are unstable", {"n_steps": 16}, {"n_steps": 64}, SETBACKS),
    Claim("gae_lambda should be near gamma", {"gae_lambda": 0.98}, {"gae_lambda": 0.9}, FINAL),
    Claim("Short episodes want gamma 0.95", {"gamma": 0.95}, {"gamma": 0.99}, FINAL),
    Claim("An entropy bonus of 0.01 helps at first", {"ent_coef": 0.01}, {"ent_coef": 0.0}, EARLY),
    Claim("An entropy bonus of 0 is better at the end", {"ent_coef": 0.0}, {"ent_coef": 0.01}, FINAL),
    Claim("A linear learning rate helps", _LINEAR, {}, FINAL),
    Claim(
        "A linear learning rate helps a large rate",
        {**_LINEAR, "learning_rate": 3e-3},
        {"learning_rate": 3e-3},
        FINAL,
    ),
    Claim("A larger batch is stabler", {"batch_size": 256}, {"batch_size": 64}, SPREAD, more=False),
    Claim("A larger batch is slower", {"batch_size": 256}, {"batch_size": 64}, EARLY, more=False),
    Claim("Advantages should be normalized", {}, {"normalize_advantage": False}, FINAL),
    Claim(
        "target_kl tames a large learning rate",
        {"learning_rate": 3e-3, "target_kl": 0.03},
        {"learning_rate": 3e-3},
        SETBACKS,
        more=False,
    ),
)
"""Sentences about two settings."""

BANDS = {"approx_kl": (0.01, 0.05), "clip_fraction": (0.1, 0.3)}
"""Where a diagnostic is said to belong."""


_PROCESSES = Finding(
    "Subprocess environments are faster than one process", "steps a second, timed side by side", "", LATER
)


def findings(record: Sweeps) -> list[Finding]:
    """Judge every sentence.

    Args:
        record: the sweeps.
    """
    bands = [band(record, name, *ends) for name, ends in BANDS.items()]
    return [*(claim.judge(record) for claim in CLAIMS), *bands, defaults(record), _PROCESSES]


def table(found: list[Finding]) -> Table:
    """Return findings as a table.

    Args:
        found: of each sentence.
    """
    head = ("what is said", "what was compared", "difference, 95 % interval", "verdict")
    return Table(head, [(each.says, each.measured, each.result, each.word) for each in found])


def tally(found: list[Finding]) -> str:
    """Say how many sentences got each word.

    Args:
        found: of each sentence.
    """
    words = [each.word for each in found]
    counts = [f"{word}: {words.count(word)}" for word in (HOLDS, FAILS, OPEN, FEW, LATER) if word in words]
    return f"{len(found)} sentences; {', '.join(counts)}"


def single_changes() -> list[dict[str, Any]]:
    """List the settings that change one hyperparameter, and the default, which comes first."""
    changes: list[dict[str, Any]] = [{}]
    for name in KNOBS:
        changes += [change_of(name, value) for value in values_of(name) if value != default_of(name)]
    return changes


def band(record: Sweeps, name: str, low: float, high: float) -> Finding:
    """Ask whether settings whose diagnostic lies in a range do better than the others.

    Args:
        record: the sweeps.
        name: of the diagnostic.
        low: the range's lower end.
        high: its upper end.
    """
    runs = [record.runs(change) for change in single_changes()]
    # a run that diverged at once has said nothing, and does not count as inside
    inside = np.array([low <= np.nan_to_num(each.mean_of(name)).mean() <= high for each in runs])
    finals = np.array([each.final for each in runs])
    says = f"{name} belongs in {low:g} to {high:g}"
    measured = f"final score: the {inside.sum()} settings inside against the {(~inside).sum()} outside"
    if inside.all() or not inside.any():
        return Finding(says, measured, "", FEW)
    good = np.array([verdict(scores, record.default.final).word != "behind" for scores in finals])
    found = verdict(finals[inside].mean(axis=0), finals[~inside].mean(axis=0))
    as_good = f"; as good as the default: {(good & inside).sum()} inside, {(good & ~inside).sum()} outside"
    return Finding(says, measured, _numbers(found, 3) + as_good, word(found))


def defaults(record: Sweeps) -> Finding:
    """Ask whether the best single change, chosen on other seeds than it is judged on, beats the defaults.

    Args:
        record: the sweeps.
    """
    finals = np.array([record.runs(change).final for change in single_changes()])
    found = verdict(cross_fitted(finals, 0))
    measured = (
        f"final score: the best of {len(finals)} single changes against the default, on other seeds than chose it"
    )
    return Finding("PPO needs no tuning: its defaults do", measured, _numbers(found, 3), word(found, more=False))


def named(change: Mapping[str, Any]) -> str:
    """Write a setting.

    Args:
        change: what it changes of the default.
    """
    parts = [
        f"{value} {name.removesuffix('_schedule')}" if name.endswith("_schedule") else f"{name} {written(value)}"
        for name, value in change.items()
    ]
    return ", ".join(parts) or "the default"


def _numbers(found: Verdict, digits: int) -> str:
    low, high = found.interval
    return f"{found.difference:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"
