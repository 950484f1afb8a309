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

from binpack.batch import PackingBatch
from binpack.config import PPOConfig, TrainConfig
from binpack.files import first_line, write_atomically, write_json
from binpack.policy import CandidatePolicy


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
        """Return the most probable feasible action of every bin, int64 (n,).

        Raises:
            ValueError: if the agent was trained for other bins or candidates and its policy depends on them.
        """
        trained, played = self.config.env, batch.config
        fixed = ("bin_size", "visible", "rotation") if self.config.ppo.policy == "mlp" else ()
        for name in fixed:
            if getattr(trained, name) != getattr(played, name):
                raise ValueError(
                    f"an mlp agent trained with {name} {getattr(trained, name)} cannot play {getattr(played, name)}"
                )
        with torch.no_grad():
            device = self.policy.device
            seen = batch.observation(features=trained.features)
            observation = {name: torch.as_tensor(value, device=device) for name, value in seen.items()}
            features = self.policy.extract_features(observation)
            scores = self.policy.action_net(self.policy.mlp_extractor.forward_actor(features)).cpu().numpy()
        return np.where(batch.masks(), scores, -np.inf).argmax(axis=1)


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


def load_agent(folder: str | Path) -> PPOAgent:
    """Load an agent that ``train`` or ``save_agent`` wrote; no pickled code runs.

    Args:
        folder: with ``agent.json`` and ``weights.pt``.

    Returns:
        The agent, on the CPU.

    Raises:
        ValueError: one line that names the file that is missing or bad.
    """
    folder = Path(folder)
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
    if ppo.policy == "candidate":
        return {"channels": ppo.channels, "layers": ppo.layers, "precision": ppo.precision}
    return {"net_arch": list(ppo.net_arch)}
