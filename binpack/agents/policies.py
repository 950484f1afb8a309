"""Policies as named choices: which actor-critic a run trains, and what of its environment that one is tied to.

``PPOConfig.policy`` is the name of one of these. A policy of one's own is an object with the same three methods, named
``module:name``::

    class Transformer:
        def policy_class(self):
            return TransformerPolicy  # a MaskableActorCriticPolicy

        def policy_kwargs(self, ppo):
            return {"width": ppo.channels, "layers": ppo.layers}

        def tied_to(self):
            return ("bin_size",)

    PPOConfig(policy="mypackage.policies:Transformer")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.utils import ConstantSchedule

from binpack.agents.config import POLICIES, PPOConfig, TrainConfig
from binpack.agents.networks import CandidatePolicy, ConvNetwork, DensePolicy, MapNetwork


class Policy(Protocol):
    """One kind of actor-critic."""

    def policy_class(self) -> type[MaskableActorCriticPolicy]:
        """Return the class that is trained."""
        ...

    def policy_kwargs(self, ppo: PPOConfig) -> dict[str, Any]:
        """Return what the class's constructor takes beyond the two spaces and the learning rate."""
        ...

    def tied_to(self) -> tuple[str, ...]:
        """Return the fields of ``EnvConfig`` whose values in training are the only ones that the weights can play."""
        ...


def policy_of(ppo: PPOConfig) -> Policy:
    """Return the policy that the hyperparameters name.

    Raises:
        ValueError: one line: there is no such policy.
    """
    return POLICIES.get(ppo.policy)


def build_policy(config: TrainConfig) -> MaskableActorCriticPolicy:
    """Return a run's policy with fresh weights, ready to play, on the CPU; its optimizer has a learning rate of 0."""
    policy, env = policy_of(config.ppo), config.env
    spaces = env.observation_space(), env.action_space()
    built = policy.policy_class()(*spaces, ConstantSchedule(0.0), **policy.policy_kwargs(config.ppo))
    built.set_training_mode(False)
    return built


def _convolutions(ppo: PPOConfig) -> dict[str, Any]:
    return {"channels": ppo.channels, "layers": ppo.layers, "precision": ppo.precision}


class _Candidate:
    """Shared convolutions that score every placement: one set of weights for all bins and numbers of items."""

    def policy_class(self) -> type[MaskableActorCriticPolicy]:
        return CandidatePolicy

    def policy_kwargs(self, ppo: PPOConfig) -> dict[str, Any]:
        return _convolutions(ppo)

    def tied_to(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class _Dense:
    """Dense layers, for actor and critic each, with a weight for every input and every action.

    Attributes:
        extractor: what the layers see; the whole observation where it is None.
        convolves: whether the extractor takes the settings of the convolutions.
    """

    extractor: type[BaseFeaturesExtractor] | None = None
    convolves: bool = False

    def policy_class(self) -> type[MaskableActorCriticPolicy]:
        return DensePolicy

    def policy_kwargs(self, ppo: PPOConfig) -> dict[str, Any]:
        kwargs: dict[str, Any] = {"net_arch": list(ppo.net_arch)}
        if self.extractor is not None:
            kwargs["features_extractor_class"] = self.extractor
        if self.convolves:
            kwargs["features_extractor_kwargs"] = _convolutions(ppo)
        return kwargs

    def tied_to(self) -> tuple[str, ...]:
        return ("bin_size", "visible", "rotation")


CANDIDATE = _Candidate()
MLP = _Dense()
MLP_MAP = _Dense(MapNetwork)
CONV = _Dense(ConvNetwork, convolves=True)
