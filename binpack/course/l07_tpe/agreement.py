"""Lesson 07: the search of the lesson beside Optuna's, on the same problem with one hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.charts import Series, chart
from binpack.course.l07_tpe import tpe
from binpack.course.l07_tpe.line import NAME, TICKS, Line
from binpack.course.progress import progress
from binpack.course.searching import chance_better, worth_of_leaders
from binpack.course.tables import Table
from binpack.plots.figure import Figure

BINS = 20


@dataclass(frozen=True)
class Sample:
    """Many searches of one kind.

    Attributes:
        places: of the trials, float64, (repeats, trials).
        scores: of these, (repeats, trials).
    """

    places: NDArray
    scores: NDArray

    def found(self, line: Line) -> NDArray:
        """Return what the leader of each search is worth at its end, float64, (repeats,).

        Args:
            line: the problem.
        """
        return worth_of_leaders(self.scores, line.worth(self.places))[:, -1]

    def where(self) -> NDArray:
        """Return the share of the trials after the random ones in each twentieth of the scale, float64, (20,)."""
        late = self.places[:, tpe.STARTUP :].ravel()
        return np.histogram(late, BINS, (0.0, 1.0))[0] / len(late)


def ours(line: Line, parts: tpe.Parts, trials: int, repeats: int, seed: int = 0) -> Sample:
    """Search with the lesson's functions.

    Args:
        line: the problem.
        parts: the functions.
        trials: of each search.
        repeats: how many.
        seed: of all.
    """
    rng = np.random.default_rng(seed)
    found = [tpe.search(line, trials, parts, rng) for _ in progress(range(repeats), "searches")]
    return Sample(np.array([places for places, _ in found]), np.array([scores for _, scores in found]))


def optunas(line: Line, trials: int, repeats: int, seed: int = 0) -> Sample:
    """Search with Optuna's sampler.

    Args:
        line: the problem.
        trials: of each search.
        repeats: how many.
        seed: of all.
    """
    rng = np.random.default_rng([seed, 1])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    places, scores = np.empty((repeats, trials)), np.empty((repeats, trials))
    for row in progress(range(repeats), "searches"):
        sampler = optuna.samplers.TPESampler(seed=int(rng.integers(2**31)), constant_liar=False)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for trial in range(trials):
            asked = study.ask()
            places[row, trial] = asked.suggest_float(NAME, 0.0, 1.0)
            scores[row, trial] = line(places[row, trial : trial + 1], rng)[0]
            study.tell(asked, scores[row, trial])
    return Sample(places, scores)


def figure(samples: dict[str, Sample]) -> Figure:
    """Draw where the trials after the random ones lie.

    Args:
        samples: name to the searches of that kind.
    """
    middles = (np.arange(BINS) + 0.5) / BINS
    where = {name: sample.where() for name, sample in samples.items()}
    parts = [f"{name} {middles[int(np.argmax(share))]:.3f}" for name, share in where.items()]
    return chart(
        [Series(name, middles, share.round(4)) for name, share in where.items()],
        x=NAME,
        y="share of the trials",
        title="where the trials lie after the first ten",
        text=f"most trials lie around these places of the scale: {', '.join(parts)}",
        ticks=TICKS,
    )


def table(samples: dict[str, Sample], line: Line) -> Table:
    """Put what two kinds of searches found beside each other.

    Args:
        samples: name to the searches of that kind, two of them.
        line: the problem.
    """
    rows = []
    for name, sample in samples.items():
        found, late = sample.found(line), line.worth(sample.places[:, tpe.STARTUP :])
        rows.append([name, f"{found.mean():.4f}", f"{late.mean():.4f}", f"{late.std():.4f}"])
    head = ("search", "worth of the choice", "worth of the trials after ten", "their spread")
    return Table(head, rows, f"{len(next(iter(samples.values())).places)} searches of each kind")


def difference(samples: dict[str, Sample], line: Line) -> str:
    """Say whether the two kinds can be told apart by what they find.

    Args:
        samples: name to the searches of that kind, two of them.
        line: the problem.
    """
    (one, first), (other, second) = samples.items()
    a, b = first.found(line), second.found(line)
    error = float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))
    gap = float(a.mean() - b.mean())
    word = "no more than chance makes" if abs(gap) < 2 * error else "more than chance makes"
    return (
        f"{one} ends with more than {other} in {chance_better(a, b):.0%} of the pairs; the means differ by {gap:+.4f} "
        f"with a standard error of {error:.4f}, {word}"
    )
