"""The policy: log-probabilities of legal actions alone, and the entropy of what they allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from binpack.course.exercises import exercise, expect, promise


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the forbidden logits: make a copy in which they are so low that nothing is left of them. "
        "`logits.masked_fill(~masks, -1e8)` writes a number where the mask is False.",
        "Then `torch.log_softmax(..., dim=1)` takes the logarithm of a softmax, row by row.",
        "`return torch.log_softmax(logits.masked_fill(~masks, -1e8), dim=1)`",
    ),
    returns=promise.a_tensor("the log-probabilities"),
)
def masked_log_probs(logits: Tensor, masks: Tensor) -> Tensor:
    """Compute the log-probabilities of a softmax over the legal actions of each row.

    Args:
        logits: float32, (B, K): B rows, each with K actions.
        masks: True for a legal action, bool, (B, K); every row has one at least.

    Returns:
        float32, (B, K). For a forbidden action any number whose exponential is 0, so -1e8 or minus infinity will do.
    """
    # 1. lower the forbidden logits until nothing is left of them
    allowed = logits.masked_fill(~masks, -1e8)
    # 2. the logarithm of a softmax over each row
    return torch.log_softmax(allowed, dim=1)


def _drawn(rng: np.random.Generator, scale: float = 2.0) -> tuple[Tensor, Tensor]:
    masks = rng.random((3, 5)) < 0.6
    masks[np.arange(3), rng.integers(5, size=3)] = True
    masks[0] = [True, False, True, True, False]
    logits = rng.normal(0.5, scale, (3, 5))
    return torch.from_numpy(logits.astype(np.float32)), torch.from_numpy(masks)


def _seen(result: Tensor, arguments: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """Compare exponentials: single precision knows them better than logarithms close to 0, and what is 0 is free."""
    powers, masks = result.exp(), arguments[1]
    nothing = powers.shape == masks.shape and bool((powers[~masks] == 0).all())
    return {"exp(log_probs)": powers, "nothing left of forbidden ones": nothing}


def _filled(low: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The function that gives forbidden actions a logit that is not low enough."""
    return lambda logits, masks: torch.log_softmax(logits.masked_fill(~masks, low), 1)


def _expect_gradient(answer: Callable) -> None:
    logits, masks = _drawn(np.random.default_rng(5))
    logits.requires_grad_()
    result = answer(logits, masks)
    expect(result.requires_grad, "the numbers are right, but no gradient flows through them: stay with torch")
    (slope,) = torch.autograd.grad(result[masks].sum(), logits)
    text = "the numbers are right, but their gradient is not finite: take log_softmax, not the log of a softmax"
    expect(torch.isfinite(slope).all(), text, got=slope)


def _expect_large(answer: Callable) -> None:
    logits = torch.tensor([[200.0, 0.0, -200.0], [1.0, 500.0, 2.0]])
    masks = torch.tensor([[True, True, True], [True, False, True]])
    right = masked_log_probs.reference(logits, masks)
    got = answer(logits, masks)
    near = torch.isclose(got[masks].double(), right[masks].double(), atol=1e-4)
    text = "with logits in the hundreds it loses the probabilities of unlikely actions: take torch.log_softmax"
    expect(near.all(), text, got=got, wanted=right, given="logits of 200, 0 and -200")
    _expect_gradient(answer)


masked_log_probs.examine(
    cases=lambda: [
        (torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[True, False, True]])),
        (torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[True, True, True]])),
        (
            torch.tensor([[-1.0, 3.0, 2.0, 0.5], [0.5, -4.0, 1.0, 2.0]]),
            torch.tensor([[True, False] * 2, [False, True] * 2]),
        ),
        (torch.tensor([[-200.0, 3.0, -201.0]]), torch.tensor([[True, False, True]])),
        (torch.tensor([[-251.0, -250.0, 5.0]]), torch.tensor([[True, True, False]])),
    ],
    draw=_drawn,
    seen=_seen,
    mistakes={
        "the mask is not used: a forbidden action keeps its probability": lambda x, m: torch.log_softmax(x, 1),
        "the mask is turned round: it forbids the legal actions": lambda x, m: torch.log_softmax(
            x.masked_fill(m, -1e8), 1
        ),
        "these are probabilities: take their logarithm": lambda x, m: torch.softmax(x.masked_fill(~m, -1e8), 1),
        "the forbidden actions are taken out after the softmax, so the others no longer add up to 1": (
            lambda x, m: torch.log_softmax(x, 1).masked_fill(~m, -1e8)
        ),
        "forbidden logits become 0, and exp(0) is 1: they have to become very low": lambda x, m: torch.log_softmax(
            x * m, 1
        ),
        "the softmax runs down the columns: each row is a distribution of its own, dim=1": lambda x, m: (
            torch.log_softmax(x.masked_fill(~m, -1e8), 0)
        ),
        "these are the masked logits: they become log-probabilities by a log_softmax": lambda x, m: x.masked_fill(
            ~m, -1e8
        ),
        **{
            f"forbidden logits become {low}, and exp({low}) is far from 0: take a number as low as -1e8": _filled(low)
            for low in (-1, -5, -9, -10)
        },
        "something is left of a forbidden action: its probability is small and not 0, so it may be drawn all the same: "
        "lower its logit to -1e8": _filled(-20),
        "forbidden logits become lower than usual ones, and not lower than any: a network whose legal logits lie at "
        "-200 would take the forbidden action, so lower it to -1e8": _filled(-150),
        "something is added to the probabilities, or they are held above 0, so a forbidden action keeps it: take "
        "torch.log_softmax of the masked logits": lambda x, m: torch.log(
            torch.softmax(x.masked_fill(~m, -1e8), 1) + 1e-12
        ),
    },
    also=_expect_large,
)


@exercise(
    minutes=5,
    difficulty=2,
    hints=(
        "Begin with the probabilities: log_probs.exp(). A forbidden action has the probability 0.",
        "0 times minus infinity is not a number. Write a 0 where the probability is 0 before you multiply: "
        "`log_probs.masked_fill(probs == 0, 0.0)`.",
        "`return -(probs * log_probs.masked_fill(probs == 0, 0.0)).sum(dim=1)`",
    ),
    returns=promise.a_tensor("the entropies"),
)
def entropy(log_probs: Tensor) -> Tensor:
    """Compute the entropy of each row's distribution, in nats.

    Args:
        log_probs: float32, (B, K), B rows of K actions; of an action that cannot be taken very low, or minus infinity.

    Returns:
        float32, (B,): 0 where one action is certain, log(n) where n are equally likely.
    """
    # 1. back to probabilities
    probs = log_probs.exp()
    # 2. an action without probability adds nothing, whatever its logarithm is
    finite = log_probs.masked_fill(probs == 0, 0.0)
    # 3. minus the mean log-probability of each row
    return -(probs * finite).sum(dim=1)


def _drawn_entropy(rng: np.random.Generator) -> tuple[Tensor]:
    logits, masks = _drawn(rng)
    return (torch.log_softmax(logits.masked_fill(~masks, -torch.inf if rng.integers(2) else -1e8), 1),)


def _surprise(p: Tensor) -> Tensor:
    """Minus p log p, 0 where p is 0."""
    return -(p * p.clamp(min=1e-30).log())


def _expect_entropy_gradient(answer: Callable) -> None:
    for low in (-1e8, -torch.inf):
        logits = torch.tensor([[0.3, -1.0, 2.0]], requires_grad=True)
        masks = torch.tensor([[True, False, True]])
        result = answer(torch.log_softmax(logits.masked_fill(~masks, low), 1))
        expect(result.requires_grad, "the numbers are right, but no gradient flows through them: stay with torch")
        (slope,) = torch.autograd.grad(result.sum(), logits)
        text = (
            "the numbers are right, but the gradient through a forbidden action is not a number: write a finite number "
            "in place of its log-probability before you multiply"
        )
        expect(torch.isfinite(slope).all(), text, got=slope)


entropy.examine(
    cases=lambda: [
        (torch.log(torch.tensor([[0.5, 0.5]])),),
        (torch.log(torch.tensor([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])),),
        (torch.log_softmax(torch.tensor([[1.0, -1e8, 2.0], [-1e8, 0.0, 0.0]]), 1),),
    ],
    draw=_drawn_entropy,
    mistakes={
        "the sign is turned round: an entropy is never below 0": lambda x: -_surprise(x.exp()).sum(1),
        "it is not a number where a probability is 0: 0 times minus infinity has no value": lambda x: (
            -(x.exp() * x).sum(1)
        ),
        "it adds up the whole batch: each row has an entropy of its own, dim=1": lambda x: _surprise(x.exp()).sum(),
        "it is the mean over the actions: add them up": lambda x: _surprise(x.exp()).mean(1),
        "the mean of the batch is taken: return one entropy for each row": lambda x: _surprise(x.exp()).sum(1).mean(),
        "it counts in bits: take the natural logarithm": lambda x: _surprise(x.exp()).sum(1) / np.log(2),
        "it adds down the columns: dim=1 goes along a row": lambda x: _surprise(x.exp()).sum(0),
        "these are the terms of the sum: add up each row": lambda x: _surprise(x.exp()),
        "the weights are missing: each log-probability counts as often as its action is taken": lambda x: (
            -x.masked_fill(x.exp() == 0, 0.0).sum(1)
        ),
        "the weights are missing: this is the plain mean of the log-probabilities": lambda x: (
            -x.masked_fill(x.exp() == 0, 0.0).mean(1)
        ),
        "the weights are missing: this is the plain mean over the actions that can be taken": lambda x: (
            -x.masked_fill(x.exp() == 0, 0.0).sum(1) / (x.exp() > 0).sum(1)
        ),
        "the weights are missing, and forbidden actions count with their low numbers: multiply each log-probability "
        "with its probability, then add up": lambda x: -x.sum(1),
        "the weights are missing, and forbidden actions count with their low numbers: multiply each log-probability "
        "with its probability, and add up in place of the mean": lambda x: -x.mean(1),
    },
    also=_expect_entropy_gradient,
)
