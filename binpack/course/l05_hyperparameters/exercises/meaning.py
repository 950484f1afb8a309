"""What hyperparameters do: how far a step moved the policy, how it is cut, how many there are, what an advantage is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=9,
    difficulty=2,
    hints=(
        "Begin with `log_ratio = new_log_probs - old_log_probs`, one number for each sample, and `ratio = "
        "np.exp(log_ratio)`: 1 where nothing moved.",
        "The estimate for one sample is `ratio - 1 - log_ratio`. A sample is clipped where the ratio is further than "
        "`clip_range` from 1, above or below.",
        "`return np.mean(ratio - 1 - log_ratio), np.mean(np.abs(ratio - 1) > clip_range)`",
    ),
    returns=promise.a_tuple("the result", promise.a_float("approx_kl"), promise.a_float("clip_fraction")),
)
def policy_change(old_log_probs: NDArray, new_log_probs: NDArray, clip_range: float) -> tuple[float, float]:
    """Say how far an update moved the policy, from the actions of its rollout alone.

    Args:
        old_log_probs: log probability of each action under the policy that took it, (n,).
        new_log_probs: that of the same action under the policy of now, (n,).
        clip_range: how far the ratio may be from 1.

    Returns:
        The estimate of the KL divergence, and the share of samples whose ratio is outside the clip range; one that lies
        at its border is inside.
    """
    # 1. how many times as likely each action has become
    log_ratio = new_log_probs - old_log_probs
    ratio = np.exp(log_ratio)
    # 2. the estimate, a mean over samples none of which is below 0
    approx_kl = np.mean(ratio - 1 - log_ratio)
    # 3. the share that has left the clip range
    return float(approx_kl), float(np.mean(np.abs(ratio - 1) > clip_range))


def _kl(estimate: Callable[[NDArray, NDArray], Any]) -> Callable:
    """Replace the estimate by another one of ratio and log ratio."""

    def wrong(old: NDArray, new: NDArray, clip_range: float) -> tuple[float, float]:
        ratio = np.exp(new - old)
        return float(estimate(ratio, new - old)), float(np.mean(np.abs(ratio - 1) > clip_range))

    return wrong


def _clipped(share: Callable[[NDArray, float], Any]) -> Callable:
    """Replace the share by another one of the ratio."""

    def wrong(old: NDArray, new: NDArray, clip_range: float) -> tuple[float, float]:
        ratio = np.exp(new - old)
        return float(np.mean(ratio - 1 - np.log(ratio))), float(share(ratio, clip_range))

    return wrong


def _drawn_log_probs(rng: np.random.Generator) -> tuple[NDArray, NDArray, float]:
    old = np.log(rng.uniform(0.1, 0.6, 8))
    return old, old + rng.normal(0, 0.4, 8), float(rng.choice([0.1, 0.25, 0.45]))


policy_change.examine(
    cases=lambda: [
        (np.log([0.5, 0.2]), np.log([0.5, 0.2]), 0.2),
        (np.log([0.5, 0.25, 0.4, 0.1]), np.log([0.3, 0.5, 0.44, 0.105]), 0.2),
        (np.log([0.4, 0.4, 0.2]), np.log([0.3, 0.3, 0.19]), 0.15),
        (np.log([0.1, 0.2, 0.3]), np.log([0.25, 0.28, 0.4]), 0.35),
        (np.log([0.6, 0.3, 0.2]), np.log([0.06, 0.32, 0.3]), 0.35),
    ],
    draw=_drawn_log_probs,
    mistakes={
        "old and new are exchanged: the ratio is new over old": lambda old, new, c: policy_change.reference(
            new, old, c
        ),
        "approx_kl is the mean of old minus new, which is right on average but not what is asked for: use "
        "ratio - 1 - log_ratio": _kl(lambda ratio, log: np.mean(-log)),
        "approx_kl is half the mean square of the log ratio: use ratio - 1 - log_ratio": _kl(
            lambda ratio, log: np.mean(log**2) / 2
        ),
        "approx_kl is the mean of the log ratio: ratio - 1 minus it is missing": _kl(lambda ratio, log: np.mean(log)),
        "approx_kl is the mean of ratio - 1: the log ratio is not subtracted": _kl(
            lambda ratio, log: np.mean(ratio - 1)
        ),
        "approx_kl has log_ratio added: subtract it": _kl(lambda ratio, log: np.mean(ratio - 1 + log)),
        "approx_kl is ratio - log_ratio: 1 is not subtracted": _kl(lambda ratio, log: np.mean(ratio - log)),
        "approx_kl is a sum over samples: take the mean": _kl(lambda ratio, log: np.sum(ratio - 1 - log)),
        "only ratios above the clip range are counted: those below it have left it too": _clipped(
            lambda ratio, c: np.mean(ratio > 1 + c)
        ),
        "only ratios below the clip range are counted: those above it have left it too": _clipped(
            lambda ratio, c: np.mean(ratio < 1 - c)
        ),
        "clip_fraction compares the log ratio with the clip range: compare the ratio's distance from 1": _clipped(
            lambda ratio, c: np.mean(np.abs(np.log(ratio)) > c)
        ),
        "clip_fraction is the share inside the clip range: count those outside": _clipped(
            lambda ratio, c: np.mean(np.abs(ratio - 1) <= c)
        ),
        "clip_fraction is a number of samples: divide by how many there are": _clipped(
            lambda ratio, c: np.sum(np.abs(ratio - 1) > c)
        ),
        "clip_fraction compares the ratio with the clip range: compare its distance from 1, abs(ratio - 1)": _clipped(
            lambda ratio, c: np.mean(ratio > c)
        ),
        "the two results are exchanged: first approx_kl, then clip_fraction": lambda old, new, c: (
            policy_change.reference(old, new, c)[::-1]
        ),
        "the log ratio is taken for the ratio: apply np.exp first": lambda old, new, c: (
            float(np.mean((new - old) - 1 - np.log(np.abs(new - old)))),
            float(np.mean(np.abs(new - old - 1) > c)),
        ),
    },
)


@exercise(
    minutes=7,
    difficulty=1,
    hints=(
        "Begin with the norm of everything together: the square root of the sum of all squares, over all arrays.",
        "Where the norm is larger than `max_norm`, each array is multiplied by `max_norm / norm`; else all stay as "
        "they are.",
        "`norm = np.sqrt(sum(np.sum(g**2) for g in gradients))`, then `scale = max_norm / norm if norm > max_norm else "
        "1.0`, and return `[g * scale for g in gradients]`.",
    ),
    returns=promise.a_list("the gradients", promise.an_array("a gradient", float)),
)
def clip_by_norm(gradients: list[NDArray], max_norm: float) -> list[NDArray]:
    """Shorten a gradient that is too long, without turning it.

    Args:
        gradients: of each array of weights, float, of any shapes; together they are one long vector.
        max_norm: the largest length that this vector may have.

    Returns:
        New arrays of the same shapes: the vector cut to that length, or as it is where it is not longer.
    """
    # 1. length of the whole gradient
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
    # 2. only what is too long is cut
    scale = max_norm / norm if norm > max_norm else 1.0
    # 3. every array by the same factor, so that the direction stays
    return [gradient * scale for gradient in gradients]


def _scaled(norm: Callable[[Sequence[NDArray]], float]) -> Callable:
    """Clip by another length."""

    def wrong(gradients: list[NDArray], max_norm: float) -> list[NDArray]:
        length = norm(gradients)
        return [gradient * (max_norm / length if length > max_norm else 1.0) for gradient in gradients]

    return wrong


def _flat(gradients: Sequence[NDArray]) -> NDArray:
    return np.concatenate([np.ravel(gradient) for gradient in gradients])


def _length(gradients: Sequence[NDArray]) -> float:
    return float(np.linalg.norm(_flat(gradients)))


clip_by_norm.examine(
    cases=lambda: [
        ([np.array([3.0, 4.0])], 1.0),
        ([np.array([0.3]), np.array([0.4])], 1.0),
        ([np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([4.0, -1.0])], 0.5),
        ([np.array([0.6, 0.6]), np.array([0.6]), np.array([[-0.6]])], 1.0),
        ([np.array([[0.1, -0.2]]), np.array([0.2])], 0.5),
        ([np.zeros(3)], 0.5),
    ],
    draw=lambda rng: ([rng.normal(0, 1.0, (2, 3)), rng.normal(0, 1.0, 3)], float(rng.choice([0.5, 1.0]))),
    mistakes={
        "every array is cut by its own norm: that turns the gradient. Take the norm over all arrays together": (
            lambda gradients, m: [_scaled(_length)([gradient], m)[0] for gradient in gradients]
        ),
        "every number is cut to -max_norm and max_norm: that turns the gradient. Multiply all by one factor": (
            lambda gradients, m: [np.clip(gradient, -m, m) for gradient in gradients]
        ),
        "a short gradient is made longer: below max_norm it stays as it is": lambda gradients, m: [
            gradient * (m / _length(gradients) if _length(gradients) else 1.0) for gradient in gradients
        ],
        "the square root of the norm is missing": _scaled(lambda gradients: float(np.sum(_flat(gradients) ** 2))),
        "the norm is a sum of absolute values: take the root of the sum of squares": _scaled(
            lambda gradients: float(np.abs(_flat(gradients)).sum())
        ),
        "the norm is the largest absolute value: take the root of the sum of squares": _scaled(
            lambda gradients: float(np.abs(_flat(gradients)).max())
        ),
        "the norms of the arrays are added up: add their squares, and take the root at the end": _scaled(
            lambda gradients: float(sum(np.linalg.norm(np.ravel(gradient)) for gradient in gradients))
        ),
        "the norm is a root of the mean of the squares: take the root of their sum": _scaled(
            lambda gradients: float(np.sqrt(np.mean(_flat(gradients) ** 2)))
        ),
        "a long gradient is cut to length 1: cut it to max_norm": lambda gradients, m: [
            gradient / (_length(gradients) if _length(gradients) > m else 1.0) for gradient in gradients
        ],
        "a long gradient is divided by max_norm: multiply by max_norm / norm": lambda gradients, m: [
            gradient / (m if _length(gradients) > m else 1.0) for gradient in gradients
        ],
        "nothing is cut": lambda gradients, m: [gradient * 1.0 for gradient in gradients],
    },
)


@exercise(
    minutes=7,
    difficulty=1,
    hints=(
        "Begin with the number of transitions, `n_steps * n_envs`, and `divmod(transitions, batch_size)`, which gives "
        "how many full minibatches there are and what is left over.",
        "Nothing left over: all have `batch_size`. One transition left over: the last full minibatch takes it. More: "
        "they are a minibatch of their own, at the end.",
        "`sizes = [batch_size] * full`, then `if rest == 1: sizes[-1] += 1` and `elif rest: sizes.append(rest)`.",
    ),
    returns=promise.a_list("the sizes", promise.an_int("a size")),
)
def minibatch_sizes(n_steps: int, n_envs: int, batch_size: int) -> list[int]:
    """List the sizes of the minibatches that one pass over a rollout is cut into.

    Args:
        n_steps: steps of each environment.
        n_envs: environments.
        batch_size: transitions in a minibatch; not more than the rollout holds.

    Returns:
        The sizes in order. What is left over is a last, smaller minibatch, but a single transition joins the last
        full one.
    """
    # 1. full minibatches, and what is left over
    full, rest = divmod(n_steps * n_envs, batch_size)
    sizes = [batch_size] * full
    # 2. a single transition has no spread to divide by, and joins the one before
    if rest == 1:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def _sizes(transitions: int, batch_size: int) -> list[int]:
    full, rest = divmod(transitions, batch_size)
    return [batch_size] * full + [rest] * (rest > 0)


def _all_joined(n_steps: int, n_envs: int, batch_size: int) -> list[int]:
    full, rest = divmod(n_steps * n_envs, batch_size)
    return [*([batch_size] * (full - 1)), batch_size + rest]


def _even(n_steps: int, n_envs: int, batch_size: int) -> list[int]:
    count = -(-n_steps * n_envs // batch_size)
    return [len(part) for part in np.array_split(np.arange(n_steps * n_envs), count)]


def _short_dropped(n_steps: int, n_envs: int, batch_size: int) -> list[int]:
    return [size for size in _sizes(n_steps * n_envs, batch_size) if size != 1]


minibatch_sizes.examine(
    cases=lambda: [
        (4, 2, 4),
        (5, 2, 4),
        (3, 3, 4),
        (13, 1, 4),
        (8, 1, 8),
        (64, 32, 64),
        (25, 5, 62),
        (10, 7, 32),
    ],
    draw=lambda rng: (int(rng.integers(5, 20)), int(rng.integers(2, 6)), int(rng.integers(3, 10))),
    mistakes={
        "what is left over is dropped: every transition should be used": lambda s, e, b: [b] * (s * e // b),
        "a single transition that is left over is dropped: it should join the last full minibatch": _short_dropped,
        "a single transition is left alone: it should join the last full minibatch": lambda s, e, b: _sizes(s * e, b),
        "whatever is left over joins the last full minibatch: only a single transition should": _all_joined,
        "it counts the steps of one environment: a rollout holds n_steps * n_envs transitions": lambda s, e, b: _sizes(
            s, b
        ),
        "the minibatches are made as equal as possible: all but the last should have batch_size": _even,
        "the smaller minibatch comes first: it should come last": lambda s, e, b: minibatch_sizes.reference(s, e, b)[
            ::-1
        ],
        "the last minibatch is filled up: it should hold what is left over": lambda s, e, b: [b] * -(-s * e // b),
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the weights as if the episode had no end: `(1 - gae_lambda) * gae_lambda ** np.arange(length)`.",
        "The episode ends after `length` steps. Every estimate that would look further is the same as the last one, "
        "which therefore gets all the weight that is left: `gae_lambda ** (length - 1)`.",
        "`weights = (1 - gae_lambda) * gae_lambda ** np.arange(length)`, then `weights[-1] = gae_lambda ** (length - "
        "1)`.",
    ),
    returns=promise.an_array("the weights", float),
)
def estimate_weights(gae_lambda: float, length: int) -> NDArray:
    """Say how generalized advantage estimation mixes the estimates that look 1, 2, 3 ... steps ahead.

    Args:
        gae_lambda: lambda, in [0, 1].
        length: steps to the end of the episode.

    Returns:
        The weight of the estimate with n rewards, n = 1 to length, (length,); they sum to 1.
    """
    # 1. each step further has lambda times the weight
    weights = (1 - gae_lambda) * np.power(float(gae_lambda), np.arange(length))
    # 2. what lies beyond the end is the last estimate's
    weights[-1] = float(gae_lambda) ** (length - 1)
    return weights


def _endless(gae_lambda: float, length: int) -> NDArray:
    return (1 - gae_lambda) * np.power(float(gae_lambda), np.arange(length))


def _shared(weights: NDArray) -> NDArray:
    """Divide by the sum, where there is one."""
    return weights / weights.sum() if weights.sum() else weights


def _one_too_far(gae_lambda: float, length: int) -> NDArray:
    weights = (1 - gae_lambda) * np.power(float(gae_lambda), np.arange(1, length + 1))
    weights[-1] = 1 - weights[:-1].sum()
    return weights


def _last(gae_lambda: float, length: int, value: float) -> NDArray:
    weights = _endless(gae_lambda, length)
    weights[-1] = value
    return weights


estimate_weights.examine(
    cases=lambda: [(0.5, 3), (0.0, 3), (1.0, 4), (0.95, 6), (0.8, 1), (0.9, 5)],
    draw=lambda rng: (float(rng.uniform(0.1, 0.95)), int(rng.integers(2, 7))),
    mistakes={
        "they do not sum to 1: the last estimate gets all the weight that is left": _endless,
        "they are divided by their sum: give what is missing to the last estimate alone": lambda lam, n: _shared(
            _endless(lam, n)
        ),
        "1 - lambda is missing: the first estimate has the weight 1 - lambda": lambda lam, n: np.power(
            float(lam), np.arange(n)
        ),
        "they are powers of lambda, divided by their sum: begin with (1 - lambda) times the powers, and give what is "
        "missing to the last": lambda lam, n: _shared(np.power(float(lam), np.arange(n))),
        "the powers begin at 1: the estimate with one reward has the weight 1 - lambda": _one_too_far,
        "the order is reversed: the estimate with one reward comes first": lambda lam, n: estimate_weights.reference(
            lam, n
        )[::-1],
        "the last weight is lambda ** length: one factor too many": lambda lam, n: _last(lam, n, float(lam) ** n),
        "the rest is added to the last weight twice: it is lambda ** (length - 1)": lambda lam, n: _last(
            lam, n, float(lam) ** (n - 1) + (1 - lam) * float(lam) ** (n - 1)
        ),
        "lambda and 1 - lambda are exchanged": lambda lam, n: estimate_weights.reference(1 - lam, n),
        "all estimates have the same weight": lambda lam, n: np.full(n, 1 / n),
    },
)
