"""The actor-critic that scores placements: every candidate cell with the same small convolutional network.

What a placement is worth does not depend on where the bin happens to be drawn, so one set of weights scores every
(item, orientation, cell). The network therefore has a few ten thousand weights whatever the bin's size, where a dense
layer from map to actions has millions, and weights that were trained on one bin can be used on another.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

PLANES = 5
"""Input planes of a candidate: height map, landing height, feasibility, and the cell's two coordinates."""


class CandidateNetwork(BaseFeaturesExtractor):
    """Convolutions over the planes of each candidate, then a score for every cell and a summary of all of them.

    Args:
        observation_space: the packing environment's, with ``heights``, ``edges`` and ``landing``.
        channels: width of the convolutional layers.
        layers: number of 3x3 convolutions; ``layers`` cells is how far a cell sees.
    """

    def __init__(self, observation_space: spaces.Dict, channels: int = 16, layers: int = 3) -> None:
        candidates, length, width = observation_space["landing"].shape
        super().__init__(observation_space, candidates * length * width + 2 * channels)
        self.summary_dim = 2 * channels
        self.first = nn.Conv2d(PLANES, channels, 3, padding=1)
        self.item = nn.Linear(3, channels, bias=False)
        self.rest = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers - 1))
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return scores and summary side by side.

        Args:
            observations: ``heights`` (B, L, W), ``edges`` (B, K, 3), ``landing`` (B, K, L, W), float32.

        Returns:
            float32, (B, K * L * W + 2 * channels): the scores in the order of actions, then mean and maximum over all
            cells and candidates of the last layer.
        """
        landing = observations["landing"]
        batch = len(landing)
        hidden = self.first(self._planes(observations["heights"], landing))
        hidden = torch.relu(hidden + self.item(observations["edges"].reshape(-1, 3))[:, :, None, None])
        for layer in self.rest:
            hidden = torch.relu(layer(hidden))
        scores = self.score(hidden).reshape(batch, -1)
        cells = hidden.permute(0, 2, 3, 1).reshape(batch, -1, hidden.shape[1])
        summary = torch.cat([cells.mean(dim=1), cells.amax(dim=1)], dim=1)
        return torch.cat([scores, summary], dim=1)

    @staticmethod
    def _planes(heights: Tensor, landing: Tensor) -> Tensor:
        """Stack the input planes of every candidate, (B * K, PLANES, L, W)."""
        _, _, length, width = shape = landing.shape
        x = torch.linspace(-1, 1, length, device=landing.device)[:, None].expand(shape)
        y = torch.linspace(-1, 1, width, device=landing.device).expand(shape)
        feasible = (landing >= 0).to(landing.dtype)
        planes = torch.stack([heights[:, None].expand(shape), landing, feasible, x, y], dim=2)
        return planes.reshape(-1, PLANES, length, width).contiguous(memory_format=torch.channels_last)


class _Heads(nn.Module):
    """Takes the candidate network's output apart: scores to the actor, summary through a hidden layer to the critic."""

    def __init__(self, actions: int, summary_dim: int, hidden: int) -> None:
        super().__init__()
        self.summary_dim = summary_dim
        self.latent_dim_pi, self.latent_dim_vf = actions, hidden
        self.critic = nn.Sequential(nn.Linear(summary_dim, hidden), nn.ReLU())

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return features[:, : -self.summary_dim]

    def forward_critic(self, features: Tensor) -> Tensor:
        return self.critic(features[:, -self.summary_dim :])


class CandidatePolicy(MaskableActorCriticPolicy):
    """Maskable actor-critic on ``CandidateNetwork``; use it as ``MaskablePPO(CandidatePolicy, env)``.

    Args:
        observation_space: the packing environment's.
        action_space: the packing environment's.
        lr_schedule: learning rate as a function of the remaining progress.
        channels: width of the convolutional layers.
        layers: number of convolutional layers.
        value_hidden: width of the critic's hidden layer.
        kwargs: what ``MaskableActorCriticPolicy`` takes.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        channels: int = 16,
        layers: int = 3,
        value_hidden: int = 64,
        **kwargs,
    ) -> None:
        self._value_hidden = value_hidden
        kwargs["features_extractor_class"] = CandidateNetwork
        kwargs["features_extractor_kwargs"] = {"channels": channels, "layers": layers}
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        network = self.features_extractor
        self.mlp_extractor = _Heads(int(self.action_space.n), network.summary_dim, self._value_hidden)
        self.action_net = nn.Identity()
        self.value_net = nn.Linear(self.mlp_extractor.latent_dim_vf, 1)
        for module, gain in ((network, np.sqrt(2)), (self.mlp_extractor, np.sqrt(2)), (self.value_net, 1.0)):
            module.apply(partial(self.init_weights, gain=gain))
        # Nearly equal scores at the start: the first policy is close to uniform over the feasible placements.
        self.init_weights(network.score, gain=0.01)
        # The layout in which a CPU convolves few channels fastest; shapes do not depend on it.
        network.to(memory_format=torch.channels_last)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)
