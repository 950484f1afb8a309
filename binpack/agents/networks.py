"""The actor-critic that scores placements: every candidate cell with the same small convolutional network.

What a placement is worth does not depend on where the bin happens to be drawn, so one set of weights scores every
(item, orientation, cell). The network therefore has a few ten thousand weights whatever the bin's size, where a dense
layer from map to actions has millions, and weights that were trained on one bin can be used on another.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy, MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from binpack.agents.masked import MaskedCategorical


@cache
def fast_precision(device: str) -> torch.dtype:
    """Return what convolutions run fastest in: bfloat16 where the hardware multiplies it, else float32.

    Args:
        device: torch's type of device, such as ``cpu`` or ``cuda``.
    """
    if device == "cpu":
        found = torch.cpu.get_capabilities()
        return torch.bfloat16 if found.get("amx_bf16") or found.get("avx512_bf16") else torch.float32
    # Earlier GPUs run bfloat16 in software, which counts as supported but is slow.
    fast = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if fast else torch.float32


def _shape(observation_space: spaces.Dict, name: str) -> tuple[int, ...]:
    """Return the shape of an entry of the packing environment's observations, all of which have one."""
    shape = observation_space[name].shape
    assert shape is not None
    return shape


class _Convolutions(BaseFeaturesExtractor):
    """Convolutions over the planes of each candidate.

    The planes are the height map, the landing height, feasibility, the cell's two coordinates, the item's three edges
    and, where the observation has them, the contact features.
    """

    def __init__(
        self, observation_space: spaces.Dict, features_dim: int, channels: int, layers: int, precision: str
    ) -> None:
        super().__init__(observation_space, features_dim)
        self.precision = precision
        planes = 8 + (_shape(observation_space, "contact")[1] if "contact" in observation_space.spaces else 0)
        widths = [planes] + [channels] * layers
        self.layers = nn.ModuleList(nn.Conv2d(n, m, 3, padding=1) for n, m in pairwise(widths))

    def _cast(self, device: torch.device) -> torch.autocast:
        dtype = fast_precision(device.type) if self.precision == "auto" else getattr(torch, self.precision)
        return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)

    def _hidden(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the last layer, (B * K, channels, L, W), in the layers' precision."""
        hidden = self._planes(observations)
        with self._cast(hidden.device):
            for layer in self.layers:
                hidden = torch.relu_(layer(hidden))
        return hidden

    @staticmethod
    def _planes(observations: dict[str, Tensor]) -> Tensor:
        """Stack the input planes of every candidate, (B * K, planes, L, W)."""
        landing = observations["landing"][:, :, None]
        batch, kinds, _, length, width = shape = landing.shape
        x = torch.linspace(-1, 1, length, device=landing.device)[:, None].expand(shape)
        y = torch.linspace(-1, 1, width, device=landing.device).expand(shape)
        heights = observations["heights"][:, None, None].expand(shape)
        edges = observations["edges"][..., None, None].expand(batch, kinds, 3, length, width)
        planes = [heights, landing, (landing >= 0).to(landing.dtype), x, y, edges]
        if "contact" in observations:
            planes.append(observations["contact"])
        stacked = torch.cat(planes, dim=2).reshape(batch * kinds, -1, length, width)
        return stacked.contiguous(memory_format=torch.channels_last)


class CandidateNetwork(_Convolutions):
    """Convolutions over the planes of each candidate, then a score for every cell and a summary of all of them.

    Args:
        observation_space: the packing environment's, with ``heights``, ``edges``, ``landing`` and perhaps ``contact``.
        channels: width of the convolutional layers.
        layers: number of 3x3 convolutions; ``layers`` cells is how far a cell sees.
        precision: ``float32``, or ``bfloat16`` for the convolutions (weights and sums stay float32): two to four times
            faster on a processor or GPU that multiplies it in hardware, slower on others; or ``auto``, see
            ``fast_precision``.
    """

    def __init__(
        self, observation_space: spaces.Dict, channels: int = 16, layers: int = 3, precision: str = "auto"
    ) -> None:
        candidates, length, width = _shape(observation_space, "landing")
        super().__init__(observation_space, candidates * length * width + channels, channels, layers, precision)
        self.summary_dim = channels
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return scores and summary side by side.

        Args:
            observations: ``heights`` (B, L, W), ``edges`` (B, K, 3), ``landing`` (B, K, L, W), perhaps ``contact``
                (B, K, F, L, W), float32.

        Returns:
            float32, (B, K * L * W + channels): the scores in the order of actions, then the mean of the last layer over
            all cells and candidates.
        """
        batch, kinds, _, _ = observations["landing"].shape
        hidden = self._hidden(observations)
        with self._cast(hidden.device):
            scores = self.score(hidden)
            # the mean over rows of cells, in the order of memory: its gradient then has the layout of the scores'
            summary = hidden.permute(0, 2, 3, 1).flatten(1, 2).mean(dim=1)
        summary = summary.float().reshape(batch, kinds, -1).mean(dim=1)
        return torch.cat([scores.float().reshape(batch, -1), summary], dim=1)


class ConvNetwork(_Convolutions):
    """The same convolutions, flattened: what dense layers make of them when every action has weights of its own.

    Args:
        observation_space: the packing environment's.
        channels: width of the convolutional layers.
        layers: number of 3x3 convolutions.
        precision: of the convolutions, ``float32``, ``bfloat16`` or ``auto``.
    """

    def __init__(
        self, observation_space: spaces.Dict, channels: int = 16, layers: int = 3, precision: str = "auto"
    ) -> None:
        cells = int(np.prod(_shape(observation_space, "landing")))
        super().__init__(observation_space, cells * channels, channels, layers, precision)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the last layer of every candidate, float32, (B, K * channels * L * W)."""
        return self._hidden(observations).float().reshape(len(observations["heights"]), -1)


class MapNetwork(BaseFeaturesExtractor):
    """Only the height map and the items' edges: an agent on this has to learn where an item comes to lie.

    Args:
        observation_space: the packing environment's.
    """

    def __init__(self, observation_space: spaces.Dict) -> None:
        sizes = [int(np.prod(_shape(observation_space, name))) for name in ("heights", "edges")]
        super().__init__(observation_space, sum(sizes))

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return heights and edges side by side, float32, (B, L * W + 3 * K)."""
        return torch.cat([observations[name].flatten(1) for name in ("heights", "edges")], dim=1)


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


class DensePolicy(MaskableMultiInputActorCriticPolicy):
    """sb3-contrib's policy of dense layers, with the quicker distribution and the optimizer's fused step."""

    def _build(self, lr_schedule: Schedule) -> None:
        _quicken(self)
        super()._build(lr_schedule)


def _quicken(policy: MaskableActorCriticPolicy) -> None:
    """Give a policy that is about to be built what costs least beside networks of a few thousand weights."""
    assert isinstance(policy.action_space, spaces.Discrete)
    policy.action_dist = MaskedCategorical(int(policy.action_space.n))
    policy.optimizer_kwargs = {**policy.optimizer_kwargs, "fused": True}


class CandidatePolicy(MaskableActorCriticPolicy):
    """Maskable actor-critic on ``CandidateNetwork``; use it as ``MaskablePPO(CandidatePolicy, env)``.

    Args:
        observation_space: the packing environment's.
        action_space: the packing environment's.
        lr_schedule: learning rate as a function of the remaining progress.
        channels: width of the convolutional layers.
        layers: number of convolutional layers.
        precision: of the convolutions, ``float32``, ``bfloat16`` or ``auto``.
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
        precision: str = "auto",
        value_hidden: int = 128,
        **kwargs: Any,
    ) -> None:
        self._value_hidden = value_hidden
        kwargs["features_extractor_class"] = CandidateNetwork
        kwargs["features_extractor_kwargs"] = {"channels": channels, "layers": layers, "precision": precision}
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        """Return what ``save`` has to keep, so that ``load`` makes a network of the same size."""
        kept = super()._get_constructor_parameters()
        own = kept.pop("features_extractor_kwargs")
        del kept["features_extractor_class"]
        return kept | own | {"value_hidden": self._value_hidden}

    def _build(self, lr_schedule: Schedule) -> None:
        _quicken(self)
        network = self.features_extractor
        assert isinstance(network, CandidateNetwork) and isinstance(self.action_space, spaces.Discrete)
        heads = _Heads(int(self.action_space.n), network.summary_dim, self._value_hidden)
        self.mlp_extractor = heads  # type: ignore[assignment]
        self.action_net = nn.Identity()
        self.value_net = nn.Linear(self.mlp_extractor.latent_dim_vf, 1)
        for module, gain in ((network, np.sqrt(2)), (self.mlp_extractor, np.sqrt(2)), (self.value_net, 1.0)):
            module.apply(partial(self.init_weights, gain=gain))
        # Nearly equal scores at the start: the first policy is close to uniform over the feasible placements.
        self.init_weights(network.score, gain=0.01)
        # The layout in which a CPU convolves few channels fastest; shapes do not depend on it.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        settings: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(self.parameters(), **settings)
