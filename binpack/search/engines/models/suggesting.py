"""The searches of other libraries by their names, each imported where it is used, and how one is asked."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from binpack.search._model import SearchError
from binpack.search.action.distributions import Distribution
from binpack.search.engines.models.seen import Seen

Suggest = Callable[[Sequence[Distribution], Sequence[Seen], int], dict[str, Any]]
"""From the distributions, the trials so far and a seed to the values of the next trial."""


@dataclass(frozen=True)
class Model:
    """A search of another library.

    Attributes:
        place: ``module:function`` of its ``Suggest``.
        package: what is imported.
        requirement: what ``pip install`` is called with.
        startup: how many trials are drawn from the distributions before the first model.
    """

    place: str
    package: str
    requirement: str
    startup: int

    @property
    def missing(self) -> str | None:
        """What to do where the library is not installed; None where it is."""
        if importlib.util.find_spec(self.package) is not None:
            return None
        return f"needs a package that is not installed: pip install {self.requirement}"


_HERE = "binpack.search.engines.models"
MODELS = {
    "bayesoptsearch": Model(f"{_HERE}.gaussian:suggest", "bayes_opt", '"bayesian-optimization==1.4.3"', 10),
    "hyperoptsearch": Model(f"{_HERE}.parzen:suggest", "hyperopt", "hyperopt", 20),
    "axsearch": Model(f"{_HERE}.adaptive:suggest", "ax", "ax-platform", 5),
}
"""By the names that jobs have for them; ``startup`` is what Ray's adapters and Ax have as their defaults."""


def suggest_by(
    model: Model, varied: Sequence[Distribution], seen: Sequence[Seen], rng: np.random.Generator
) -> dict[str, Any]:
    """Return the values of the next trial.

    They depend on the arguments alone.

    Args:
        model: the search.
        varied: what it samples.
        seen: the trials so far, in their order.
        rng: the trial's own.

    Raises:
        SearchError: its library is not installed, or another version than it needs.
    """
    if sum(each.score is not None for each in seen) < model.startup:
        return {each.name: each.sample(rng) for each in varied}
    if (line := model.missing) is not None:
        raise SearchError(line)
    module, _, function = model.place.partition(":")
    suggest: Suggest = getattr(importlib.import_module(module), function)
    return suggest(varied, seen, int(rng.integers(2**31 - 1)))
