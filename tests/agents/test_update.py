"""The quick update against sb3-contrib's: the same buffer, the same weights before, and so the same weights after."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.logger import Logger

from binpack.agents.learner import PPO
from binpack.agents.networks import CandidatePolicy, DensePolicy
from binpack.agents.update import Gradient, Transitions, minibatch_sizes
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

ENV = EnvConfig(bin_size=(5, 5, 5), items="random:2-3")
DENSE = {"net_arch": [16, 16]}
CANDIDATE = {"channels": 4, "layers": 2, "precision": "float32"}
SETTINGS = {"n_steps": 16, "batch_size": 32, "n_epochs": 3, "learning_rate": 1e-3, "ent_coef": 0.01, "seed": 3}


def learners(policy, theirs, kwargs, **changes):
    """Return both, with the same weights and the same full buffer."""
    made = []
    for kind, shape in ((PPO, policy), (MaskablePPO, theirs)):
        model = kind(shape, BinPackingVecEnv(ENV, 8), policy_kwargs=kwargs, device="cpu", **{**SETTINGS, **changes})
        model.set_logger(Logger(folder=None, output_formats=[]))
        made.append(model)
    ours, other = made
    other.policy.load_state_dict(ours.policy.state_dict())
    _, callback = ours._setup_learn(10_000)
    assert ours.collect_rollouts(ours.env, callback, ours.rollout_buffer, ours.n_steps)
    for name in ("observations", "actions", "values", "log_probs", "advantages", "returns", "action_masks"):
        kept = getattr(ours.rollout_buffer, name)
        setattr(other.rollout_buffer, name, kept.copy() if name != "observations" else {**kept})
    other.rollout_buffer.full = True
    return made


@pytest.mark.parametrize(
    ("policy", "theirs", "kwargs"),
    [
        (DensePolicy, MaskableMultiInputActorCriticPolicy, DENSE),
        (MaskableMultiInputActorCriticPolicy, MaskableMultiInputActorCriticPolicy, DENSE),
        (CandidatePolicy, CandidatePolicy, CANDIDATE),
    ],
)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"normalize_advantage": False, "clip_range": 0.02, "vf_coef": 2.0},
        {"max_grad_norm": 0.01},
        {"max_grad_norm": 1e6, "batch_size": 128},
        {"target_kl": 0.0001, "learning_rate": 1e-2},
    ],
)
def test_weights_and_log_after_an_update_are_those_of_sb3(policy, theirs, kwargs, changes):
    models = learners(policy, theirs, kwargs, **changes)
    for model in models:
        np.random.seed(7)  # noqa: NPY002 - both draw their minibatches from it
        model.train()
    ours, other = models
    mine, wanted = ours.policy.state_dict(), other.policy.state_dict()
    assert mine.keys() == wanted.keys()
    for name, weights in mine.items():
        torch.testing.assert_close(weights, wanted[name], atol=2e-6, rtol=1e-4, msg=name)
    said, expected = ours.logger.name_to_value, other.logger.name_to_value
    assert said.keys() == expected.keys()
    for name, value in expected.items():
        assert said[name] == pytest.approx(value, rel=2e-3, abs=2e-6), name
    assert ours._n_updates == other._n_updates
    assert policy is CandidatePolicy or (ours._n_updates < 3) == ("target_kl" in changes)


def test_several_updates_in_a_row_go_the_same_way():
    scores = []
    for kind, policy in ((PPO, DensePolicy), (MaskablePPO, MaskableMultiInputActorCriticPolicy)):
        model = kind(policy, BinPackingVecEnv(ENV, 8), policy_kwargs=DENSE, device="cpu", **SETTINGS)
        model.set_logger(Logger(folder=None, output_formats=[]))
        # the two draw actions in different ways; only without chance do they take the same ones
        inner = model.policy.forward
        model.policy.forward = lambda obs, deterministic=False, action_masks=None, inner=inner: inner(
            obs, deterministic=True, action_masks=action_masks
        )
        model.learn(4 * 128)
        scores.append([weights.norm().item() for weights in model.policy.parameters()])
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


@given(st.integers(2, 300), st.integers(2, 64))
def test_minibatches_are_of_their_size_and_never_a_single_one(count, batch_size):
    sizes = minibatch_sizes(count, batch_size)
    assert sum(sizes) == count and min(sizes) > 1
    assert all(size == batch_size for size in sizes[:-1]) and sizes[-1] <= batch_size + 1
    if count % batch_size != 1:
        assert len(sizes) == -(-count // batch_size)


def test_transitions_are_a_buffers_one_environment_after_another():
    ours, _ = learners(DensePolicy, MaskableMultiInputActorCriticPolicy, DENSE)
    buffer = copy.deepcopy(ours.rollout_buffer)
    rollout = Transitions.of(ours.rollout_buffer)
    again = Transitions.of(ours.rollout_buffer)  # it is in that order already
    assert all(torch.equal(again.observations[name], seen) for name, seen in rollout.observations.items())
    assert len(rollout) == 128 and rollout.masks.dtype == torch.bool and rollout.actions.dtype == torch.int64
    step, env = 5, 3
    some = rollout[torch.tensor([env * 16 + step])]
    assert some.actions.item() == buffer.actions[step, env].item()
    assert some.advantages.item() == buffer.advantages[step, env]
    assert some.returns.item() == buffer.returns[step, env] and some.log_probs.item() == buffer.log_probs[step, env]
    assert np.array_equal(some.masks[0], buffer.action_masks[step, env])
    for name, seen in some.observations.items():
        assert np.array_equal(seen[0], buffer.observations[name][step, env])


def test_a_gradient_keeps_each_parameters_layout_and_is_clipped_as_torch_does():
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.Flatten(), torch.nn.Linear(4, 2))
    layers.to(memory_format=torch.channels_last)
    seen = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    (layers(seen) ** 2).sum().backward()
    wanted = [each.grad.clone() for each in layers.parameters()]
    for longest in (0.1, 1e6):
        for each, grad in zip(layers.parameters(), wanted, strict=True):
            each.grad = grad.clone()
        torch.nn.utils.clip_grad_norm_(layers.parameters(), longest)
        clipped = [each.grad for each in layers.parameters()]
        gradient = Gradient(layers.parameters())
        for _ in range(2):
            gradient.clear()
            (layers(seen) ** 2).sum().backward()
        gradient.clip(longest)
        for each, expected in zip(layers.parameters(), clipped, strict=True):
            assert each.grad.stride() == each.stride()
            torch.testing.assert_close(each.grad, expected)
