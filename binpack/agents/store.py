"""Trained agents: playing greedily, and being stored so that others can load them without running pickled code."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from binpack.agents.config import TrainConfig, check_version, config_from
from binpack.agents.limits import check_network
from binpack.agents.policies import build_policy, policy_of
from binpack.env.batch import PackingBatch
from binpack.files import FileError, InputError, check_archive, first_line, read_json, write_bytes, write_json

AGENT_VERSION = 1
"""Version of the format of ``agent.json``, beside which lies ``weights.pt``, the policy's state dict.

1: an object with ``config`` (see ``CONFIG_VERSION``), ``score``, ``steps``, ``seconds`` and what made it. What was
written before versions were has none and is of version 1.
"""

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
        """Refuse bins and candidates that the policy's weights were not made for."""
        trained, played = self.config.env, batch.config
        for name in policy_of(self.config.ppo).tied_to():
            if getattr(trained, name) != getattr(played, name):
                raise InputError(
                    f"an agent with policy {self.config.ppo.policy} that was trained with {name} "
                    f"{getattr(trained, name)} cannot play {getattr(played, name)}"
                )


def shipped() -> tuple[str, ...]:
    """Return the names of the trained agents that come with the package, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/agent.json")))


def agent_folder(name: str | Path) -> Path:
    """Return the folder of an agent, whether there is one or not.

    Args:
        name: as for `load_agent`.
    """
    return SHIPPED / name if isinstance(name, str) and name in shipped() else Path(name)


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
    write_bytes(folder / "weights.pt", lambda file: torch.save(weights, file))
    description = {
        "version": AGENT_VERSION,
        "config": config.stored(),
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
        FileError: one line that names the file that is missing or bad.

    Example:
        >>> load_agent("cut_2_k5").config.env.visible
        5
    """
    folder = agent_folder(name)
    path = folder / "agent.json"
    if not path.is_file():
        raise FileError(f"{folder}: no agent here (agent.json is missing)")
    about = read_json(path, "an agent's description")
    try:
        check_version(about.pop("version", 1), AGENT_VERSION)
    except ValueError as error:
        raise FileError(f"{path}: {error}") from None
    config = config_from(about.pop("config", None), path, "an agent's description")
    try:
        check_network(config)
    except InputError as error:
        raise FileError(f"{path}: {error}") from None
    policy = build_policy(config)
    try:
        check_archive(folder / "weights.pt")
        policy.load_state_dict(torch.load(folder / "weights.pt", weights_only=True, map_location="cpu"))
    except Exception as error:  # torch raises many kinds for a bad file
        raise FileError(f"{folder / 'weights.pt'}: cannot load the weights ({first_line(error)})") from None
    if not all(bool(torch.isfinite(each).all()) for each in policy.state_dict().values()):
        raise FileError(f"{folder / 'weights.pt'}: holds weights that are no finite numbers: train the agent anew")
    return PPOAgent(config, policy, about)
