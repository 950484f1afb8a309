"""Trained agents: playing greedily, and being stored so that others can load them without running pickled code."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.utils import ConstantSchedule

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.policy import CandidatePolicy, ConvNetwork, MapNetwork
from binpack.env.batch import PackingBatch
from binpack.files import first_line, write_atomically, write_json

SHIPPED = Path(__file__).parent / "shipped"
"""Where the trained agents lie that come with the package, a folder each."""


@dataclass
class PPOAgent:
    """A trained policy that plays greedily.

    Attributes:
        config: what it was trained with.
        policy: the network.
        metadata: the rest of ``agent.json``: steps, score, seconds, versions, machine.
    """

    config: TrainConfig
    policy: Any
    metadata: dict[str, Any] = field(default_factory=dict)

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return the most probable feasible action of every bin, int64 (n,); 0 for a bin that is done.

        Raises:
            ValueError: if the agent was trained for other bins or candidates and its policy depends on them.
        """
        return self.scores(batch).argmax(axis=1)

    def scores(self, batch: PackingBatch) -> NDArray:
        """Return the logits of the feasible actions, float32 (n, actions): -inf where not feasible.

        Raises:
            ValueError: as ``act``.
        """
        rows = np.flatnonzero(~batch.done)
        scores = np.full((batch.n, batch.config.actions), -np.inf, np.float32)
        if len(rows):
            scores[rows] = self._ask(batch, rows, "actor")
        scores[~batch.masks()] = -np.inf
        return scores

    def values(self, batch: PackingBatch) -> NDArray:
        """Return the critic's estimates of the return still to come, float32 (n,): 0 for a bin that is done.

        Raises:
            ValueError: as ``act``.
        """
        rows = np.flatnonzero(~batch.done)
        values = np.zeros(batch.n, np.float32)
        if len(rows):
            values[rows] = self._ask(batch, rows, "critic")[:, 0]
        return values

    def _ask(self, batch: PackingBatch, rows: NDArray, head: str) -> NDArray:
        """Run the network on some bins; bins that are done would only take time."""
        self._check_fits(batch)
        with torch.no_grad():
            seen = batch.observation(rows, features=self.config.env.features)
            observation = {name: torch.as_tensor(value, device=self.policy.device) for name, value in seen.items()}
            features = self.policy.extract_features(observation)
            if head == "actor":
                out = self.policy.action_net(self.policy.mlp_extractor.forward_actor(features))
            else:
                out = self.policy.value_net(self.policy.mlp_extractor.forward_critic(features))
        return out.cpu().numpy()

    def _check_fits(self, batch: PackingBatch) -> None:
        """Refuse bins and candidates that dense layers were not made for."""
        kind, trained, played = self.config.ppo.policy, self.config.env, batch.config
        for name in () if kind == "candidate" else ("bin_size", "visible", "rotation"):
            if getattr(trained, name) != getattr(played, name):
                one = "an" if kind.startswith("m") else "a"
                raise ValueError(
                    f"{one} {kind} agent trained with {name} {getattr(trained, name)} cannot play "
                    f"{getattr(played, name)}"
                )


def shipped() -> tuple[str, ...]:
    """Return the names of the trained agents that come with the package, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/agent.json")))


def save_agent(folder: str | Path, policy: Any, config: TrainConfig, about: dict[str, Any]) -> None:
    """Write an agent that others can load: ``agent.json`` and ``weights.pt``.

    Args:
        folder: where to; made if need be.
        policy: the trained policy.
        config: what it was trained with.
        about: what else to say of it in ``agent.json``: score, steps, seconds.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu() for name, value in policy.state_dict().items()}
    write_atomically(folder / "weights.pt", lambda path: torch.save(weights, path))
    description = {
        "config": config.model_dump(mode="json"),
        **about,
        "parameters": sum(value.numel() for value in policy.parameters()),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    write_json(folder / "agent.json", description)


def load_agent(name: str | Path) -> PPOAgent:
    """Load an agent that comes with the package, or one that ``train`` or ``save_agent`` wrote; no pickled code runs.

    Args:
        name: one of ``shipped()``, or a folder with ``agent.json`` and ``weights.pt``. A shipped name means the same
            agent wherever it is used, even beside a folder of that name: write ``./name``, or give a ``Path``, for the
            folder.

    Returns:
        The agent, on the CPU.

    Raises:
        ValueError: one line that names the file that is missing or bad.
    """
    folder = SHIPPED / name if isinstance(name, str) and name in shipped() else Path(name)
    if not (folder / "agent.json").is_file():
        raise ValueError(f"{folder}: no agent here (agent.json is missing)")
    try:
        about = json.loads((folder / "agent.json").read_text())
        config = TrainConfig(**about.pop("config"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{folder / 'agent.json'}: not an agent's description ({first_line(error)})") from None
    env, ppo = config.env, config.ppo
    policy = policy_class(ppo)(env.observation_space(), env.action_space(), ConstantSchedule(0.0), **policy_kwargs(ppo))
    try:
        policy.load_state_dict(torch.load(folder / "weights.pt", weights_only=True, map_location="cpu"))
    except Exception as error:  # torch raises many kinds for a bad file
        raise ValueError(f"{folder / 'weights.pt'}: cannot load the weights ({first_line(error)})") from None
    policy.set_training_mode(False)
    return PPOAgent(config, policy, about)


def policy_class(ppo: PPOConfig) -> type:
    """Return the class of the policy that the hyperparameters ask for."""
    return CandidatePolicy if ppo.policy == "candidate" else MaskableMultiInputActorCriticPolicy


def policy_kwargs(ppo: PPOConfig) -> dict[str, Any]:
    """Return what that class's constructor takes beyond the spaces and the learning rate."""
    convolutions = {"channels": ppo.channels, "layers": ppo.layers, "precision": ppo.precision}
    if ppo.policy == "candidate":
        return convolutions
    dense: dict[str, Any] = {"net_arch": list(ppo.net_arch)}
    if ppo.policy == "mlp_map":
        dense["features_extractor_class"] = MapNetwork
    elif ppo.policy == "conv":
        dense |= {"features_extractor_class": ConvNetwork, "features_extractor_kwargs": convolutions}
    return dense
