"""What an update minimises: the clipped surrogate loss and the total loss (Schulman et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from binpack.course.exercises import exercise, expect, promise
from binpack.course.l04_ppo.agent import Settings


@exercise(
    minutes=9,
    difficulty=2,
    hints=(
        "Begin with the ratio of the new probability to the old one. Of logarithms a ratio is a difference: "
        "`ratio = (log_probs - old_log_probs).exp()`.",
        "Two products for each row: ratio * advantages, and the same with the ratio held between 1 - clip_range and "
        "1 + clip_range by `ratio.clamp(low, high)`.",
        "`torch.minimum(one, other)` takes the smaller one of each row. A loss is minimised, so it gets a minus: "
        "`return -torch.minimum(plain, clipped).mean()`",
    ),
    returns=promise.a_tensor("the loss"),
)
def clipped_loss(log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """Compute PPO's policy loss, whose gradient stops where a ratio has gone far enough.

    Args:
        log_probs: of the actions that were taken, by the policy that learns, float32, (B,).
        old_log_probs: the same when the actions were drawn, float32, (B,).
        advantages: float32, (B,).
        clip_range: how far a ratio may move from 1.

    Returns:
        One number: minus the mean of the smaller of the plain and the clipped product.
    """
    # 1. how much more likely the action is now
    ratio = (log_probs - old_log_probs).exp()
    # 2. the promise, plain and with the ratio held near 1
    plain = ratio * advantages
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range) * advantages
    # 3. the smaller promise of each row, and a minus, for a loss is made small
    return -torch.minimum(plain, clipped).mean()


def _drawn(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, float]:
    old = np.log(rng.uniform(0.1, 0.6, 8))
    new = old + np.array([0.5, -0.5, 0.5, -0.5, 0.1, -0.1, 0.05, 0.3]) * rng.uniform(0.8, 1.2, 8)
    advantages = np.array([1.0, 1.0, -1.0, -1.0, 2.0, -2.0, 0.5, -0.5]) * rng.uniform(0.5, 1.5, 8)
    parts = (torch.from_numpy(each.astype(np.float32)) for each in (new, old, advantages))
    return *parts, float(rng.uniform(0.1, 0.3))  # type: ignore[return-value]


def _one(ratio: float, advantage: float, clip_range: float = 0.2) -> tuple[Tensor, Tensor, Tensor, float]:
    old = torch.tensor([-1.0])
    return old + float(np.log(ratio)), old, torch.tensor([advantage]), clip_range


def _r(n: Tensor, o: Tensor) -> Tensor:
    return (n - o).exp()


def _c(n: Tensor, o: Tensor, c: float) -> Tensor:
    return _r(n, o).clamp(1 - c, 1 + c)


def _expect_slopes(answer: Callable) -> None:
    for ratio, advantage, moves in ((1.5, 1.0, False), (0.5, -1.0, False), (0.5, 1.0, True), (1.5, -1.0, True)):
        new, old, advantages, clip_range = _one(ratio, advantage)
        new.requires_grad_()
        loss = answer(new, old, advantages, clip_range)
        expect(loss.requires_grad, "the number is right, but no gradient flows through it: stay with torch")
        (slope,) = torch.autograd.grad(loss, new)
        text = f"the number is right, but at a ratio of {ratio} and an advantage of {advantage:+g} the gradient should"
        expect(bool(slope.abs().item() > 0) == moves, f"{text} {'not ' if moves else ''}be 0", got=slope)


clipped_loss.examine(
    cases=lambda: [
        _one(1.1, 1.0),
        _one(1.5, 1.0),
        _one(0.5, 1.0),
        _one(1.5, -1.0),
        _one(0.5, -1.0),
        _drawn(np.random.default_rng(1)),
    ],
    draw=_drawn,
    mistakes={
        "the sign is turned round: a loss is made small, so the promise needs a minus": lambda n, o, a, c: (
            torch.minimum(_r(n, o) * a, _c(n, o, c) * a).mean()
        ),
        "nothing is clipped: this is the plain product": lambda n, o, a, c: -(_r(n, o) * a).mean(),
        "only the clipped product is taken: a row whose ratio went the wrong way is then never brought back": (
            lambda n, o, a, c: -(_c(n, o, c) * a).mean()
        ),
        "the larger product is taken: the smaller one is the careful promise": lambda n, o, a, c: (
            -torch.maximum(_r(n, o) * a, _c(n, o, c) * a).mean()
        ),
        "the smaller ratio is taken before it is multiplied: with a negative advantage that is the larger product": (
            lambda n, o, a, c: -(torch.minimum(_r(n, o), _c(n, o, c)) * a).mean()
        ),
        "the ratio is upside down: the new probability over the old one": lambda n, o, a, c: (
            -torch.minimum(_r(o, n) * a, _c(o, n, c) * a).mean()
        ),
        "the difference of logarithms is no ratio yet: take exp": lambda n, o, a, c: (
            -torch.minimum((n - o) * a, (n - o).clamp(1 - c, 1 + c) * a).mean()
        ),
        "the smaller of two means is taken: the smaller product of each row comes first, the mean after it": (
            lambda n, o, a, c: -torch.minimum((_r(n, o) * a).mean(), (_c(n, o, c) * a).mean())
        ),
        "it adds up the rows: take their mean": lambda n, o, a, c: -torch.minimum(_r(n, o) * a, _c(n, o, c) * a).sum(),
        "it clips to -clip_range and clip_range: the range lies about 1": lambda n, o, a, c: (
            -torch.minimum(_r(n, o) * a, _r(n, o).clamp(-c, c) * a).mean()
        ),
        "it clips the product: the range is one of the ratio": lambda n, o, a, c: (
            -torch.minimum(_r(n, o) * a, (_r(n, o) * a).clamp(1 - c, 1 + c)).mean()
        ),
        "the loss of each row is returned: take the mean": lambda n, o, a, c: (
            -torch.minimum(_r(n, o) * a, _c(n, o, c) * a)
        ),
        "the ratio is clipped from above alone": lambda n, o, a, c: (
            -torch.minimum(_r(n, o) * a, _r(n, o).clamp(max=1 + c) * a).mean()
        ),
        "a quotient of log-probabilities is no ratio of probabilities": lambda n, o, a, c: (
            -torch.minimum(n / o * a, (n / o).clamp(1 - c, 1 + c) * a).mean()
        ),
    },
    also=_expect_slopes,
)


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the value loss: the mean of the squared differences of values and returns.",
        "A loss is made small and the entropy is to be large, so it comes in with a minus.",
        "`return policy_loss + settings.vf_coef * value_loss - settings.ent_coef * entropies.mean()`",
    ),
    returns=promise.a_tensor("the total loss"),
)
def total_loss(policy_loss: Tensor, values: Tensor, returns: Tensor, entropies: Tensor, settings: Settings) -> Tensor:
    """Put the three losses of PPO together.

    Args:
        policy_loss: what `clipped_loss` gave, one number.
        values: what the critic says now, float32, (B,).
        returns: what it should say, float32, (B,).
        entropies: of the policy in each row, float32, (B,).
        settings: `vf_coef` weighs the value loss, `ent_coef` the entropy.

    Returns:
        One number, to be made small.
    """
    # 1. how wrong the critic is: the mean squared error
    value_loss = ((values - returns) ** 2).mean()
    # 2. critic and entropy with their weights; entropy is wanted
    return policy_loss + settings.vf_coef * value_loss - settings.ent_coef * entropies.mean()


def _drawn_parts(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Settings]:
    numbers = (torch.from_numpy(rng.normal(size=5).astype(np.float32)) for _ in range(2))
    entropies = torch.from_numpy(rng.uniform(0.5, 2.0, 5).astype(np.float32))
    settings = Settings(vf_coef=float(rng.uniform(0.2, 0.9)), ent_coef=float(rng.uniform(0.1, 0.3)))
    return torch.tensor(float(rng.normal())), *numbers, entropies, settings  # type: ignore[return-value]


def _mse(v: Tensor, r: Tensor) -> Tensor:
    return ((v - r) ** 2).mean()


def _expect_gradients(answer: Callable) -> None:
    policy_loss, values, returns, entropies, settings = _drawn_parts(np.random.default_rng(3))
    inputs = [each.requires_grad_() for each in (policy_loss, values, entropies)]
    loss = answer(policy_loss, values, returns, entropies, settings)
    expect(loss.requires_grad, "the number is right, but no gradient flows through it: stay with torch")
    slopes = torch.autograd.grad(loss, inputs, allow_unused=True)
    for name, slope in zip(("policy_loss", "values", "entropies"), slopes, strict=True):
        text = f"the number is right, but no gradient flows back to {name}"
        expect(slope is not None and bool(slope.abs().sum() > 0), text)


_PLAIN = Settings(vf_coef=0.5, ent_coef=0.1)

total_loss.examine(
    cases=lambda: [
        (torch.tensor(0.1), torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]), torch.tensor([0.6, 0.8]), _PLAIN),
        (
            torch.tensor(-1.0),
            torch.tensor([3.0]),
            torch.tensor([1.0]),
            torch.tensor([2.0]),
            Settings(vf_coef=1.0),
        ),
        (torch.tensor(0.0), torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.5]), Settings()),
    ],
    draw=_drawn_parts,
    mistakes={
        "the entropy is added: a loss is made small, so this punishes every doubt": lambda p, v, r, e, s: (
            p + s.vf_coef * _mse(v, r) + s.ent_coef * e.mean()
        ),
        "the value loss is taken away: the critic would learn to be wrong": lambda p, v, r, e, s: (
            p - s.vf_coef * _mse(v, r) - s.ent_coef * e.mean()
        ),
        "the policy loss has its minus already: take it as it is": lambda p, v, r, e, s: (
            -p + s.vf_coef * _mse(v, r) - s.ent_coef * e.mean()
        ),
        "the entropy is missing": lambda p, v, r, e, s: p + s.vf_coef * _mse(v, r),
        "the value loss is missing": lambda p, v, r, e, s: p - s.ent_coef * e.mean(),
        "the policy loss is missing": lambda p, v, r, e, s: s.vf_coef * _mse(v, r) - s.ent_coef * e.mean(),
        "vf_coef is missing": lambda p, v, r, e, s: p + _mse(v, r) - s.ent_coef * e.mean(),
        "ent_coef is missing": lambda p, v, r, e, s: p + s.vf_coef * _mse(v, r) - e.mean(),
        "the two coefficients are exchanged": lambda p, v, r, e, s: p + s.ent_coef * _mse(v, r) - s.vf_coef * e.mean(),
        "entropies are added up: take their mean": lambda p, v, r, e, s: (
            p + s.vf_coef * _mse(v, r) - s.ent_coef * e.sum()
        ),
        "the squared errors are added up: take their mean": lambda p, v, r, e, s: (
            p + s.vf_coef * ((v - r) ** 2).sum() - s.ent_coef * e.mean()
        ),
        "the errors are not squared, so they cancel out": lambda p, v, r, e, s: (
            p + s.vf_coef * (v - r).mean() - s.ent_coef * e.mean()
        ),
        "the absolute errors are taken: square them": lambda p, v, r, e, s: (
            p + s.vf_coef * (v - r).abs().mean() - s.ent_coef * e.mean()
        ),
        "the value loss is halved: vf_coef is the only factor": lambda p, v, r, e, s: (
            p + 0.5 * s.vf_coef * _mse(v, r) - s.ent_coef * e.mean()
        ),
        "the value loss is Huber's, which is smaller than it should be: take the mean of the squared errors": (
            lambda p, v, r, e, s: p + s.vf_coef * smooth_l1_loss(v, r) - s.ent_coef * e.mean()
        ),
        "0.5 and 0.01 are typed in: take settings.vf_coef and settings.ent_coef": lambda p, v, r, e, s: (
            p + 0.5 * _mse(v, r) - 0.01 * e.mean()
        ),
        "0.5 is typed in: take settings.vf_coef": lambda p, v, r, e, s: p + 0.5 * _mse(v, r) - s.ent_coef * e.mean(),
        "0.01 is typed in: take settings.ent_coef": lambda p, v, r, e, s: p + s.vf_coef * _mse(v, r) - 0.01 * e.mean(),
        "one loss for each row is returned: take the means": lambda p, v, r, e, s: (
            p + s.vf_coef * (v - r) ** 2 - s.ent_coef * e
        ),
    },
    also=_expect_gradients,
)
