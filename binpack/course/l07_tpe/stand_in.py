"""Lesson 07: whether searches of the surrogate find what searches of recorded runs find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.searching import worth_of_leaders
from binpack.course.tables import Table
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import Runs

_INVENTED = 200
"""Runs that are invented of each configuration."""


def both(
    runs: Runs, model: Surrogate, trials: int, repeats: int, rng: np.random.Generator
) -> dict[str, tuple[NDArray, NDArray]]:
    """Let random searches choose among recorded configurations, by recorded runs and by invented ones.

    Args:
        runs: the configurations, each tried at most once in a search.
        model: invents runs.
        trials: of a search.
        repeats: searches of each kind.
        rng: draws the order of the configurations and the runs.

    Returns:
        "recorded runs" and "invented runs" to what the leader after each trial has scored and what it is worth: by the
        mean over the other seeds, and by the model's mean; float64, (repeats, trials) each.
    """
    scores = runs.final
    others = (scores.sum(axis=1, keepdims=True) - scores) / (scores.shape[1] - 1)
    means, spreads = (np.repeat(each, _INVENTED) for each in (model.means(runs.places), model.spreads(runs.places)))
    invented = model.scores(means, spreads, rng)
    kinds = {
        "recorded runs": (scores, others),
        "invented runs": (invented.reshape(-1, _INVENTED), means.reshape(-1, _INVENTED)),
    }
    found = {}
    for name, (scored, worth) in kinds.items():
        configs = rng.permuted(np.tile(np.arange(len(scored)), (repeats, 1)), axis=1)[:, :trials]
        drawn = rng.integers(scored.shape[1], size=configs.shape)
        seen, true = scored[configs, drawn], worth[configs, drawn]
        found[name] = np.maximum.accumulate(seen, axis=1), worth_of_leaders(seen, true)
    return found


def table(
    runs: Runs, model: Surrogate, rng: np.random.Generator, at: Sequence[int] = (20, 50, 100, 200), repeats: int = 2000
) -> Table:
    """Set both kinds of searches side by side.

    Args:
        runs: the configurations.
        model: invents runs.
        rng: draws everything.
        at: numbers of trials.
        repeats: searches of each kind.
    """
    rows = []
    for name, (scores, worth) in both(runs, model, max(at), repeats, rng).items():
        means = [(worth[:, trials - 1].mean(), scores[:, trials - 1].mean()) for trials in at]
        rows.append([f"by {name}", *(f"{true:.4f} ({seen:.4f})" for true, seen in means)])
    head = (f"{len(runs.configs)} configurations searched", *(f"{trials} trials" for trials in at))
    return Table(head, rows, "worth of the leader (and its score)")
