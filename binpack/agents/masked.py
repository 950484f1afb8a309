"""The distribution over the feasible actions, worked out once for each pass of the network.

sb3-contrib's own makes three of torch's distributions for each pass, and checks every number of each. With networks as
small as these that took a third of an update.
"""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib.common.maskable.distributions import MaskableCategoricalDistribution
from torch import Tensor

FORBIDDEN = -1e8
"""The score of an action that the mask forbids: its probability is 0 in single and in double precision."""


class MaskedCategorical(MaskableCategoricalDistribution):
    """Categorical over the actions that a mask allows; a drop-in for sb3-contrib's, equal to it to rounding.

    Where a mask allows nothing, all actions are equally likely, as there. Scores that are not finite are not looked
    for: `sample` refuses them, and `PPO` looks at its losses and weights.
    """

    _scores: Tensor
    _log_probs: Tensor | None = None

    def proba_distribution(self, action_logits: Tensor) -> MaskedCategorical:
        """Take the scores of all actions, without a mask.

        Args:
            action_logits: float, (B, actions).
        """
        self._scores, self._log_probs = action_logits.view(-1, self.action_dim), None
        return self

    def apply_masking(self, masks: Any) -> None:
        """Allow some actions only; counts until the next scores are taken.

        Args:
            masks: True or 1 where an action is allowed, array or tensor of (B, actions); None changes nothing.
        """
        if masks is None:
            return
        allowed = torch.as_tensor(masks, device=self._scores.device).reshape(self._scores.shape)
        self._scores, self._log_probs = self._scores.masked_fill(allowed == 0, FORBIDDEN), None

    @property
    def log_probs(self) -> Tensor:
        """Log-probability of each action, float, (B, actions)."""
        if self._log_probs is None:
            self._log_probs = torch.log_softmax(self._scores, dim=1)
        return self._log_probs

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log-probability of the actions that were taken, (B,).

        Args:
            actions: int64, (B,).
        """
        return self.log_probs.gather(1, actions.long().view(-1, 1)).squeeze(1)

    def entropy(self) -> Tensor:
        """Return the entropy in nats, (B,)."""
        # An action that is forbidden has a probability of 0, and so adds nothing.
        return -(self.log_probs.exp() * self.log_probs).sum(dim=1)

    def sample(self) -> Tensor:
        """Draw an action for each row, int64, (B,).

        Raises:
            RuntimeError: torch's, where scores are not finite.
        """
        return torch.multinomial(self.log_probs.exp(), 1).squeeze(1)

    def mode(self) -> Tensor:
        """Return the likeliest action of each row, int64, (B,)."""
        return self._scores.argmax(dim=1)
