"""``bayesoptsearch``: a Gaussian process and the upper confidence bound, as bayesian-optimization 1.4.3 has them.

Its ``suggest`` knows nothing of trials that are running. They are told to it with the mean of the scores so far, so
that trials side by side keep away from each other (a constant liar, Ginsbourger et al., 2010).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from statistics import mean
from typing import Any

import bayes_opt

from binpack.search._model import SearchError
from binpack.search.action.distributions import Distribution, Uniform
from binpack.search.engines.models.seen import Seen

KAPPA = 2.576
"""How many standard deviations above its mean a value is hoped for; the library's default."""


def suggest(varied: Sequence[Distribution], seen: Sequence[Seen], seed: int) -> dict[str, Any]:
    """Return the values where the bound is highest; see ``suggesting.Suggest``. A trial that failed does not count.

    Raises:
        SearchError: another release is installed.
    """
    if not hasattr(bayes_opt, "UtilityFunction"):
        raise SearchError(
            f"bayesoptsearch calls what bayesian-optimization {bayes_opt.__version__} has no more: "
            'pip install "bayesian-optimization==1.4.3"'
        )
    ranges = {each.name: (each.min, each.max) for each in varied if isinstance(each, Uniform)}
    optimizer = bayes_opt.BayesianOptimization(
        None, ranges, random_state=seed % 2**32, verbose=0, allow_duplicate_points=True
    )
    liar = mean(each.score for each in seen if each.score is not None)
    # It prints a line where two trials are the same.
    with contextlib.redirect_stdout(io.StringIO()):
        for each in seen:
            if each.score is not None or not each.over:
                optimizer.register(dict(each.config), liar if each.score is None else each.score)
        found = optimizer.suggest(bayes_opt.UtilityFunction(kind="ucb", kappa=KAPPA, xi=0.0))
    return {name: float(found[name]) for name in ranges}
