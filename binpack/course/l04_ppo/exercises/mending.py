"""What of a published listing a learner mends: where the future ends, and which way the entropy pulls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from binpack.course.exercises import exercise, promise
from binpack.course.l04_ppo import listing
from binpack.course.l04_ppo.agent import Settings
from binpack.course.l04_ppo.listing import Rows


@exercise(
    minutes=8,
    difficulty=2,
    start=listing.listing_loss,
    hints=(
        "Begin with the entries of `rows`: which of them is never used? Two lines of the function have a mistake.",
        "Where the episode terminated nothing follows, so `~terminated` belongs to the discounted value of what "
        "follows. And what is added to a loss is made small by training.",
        "`targets = rows.rewards + settings.gamma * rows.next_values * ~rows.terminated`, and in the last line "
        "`- settings.ent_coef * rows.entropies.mean()`.",
    ),
    returns=promise.a_tensor("the loss"),
)
def listing_loss(rows: Rows, settings: Settings) -> Tensor:
    """Compute the loss of a minibatch, with advantages that look one step ahead."""
    # 1. no future after a state that terminated
    targets = rows.rewards + settings.gamma * rows.next_values * ~rows.terminated
    advantages = targets - rows.values.detach()
    ratio = torch.exp(rows.log_probs - rows.old_log_probs)
    clipped = torch.clamp(ratio, 1 - settings.clip_range, 1 + settings.clip_range)
    policy_loss = -torch.min(ratio * advantages, clipped * advantages).mean()
    value_loss = ((targets - rows.values) ** 2).mean()
    # 2. entropy is wanted, so it comes in with a minus
    return policy_loss + settings.vf_coef * value_loss - settings.ent_coef * rows.entropies.mean()


def _with(future: str = "right", sign: float = -1.0) -> Callable[[Rows, Settings], Tensor]:
    """The loss with one thing done in another way."""

    def loss(r: Rows, s: Settings) -> Tensor:
        alive = {"right": ~r.terminated, "turned": r.terminated}.get(future, torch.tensor(future == "counted"))
        targets = r.rewards + s.gamma * r.next_values * alive
        adv = targets - r.values.detach()
        ratio = torch.exp(r.log_probs - r.old_log_probs)
        policy = -torch.min(ratio * adv, ratio.clamp(1 - s.clip_range, 1 + s.clip_range) * adv).mean()
        return policy + s.vf_coef * ((targets - r.values) ** 2).mean() + sign * s.ent_coef * r.entropies.mean()

    return loss


def _drawn(rng: np.random.Generator, rows: int = 6) -> tuple[Rows, Settings]:
    old, moved = rng.uniform(-2.0, -0.3, rows), rng.normal(0, 0.3, rows)
    numbers = (rng.uniform(0.5, 1.5, rows), rng.normal(1, 1, rows), rng.normal(1, 1, rows), rng.normal(2, 1, rows))
    new, before, ent, val, rew, nxt = (
        torch.from_numpy(each.astype(np.float32)) for each in (old + moved, old, *numbers)
    )
    terminated = torch.tensor([False, True, False, False, True, False])[:rows]
    return Rows(new, before, ent, val, rew, nxt, terminated), Settings(gamma=0.9, ent_coef=float(rng.uniform(0.1, 0.5)))


def _one(terminated: bool) -> tuple[Rows, Settings]:
    minus, half, one, two = (torch.tensor([each]) for each in (-1.0, 0.5, 1.0, 2.0))
    return Rows(minus, minus, half, one, one, two, torch.tensor([terminated])), Settings(gamma=0.5, ent_coef=0.1)


listing_loss.examine(
    cases=lambda: [_one(False), _one(True), _drawn(np.random.default_rng(1))],
    draw=_drawn,
    mistakes={
        "the future is right, and the entropy is still added to a loss that is made small": _with(sign=1.0),
        "the entropy is right, and the future is still counted after a state that terminated": _with(future="counted"),
        "both mistakes are still there: look at terminated, and at the sign of the entropy": _with("counted", 1.0),
        "the future counts only where the episode terminated: turn terminated round": _with(future="turned"),
        "no state has a future any more: only after terminated nothing follows": _with(future="none"),
        "the entropy is gone: it belongs into the loss with a minus": _with(sign=0.0),
    },
)
