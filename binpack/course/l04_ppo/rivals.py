"""Lesson 04, second part: PPO's rivals, A2C and DQN on packing, SAC and TD3 on a pendulum, all by one library.

On packing all learn with masks, and each once more without. A2C gets its masks as what it is, a special case of PPO
(Huang et al., 2022). DQN gets them by a network that rates a forbidden action as minus infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.dqn.policies import MultiInputPolicy, QNetwork
from torch import Tensor

from binpack.course.l04_ppo.masking import (
    ENV,
    Score,
    both_ways,
    learn,
    make_model,
    quiet,
    run_seed,
    utilization,
)
from binpack.course.progress import progress
from binpack.env.vector import BinPackingVecEnv
from binpack.items.streams import Streams

# --------------------------------------------------------------------------------------------------- a DQN with masks


def legal_actions(observation: Mapping[str, Tensor]) -> Tensor:
    """Read the mask out of an observation of packing: landing heights are -1 where nothing may stand.

    Args:
        observation: of ``BinPackingVecEnv``, tensors with a batch axis; ``landing`` (B, K, L, W).

    Returns:
        Bool, (B, actions).
    """
    return observation["landing"].flatten(1) >= 0


class MaskedQNetwork(QNetwork):
    """Rates forbidden actions as minus infinity, and everything as 0 where nothing is legal: there the episode ends.

    Acting and targets take a maximum over what this returns, so both keep to the mask.
    """

    def unmasked(self, obs: Any) -> Tensor:
        """Return what the layers say of all actions, (B, actions)."""
        return super().forward(obs)

    def forward(self, obs: Any) -> Tensor:
        """Return the Q-values, (B, actions)."""
        legal = legal_actions(obs)
        values = self.unmasked(obs).masked_fill(~legal, -torch.inf)
        # minus infinity times the 0 of an episode's end would be no number
        return torch.where(legal.any(dim=1, keepdim=True), values, torch.zeros_like(values))


class MaskedDQNPolicy(MultiInputPolicy):
    """DQN's policy on `MaskedQNetwork`, for observations of packing."""

    def make_q_net(self) -> MaskedQNetwork:
        """Return a network."""
        return MaskedQNetwork(**self._update_features_extractor(self.net_args, features_extractor=None)).to(self.device)


class MaskedDQN(DQN):
    """DQN that explores among legal actions, acts on them and takes its targets from them.

    Args:
        args: what ``DQN`` takes.
        kwargs: likewise.
    """

    policy_aliases = {"MultiInputPolicy": MaskedDQNPolicy}  # noqa: RUF012 - the library's form

    def predict(
        self,
        observation: Any,
        state: tuple[NDArray, ...] | None = None,
        episode_start: NDArray | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray, tuple[NDArray, ...] | None]:
        """Return the best legal actions, or now and then random legal ones."""
        if deterministic or np.random.rand() >= self.exploration_rate:  # noqa: NPY002 - DQN's own source of chance
            return self.policy.predict(observation, state, episode_start, deterministic)
        return self._any_legal(observation), state

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[NDArray, NDArray]:
        """Act in training; before learning starts, at random."""
        if self.num_timesteps < learning_starts:
            actions = self._any_legal(self._last_obs)
            return actions, actions
        return super()._sample_action(learning_starts, action_noise, n_envs)

    def _any_legal(self, observation: Any) -> NDArray:
        """Draw a legal action for each row, every one equally likely."""
        legal = observation["landing"].reshape(len(observation["landing"]), -1) >= 0
        drawn = np.random.random(legal.shape)  # noqa: NPY002
        return np.where(legal, drawn, -1.0).argmax(axis=1)


# ------------------------------------------------------------------------------------------------------ packing's arms

PPO_ADAPTED_ENVS = 8
PPO_ADAPTED: Mapping[str, Any] = {"n_steps": 32, "batch_size": 64, "n_epochs": 10, "learning_rate": 1e-3}
"""PPO for a short run: rollouts of 256 transitions, so eight times as many, and a larger learning rate."""

RMSPROP: Mapping[str, Any] = {"alpha": 0.99, "eps": 1e-5, "weight_decay": 0}
"""The settings of A2C's optimizer."""

A2C_STEPS, A2C_ENVS = 5, 8
DQN_ENVS = 4
DQN_DEFAULT: Mapping[str, Any] = {"train_freq": 1, "buffer_size": 40_000}
"""DQN's defaults: a gradient step for each 4 transitions, here of 4 environments; all transitions are kept."""
DQN_ADAPTED: Mapping[str, Any] = {
    **DQN_DEFAULT,
    "learning_rate": 5e-4,
    "batch_size": 64,
    "target_update_interval": 500,
    "exploration_fraction": 0.2,
    "exploration_final_eps": 0.02,
}
"""DQN for a short run: its defaults copy the target network every 10,000 steps, which is four times in all."""


def a2c_as_ppo(n_steps: int, n_envs: int) -> dict[str, Any]:
    """Return the arguments that make a MaskablePPO of an A2C.

    Args:
        n_steps: steps of an environment between two updates.
        n_envs: number of environments.
    """
    return {
        "learning_rate": 7e-4,
        "n_steps": n_steps,
        "gae_lambda": 1.0,
        "batch_size": n_steps * n_envs,
        "n_epochs": 1,
        "normalize_advantage": False,
        "policy_kwargs": {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": dict(RMSPROP)},
    }


@dataclass(frozen=True)
class Arm:
    """One algorithm with its settings.

    Attributes:
        make: makes the untrained model of a seed.
        score: makes the score of a run from the validation streams.
    """

    make: Callable[[int], BaseAlgorithm]
    score: Callable[[Streams], Score]


def _played(*, masked: bool) -> Callable[[Streams], Score]:
    """Return a score of a model that masks itself, or that knows no masks."""
    name = "masked" if masked else "free"
    return lambda streams: lambda model: {name: utilization(model, streams, masked=False)}


def _packing(algorithm: Any, n_envs: int, **settings: Any) -> Callable[[int], BaseAlgorithm]:
    def make(seed: int) -> BaseAlgorithm:
        env = BinPackingVecEnv(ENV, n_envs)
        return quiet(algorithm("MultiInputPolicy", env, seed=run_seed(seed), device="cpu", **settings))

    return make


def _ppo(arm: str) -> Callable[[int], BaseAlgorithm]:
    return lambda seed: make_model(arm, seed)


PACKING: Mapping[str, Arm] = {
    "PPO": Arm(_ppo("mask"), both_ways),
    "A2C": Arm(_packing(MaskablePPO, A2C_ENVS, **a2c_as_ppo(A2C_STEPS, A2C_ENVS)), both_ways),
    "DQN": Arm(_packing(MaskedDQN, DQN_ENVS, **DQN_DEFAULT), _played(masked=True)),
    "PPO adapted": Arm(_packing(MaskablePPO, PPO_ADAPTED_ENVS, **PPO_ADAPTED), both_ways),
    "DQN adapted": Arm(_packing(MaskedDQN, DQN_ENVS, **DQN_ADAPTED), _played(masked=True)),
    "PPO, no mask": Arm(_ppo("ends"), both_ways),
    "A2C, no mask": Arm(_packing(A2C, A2C_ENVS), both_ways),
    "DQN, no mask": Arm(_packing(DQN, DQN_ENVS, **DQN_DEFAULT), _played(masked=False)),
}
"""What learns to pack; without a mask an illegal action ends the episode."""

UTILIZATION, RETURN = 0.75, -200.0
"""What counts as reached, on packing and on the pendulum; declared before the first run of the record."""

# ---------------------------------------------------------------------------------------------------- the pendulum

PENDULUM = "Pendulum-v1"
EPISODES, EPISODE_SEED = 20, 10_000
SHORT, LONG = 10_000, 100_000


def _pendulum(algorithm: Any, n_envs: int = 1, **settings: Any) -> Callable[[int], BaseAlgorithm]:
    def make(seed: int) -> BaseAlgorithm:
        env = DummyVecEnv([lambda: gym.make(PENDULUM)] * n_envs)
        return quiet(algorithm("MlpPolicy", env, seed=run_seed(seed), device="cpu", **settings))

    return make


PPO_TUNED: Mapping[str, Any] = {
    "n_steps": 1024,
    "gamma": 0.9,
    "learning_rate": 1e-3,
    "use_sde": True,
    "sde_sample_freq": 4,
}
"""What Raffin's collection of tuned settings (RL Zoo, 2020) has for PPO on this task, with 4 environments."""


def _td3(seed: int) -> BaseAlgorithm:
    noise = NormalActionNoise(np.zeros(1), 0.1 * np.ones(1))
    return _pendulum(TD3, action_noise=noise)(seed)


SWINGING: Mapping[str, Callable[[int], BaseAlgorithm]] = {
    "PPO": _pendulum(PPO),
    "PPO tuned": _pendulum(PPO, 4, **PPO_TUNED),
    "SAC": _pendulum(SAC),
    "TD3": _td3,
}
"""What learns to swing the pendulum up: the defaults, and for PPO also the tuned settings."""


def swing(model: BaseAlgorithm) -> dict[str, float]:
    """Score a model on the pendulum: its mean return over fixed starts, without noise.

    Args:
        model: what Stable-Baselines3 trained.
    """
    envs = DummyVecEnv([lambda: gym.make(PENDULUM)] * EPISODES)
    envs.seed(EPISODE_SEED)
    seen, total = envs.reset(), np.zeros(EPISODES)
    for _ in range(200):  # no episode ends before its time limit
        actions, _ = model.predict(seen, deterministic=True)  # type: ignore[arg-type]
        seen, rewards, _, _ = envs.step(actions)
        total += rewards
    return {"return": float(total.mean())}


# ----------------------------------------------------------------------------------------------------- measured live


def twins(arguments: Mapping[str, Any], n_steps: int = 5, n_envs: int = 4, updates: int = 20) -> float:
    """Train an A2C and a PPO with some arguments on CartPole, from the same seed.

    Args:
        arguments: of the PPO.
        n_steps: steps of each environment between two updates of the A2C.
        n_envs: number of environments.
        updates: how many.

    Returns:
        The largest difference between a weight of one and of the other.
    """
    made = []
    for algorithm, own in ((A2C, {"n_steps": n_steps}), (PPO, dict(arguments))):
        env = DummyVecEnv([lambda: gym.make("CartPole-v1")] * n_envs)
        model = quiet(algorithm("MlpPolicy", env, seed=0, device="cpu", **own))
        made.append(model.learn(updates * n_steps * n_envs).policy.state_dict())
    one, other = made
    return max(float((weights - other[name]).abs().max()) for name, weights in one.items())


@dataclass(frozen=True)
class Trial:
    """A short run that was made while somebody waited.

    Attributes:
        model: the trained model.
        curve: environment steps, (n,), and the one run's scores, (1, n).
        milliseconds: processor time of the training for each environment step that was taken; a last rollout is
            taken whole.
    """

    model: BaseAlgorithm
    curve: tuple[NDArray, NDArray]
    milliseconds: float


def short_runs(
    makers: Mapping[str, Callable[[int], BaseAlgorithm]], score: Score, at: tuple[int, ...], seed: int = 0
) -> dict[str, Trial]:
    """Train one run of each algorithm.

    Args:
        makers: name to what makes the untrained model of a seed.
        score: called with a model; its first number is drawn.
        at: environment steps at which the runs are scored, ascending.
        seed: of the runs.
    """
    done = {}
    for name in progress(makers, "algorithms"):
        model = makers[name](seed)
        curves = learn(model, score, at)
        scores = next(iter(curves.scores.values()))
        done[name] = Trial(model, (np.array(at), np.array([scores])), 1000 * curves.seconds / model.num_timesteps)
    return done


def some_transitions(model: MaskedDQN, count: int = 512) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
    """Draw transitions that a DQN has stored, and rate what follows them by its target network, masks left aside.

    Args:
        model: has learned for a while.
        count: how many.

    Returns:
        Rewards (B,), dones (B,), next values (B, K), next masks (B, K) and gamma: what ``masked_targets`` takes.
    """
    assert model.replay_buffer is not None
    drawn = model.replay_buffer.sample(count)
    target: Any = model.q_net_target
    with torch.no_grad():
        values = target.unmasked(drawn.next_observations)
    legal = legal_actions(drawn.next_observations)  # type: ignore[arg-type]
    return drawn.rewards.flatten(), drawn.dones.flatten(), values, legal, model.gamma
