"""Lesson 05: what a sweep shows, in sentences whose numbers come from the record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from binpack.course.l05_hyperparameters.results import Sweeps, default_of, written
from binpack.course.l05_hyperparameters.tables import Table
from binpack.course.l05_hyperparameters.worth import Worth, worth

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
