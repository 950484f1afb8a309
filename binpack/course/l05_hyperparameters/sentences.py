"""Lesson 05: what a sweep shows, in sentences whose numbers come from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from binpack.course.l05_hyperparameters.results import Sweeps, default_of, written
from binpack.course.l05_hyperparameters.sweeps import GRIDS
from binpack.course.l05_hyperparameters.worth import Worth, worth
from binpack.course.tables import Table

FOLKLORE = ("learning_rate", "n_steps", "clip_range")
"""What is to be tuned first, in this order, after the reward; the rest at default."""


def about(record: Sweeps, name: str) -> str:
    """Say in a few lines what a hyperparameter's sweep shows.

    Args:
        record: the sweeps.
        name: of the hyperparameter.
    """
    each, runs = worth(record, name), record.knob(name)
    means = {value: float(some.final.mean()) for value, some in runs.items()}
    worst = min(means, key=means.__getitem__)
    others = [written(value) for value in each.close if value != each.best]
    return (
        f"{name}: best mean {means[each.best]:.3f} at {written(each.best)}, worst {means[worst]:.3f} at "
        f"{written(worst)}: {each.spread:.3f} apart, by chance alone {each.chance:.3f}\n"
        f"  not behind the best: {', '.join(others) or 'no other value'}"
    )


def diagnostics(record: Sweeps, name: str) -> Table:
    """Return what the runs of a sweep said of themselves, a row for each value.

    Args:
        record: the sweeps.
        name: of the hyperparameter.
    """
    head = (name, "first quarter", "final", "seeds apart", "setbacks", "approx_kl", "clip_fraction", "last entropy")
    rows = []
    for value, runs in record.knob(name).items():
        early = f"{runs.early.mean():.3f}" if np.isfinite(runs.early).all() else ""
        entropy = runs.diagnostics["entropy"][:, -1]
        rows.append(
            (
                written(value) + ("*" if value == default_of(name) else ""),
                early,
                f"{runs.final.mean():.3f}",
                f"{runs.final.std(ddof=1):.3f}",
                f"{runs.setbacks.mean():.4f}",
                _mean(runs.mean_of("approx_kl"), "#.2g"),
                _mean(runs.mean_of("clip_fraction"), ".2f"),
                _mean(entropy, ".2f"),
            )
        )
    return Table(head, rows, f"{name}: means over {len(record.seeds)} seeds; * the default")


def _mean(values: np.ndarray, form: str) -> str:
    """Write the mean of what was said, nothing where nothing was."""
    said = values[np.isfinite(values)]
    return f"{said.mean():{form}}" if said.size else ""


def order(worths: Sequence[Worth]) -> str:
    """Set the order in which people tune beside the order that the sweeps give.

    Args:
        worths: of each hyperparameter.
    """
    by_spread = [each.name for each in sorted(worths, key=lambda each: -each.spread)]
    gained = [each for each in sorted(worths, key=lambda each: -each.gain.difference) if each.gain.word == "ahead"]
    places = ", ".join(f"{name} is number {by_spread.index(name) + 1}" for name in FOLKLORE)
    told = ", ".join(f"{each.name} ({each.gain.difference:+.3f})" for each in gained)
    return "\n".join(
        [
            f"by the spread of their means, of {len(by_spread)}: {places}",
            f"the first three are {', '.join(by_spread[:3])}",
            f"tuned alone and judged on other seeds, ahead of the default: {told or 'none'}",
        ]
    )


def counted(record: Sweeps) -> str:
    """Say how many runs there are, and how many of them diverged.

    Args:
        record: the sweeps.
    """
    lost = sum(int(record.runs(change).diverged.sum()) for change in record.changes)
    ended = "none diverged" if not lost else f"{lost} diverged, and each counts with the score that it had"
    return f"{len(record.changes)} settings with {len(record.seeds)} seeds each: {len(record):,} runs; {ended}"


def episodes(record: Sweeps) -> str:
    """Say how long training episodes are, with the default, at the beginning and at the end.

    Args:
        record: the sweeps.
    """
    lengths = record.default.diagnostics["ep_len_mean"]
    first, last = lengths[:, 0].mean(), lengths[:, -1].mean()
    return f"steps in a training episode: {first:.1f} after the first rollout, {last:.1f} at the end"


def rates_beside_epochs(record: Sweeps) -> str:
    """Say which learning rate is best for each number of epochs in the grid of the two.

    Args:
        record: the sweeps.
    """
    rates, epochs = GRIDS["learning_rate", "n_epochs"]
    lines = []
    for count in epochs:
        means = {rate: record.runs({"learning_rate": rate, "n_epochs": count}).final.mean() for rate in rates}
        best = max(means, key=means.__getitem__)
        lines.append(f"n_epochs {count:>2}: best mean {means[best]:.3f} at learning_rate {written(best)}")
    return "\n".join(lines)


def steps_beside_scores(record: Sweeps, counts: Mapping[tuple[int, int], int]) -> str:
    """Say how far the gradient steps of a run alone order the cells of the grid of n_steps and batch_size.

    Args:
        record: the sweeps.
        counts: (n_steps, batch_size) to gradient steps in a run.
    """
    means = [record.runs({"n_steps": n, "batch_size": size}).final.mean() for n, size in counts]
    steps = np.array(list(counts.values()))
    r = np.corrcoef(_ranks(steps), _ranks(np.array(means)))[0, 1]
    return f"rank correlation of gradient steps and mean final score over the {len(means)} cells: {r:.2f}"


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank values; equal ones share the middle of their places (Spearman, 1904)."""
    return (values[:, None] > values).sum(axis=1) + (values[:, None] == values).sum(axis=1) / 2
