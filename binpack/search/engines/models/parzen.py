"""``hyperoptsearch``: the tree-structured Parzen estimator (Bergstra et al., 2011) as Hyperopt has it.

Hyperopt's rounded distributions give half a share to the ends and may leave the range. Whole numbers and multiples of q
are therefore asked for by their number; what is drawn on a log scale or from a normal is rounded as ours are.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyperopt import JOB_STATE_DONE, Domain, Trials, hp, tpe
from hyperopt.fmin import generate_trial

from binpack.search.action.distributions import (
    Choice,
    Distribution,
    LogRandInt,
    LogUniform,
    QLogRandInt,
    QLogUniform,
    QRandInt,
    QRandN,
    QUniform,
    RandInt,
    RandN,
    Uniform,
    multiples,
    nearest,
)
from binpack.search.engines.models.seen import Seen


def suggest(varied: Sequence[Distribution], seen: Sequence[Seen], seed: int) -> dict[str, Any]:
    """Return the values that Hyperopt's TPE suggests; see ``suggesting.Suggest``.

    A trial that failed counts as infinitely bad, and one that is not at its end does not count.
    """
    logging.getLogger("hyperopt.tpe").setLevel(logging.WARNING)
    terms = {each.name: _term(each) for each in varied}
    trials = Trials()
    trials.insert_trial_docs([_document(tid, each, terms) for tid, each in enumerate(seen) if each.over])
    trials.refresh()
    domain = Domain(lambda config: 0.0, {name: term.space for name, term in terms.items()})
    (document,) = tpe.suggest([len(seen)], domain, trials, seed, n_startup_jobs=0, verbose=False)
    drawn = {name: values[0] for name, values in document["misc"]["vals"].items()}
    return {name: term.value(drawn[name]) for name, term in terms.items()}


def _document(tid: int, seen: Seen, terms: Mapping[str, _Term]) -> dict[str, Any]:
    stored = {name: term.stored(seen.config[name]) for name, term in terms.items()}
    result = {"status": "fail"} if seen.score is None else {"status": "ok", "loss": -seen.score}
    return {**generate_trial(tid, stored), "state": JOB_STATE_DONE, "result": result}


@dataclass(frozen=True)
class _Term:
    """A distribution as Hyperopt has it.

    Attributes:
        space: Hyperopt's.
        value: our value of one of Hyperopt's.
        stored: Hyperopt's value of one of ours.
    """

    space: Any
    value: Any
    stored: Any


def _term(varied: Distribution) -> _Term:
    name = varied.name
    if isinstance(varied, Choice):
        options = varied.options
        space = hp.randint(name, len(options))
        return _Term(space, lambda number: options[int(number)], varied.index)
    if isinstance(varied, QRandN):
        return _Term(hp.normal(name, varied.mean, varied.sd), lambda drawn: nearest(drawn, varied.q), float)
    if isinstance(varied, RandN):
        return _Term(hp.normal(name, varied.mean, varied.sd), float, float)
    if isinstance(varied, QUniform | RandInt | QRandInt):
        return _counted(varied)
    if isinstance(varied, Uniform):
        return _Term(hp.uniform(name, varied.min, varied.max), lambda drawn: _within(drawn, varied), float)
    assert isinstance(varied, LogUniform | QLogUniform | LogRandInt | QLogRandInt)
    return _logarithmic(varied)


def _counted(varied: QUniform | RandInt | QRandInt) -> _Term:
    """Whole numbers by themselves, multiples of q by how many q they are; all alike."""
    q = 1 if isinstance(varied, RandInt) else varied.q
    first, last = multiples(varied.min, varied.max, q)
    kind = float if isinstance(varied, QUniform) else int
    return _Term(
        hp.quniform(varied.name, first - 0.5, last + 0.5, 1),
        lambda drawn: kind(nearest(float(drawn) * q, q, first, last)),
        lambda value: float(round(value / q)),
    )


def _logarithmic(varied: LogUniform | QLogUniform | LogRandInt | QLogRandInt) -> _Term:
    low, high = math.log(varied.min), math.log(varied.max)
    if isinstance(varied, LogUniform):
        return _Term(hp.loguniform(varied.name, low, high), lambda drawn: _within(drawn, varied), float)
    if isinstance(varied, LogRandInt):
        # A whole number is the part of the scale up to the next one; its middle stands for it.
        return _Term(
            hp.loguniform(varied.name, low, math.log(varied.max + 1)),
            lambda drawn: min(max(math.floor(drawn), varied.min), varied.max),
            lambda value: math.sqrt(value * (value + 1)),
        )
    kind = float if isinstance(varied, QLogUniform) else round
    first, last = multiples(varied.min, varied.max, varied.q)
    return _Term(
        hp.loguniform(varied.name, low, high),
        lambda drawn: kind(nearest(drawn, varied.q, first, last)),
        lambda value: float(min(max(value, varied.min), varied.max)),
    )


def _within(drawn: float, varied: Uniform | LogUniform) -> float:
    return float(min(max(drawn, varied.min), varied.max))
