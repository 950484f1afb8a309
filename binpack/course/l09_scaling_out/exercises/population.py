"""Population based training: the step in which the worst members give up and begin again beside the best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=9,
    difficulty=2,
    hints=(
        "Begin with the order of the members, the best first: `order = np.argsort(-scores, kind='stable')`. Who gives "
        "up is `order[::-1][:copies]`, the worst first.",
        "Copy before you change: `weights, hypers = weights.copy(), hypers.copy()`. Then `weights[worst] = "
        "weights[best]`.",
        "`hypers[worst] = hypers[best] * factors[worst]`, and nothing happens to the others.",
    ),
    returns=promise.a_tuple(
        "the result", promise.an_array("the weights", float), promise.an_array("the hyperparameters", float)
    ),
)
def exploit_and_explore(
    scores: NDArray, weights: NDArray, hypers: NDArray, copies: int, factors: NDArray
) -> tuple[NDArray, NDArray]:
    """Let the worst members of a population begin again beside the best.

    Args:
        scores: of the members, (n,), no two equal.
        weights: what each has learned, (n, d).
        hypers: the hyperparameters of each, (n, k).
        copies: how many give up, at most half of them.
        factors: by what each member multiplies hyperparameters that it has copied, (n, k).

    Returns:
        Weights and hyperparameters after that, (n, d) and (n, k). The worst member takes both from the best, the second
        worst from the second best, and so on. Each of them then multiplies its new hyperparameters by its own factors.
    """
    # 1. who is copied, and who gives up
    order = np.argsort(-scores, kind="stable")
    best, worst = order[:copies], order[::-1][:copies]
    # 2. exploit: take the weights and the hyperparameters
    weights, hypers = weights.copy(), hypers.copy()
    weights[worst] = weights[best]
    # 3. explore: change the hyperparameters
    hypers[worst] = hypers[best] * factors[worst]
    return weights, hypers


def _stepped(
    scores: NDArray,
    weights: NDArray,
    hypers: NDArray,
    copies: int,
    factors: NDArray,
    *,
    sign: int = -1,
    pairs: Callable[[NDArray, int], tuple[NDArray, NDArray]] = lambda order, copies: (
        order[:copies],
        order[::-1][:copies],
    ),
    copied: str = "both",
    explored: str = "own",
) -> tuple[NDArray, NDArray]:
    """Step with a mistake: other members, only a part copied, or other factors."""
    best, worst = pairs(np.argsort(sign * scores, kind="stable"), copies)
    weights, hypers = weights.copy(), hypers.copy()
    if copied in ("both", "weights"):
        weights[worst] = weights[best]
    if copied in ("both", "hypers"):
        hypers[worst] = hypers[best]
    if explored == "own":
        hypers[worst] *= factors[worst]
    elif explored == "donor's":
        hypers[worst] *= factors[best]
    elif explored == "all":
        hypers *= factors
    elif explored == "added":
        hypers[worst] += factors[worst]
    return weights, hypers


def _drawn(rng: np.random.Generator, members: int = 0) -> tuple[NDArray, NDArray, NDArray, int, NDArray]:
    count = members or int(rng.integers(5, 9))
    scores = rng.permutation(count) / 10
    weights, hypers = rng.integers(1, 99, (count, 3)) / 10, rng.integers(1, 99, (count, 2)) / 10
    factors = rng.choice([0.5, 0.8, 1.25, 2.0], size=(count, 2))
    return scores, weights, hypers, int(rng.integers(2, count // 2 + 1)), factors


exploit_and_explore.examine(
    cases=lambda: [
        (
            np.array([0.2, 0.8]),
            np.array([[1.0, 1.0], [3.0, 4.0]]),
            np.array([[0.1], [0.5]]),
            1,
            np.array([[2.0], [0.5]]),
        ),
        (
            np.array([0.9, 0.1, 0.5]),
            np.array([[1.0], [2.0], [3.0]]),
            np.array([[0.1, 1.0], [0.2, 2.0], [0.3, 3.0]]),
            1,
            np.array([[2.0, 2.0], [1.25, 0.8], [0.5, 0.5]]),
        ),
        _drawn(np.random.default_rng(1), 4),
        _drawn(np.random.default_rng(2), 6),
        (*_drawn(np.random.default_rng(3), 4)[:3], 0, np.full((4, 2), 2.0)),
    ],
    draw=_drawn,
    mistakes={
        "only the weights are copied: the hyperparameters of the better member come with them": (
            lambda *given: _stepped(*given, copied="weights")
        ),
        "only the weights are copied, and no hyperparameter changes": (
            lambda *given: _stepped(*given, copied="weights", explored="none")
        ),
        "only the hyperparameters are copied: the weights come with them": (
            lambda *given: _stepped(*given, copied="hypers")
        ),
        "nothing is copied": lambda *given: _stepped(*given, copied="none"),
        "nobody explores: multiply the copied hyperparameters by the factors": (
            lambda *given: _stepped(*given, explored="none")
        ),
        "everybody explores: those that go on keep their hyperparameters": (
            lambda *given: _stepped(*given, explored="all")
        ),
        "it takes the factors of the member that is copied: each has its own": (
            lambda *given: _stepped(*given, explored="donor's")
        ),
        "the factors are added: multiply by them": lambda *given: _stepped(*given, explored="added"),
        "the best copy from the worst": lambda *given: _stepped(*given, sign=1),
        "the pairs are the wrong way round: the worst takes from the best, the second worst from the second best": (
            lambda *given: _stepped(
                *given,
                pairs=lambda order, copies: (order[:copies], order[len(order) - copies :]),
            )
        ),
        "all that give up copy the one best member": (
            lambda *given: _stepped(
                *given,
                pairs=lambda order, copies: (np.full(copies, order[0]), order[::-1][:copies]),
            )
        ),
        "only one member gives up, whatever `copies` is": (
            lambda *given: _stepped(*given, pairs=lambda order, copies: (order[:1], order[-1:]))
        ),
    },
)
