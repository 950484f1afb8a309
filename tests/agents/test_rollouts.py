"""The shared baseline: what it is, that it adds no bias, and that training uses it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.rollouts import SharedStreamsBuffer, shared_baseline
from binpack.agents.training import train
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

ENV = EnvConfig(bin_size=(5, 5, 5), items="random:2-3")


def plainly(advantages, starts, replicas):
    """The same baseline, one entry after another."""
    steps, envs = advantages.shape
    at = {}
    for env in range(envs):
        episode = since = -1
        for step in range(steps):
            episode, since = (episode + 1, 0) if starts[step, env] else (episode, since + 1)
            at[step, env] = episode, since
    found = np.zeros((steps, envs))
    for (step, env), place in at.items():
        others = [
            advantages[other]
            for other, where in at.items()
            if where == place and other[1] != env and other[1] // replicas == env // replicas
        ]
        found[step, env] = np.mean(others) if others else 0
    return found


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(1, 4), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_it_is_the_others_mean_at_the_same_item(steps, groups, replicas, ending, seed):
    rng = np.random.default_rng(seed)
    advantages = rng.normal(size=(steps, groups * replicas))
    starts = rng.random(advantages.shape) < ending
    starts[0] = True
    found = shared_baseline(advantages, starts, replicas)
    np.testing.assert_allclose(found, plainly(advantages, starts, replicas), atol=1e-12)
    assert shared_baseline(advantages.astype(np.float32), starts, replicas).dtype == np.float32


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_an_entry_does_not_enter_its_own_baseline(seed):
    rng = np.random.default_rng(seed)
    advantages, starts = rng.normal(size=(6, 4)), rng.random((6, 4)) < 0.3
    starts[0] = True
    before = shared_baseline(advantages, starts, 4)
    step, env = rng.integers(6), rng.integers(4)
    changed = advantages.copy()
    changed[step, env] += 100
    assert shared_baseline(changed, starts, 4)[step, env] == pytest.approx(before[step, env], abs=1e-9)


def test_alone_there_is_no_baseline():
    starts = np.ones((3, 2), bool)
    assert not shared_baseline(np.ones((3, 2)), starts, 1).any()


def test_the_buffer_subtracts_it_and_leaves_the_returns():
    kwargs = {"buffer_size": 3, "observation_space": ENV.observation_space(), "action_space": ENV.action_space()}
    buffers = []
    for replicas in (1, 2):
        buffer = SharedStreamsBuffer(**kwargs, n_envs=4, gae_lambda=0.9, gamma=0.95, replicas=replicas)
        rng = np.random.default_rng(0)
        for step in range(3):
            observation = {name: np.zeros((4, *space.shape)) for name, space in ENV.observation_space().items()}
            value, logs = torch.tensor(rng.normal(size=4)), torch.zeros(4)
            starts, masks = np.full(4, step == 0), np.ones((4, ENV.actions))
            buffer.add(observation, np.zeros((4, 1)), rng.normal(size=4), starts, value, logs, action_masks=masks)
        buffer.compute_returns_and_advantage(torch.zeros(4, 1), np.zeros(4, bool))
        buffers.append(buffer)
    alone, shared = buffers
    assert np.array_equal(alone.returns, shared.returns)
    partner = alone.advantages[:, [1, 0, 3, 2]]
    np.testing.assert_allclose(shared.advantages, alone.advantages - partner, atol=1e-6)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_rollout_with_one_transition_left_over_is_trained_on_without_nan(replicas, tmp_path):
    ppo = PPOConfig(n_steps=16, batch_size=63, n_epochs=2, channels=4, layers=1, replicas=replicas)
    run = TrainConfig(env=ENV, ppo=ppo, total_steps=128, n_envs=4, eval_streams=4, tensorboard=False, device="cpu")
    assert 0 < train(run, tmp_path).score <= 1
    weights = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())


@pytest.mark.parametrize("visible", [1, 2])
def test_a_group_packs_the_same_streams_each_row_at_its_own_pace(visible):
    config = ENV.model_copy(update={"visible": visible})
    env, rng = BinPackingVecEnv(config, 6, seed=3, replicas=3), np.random.default_rng(0)
    begun = [[] for _ in range(6)]
    for _ in range(2):
        seen = env.reset()
        episodes = [[edges] for edges in seen["edges"]]
        for _ in range(60):
            masks = env.action_masks()
            actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])
            seen, _, dones, _ = env.step(actions)
            for row in np.flatnonzero(dones):
                episodes[row].append(seen["edges"][row])
        assert len({len(row) for row in episodes}) > 1
        for row, firsts in enumerate(episodes):
            leader = episodes[row // 3 * 3]
            assert all(np.array_equal(one, other) for one, other in zip(firsts, leader, strict=False))
            begun[row].append(firsts)
        assert any(not np.array_equal(one, other) for one, other in zip(episodes[0], episodes[3], strict=False))
    # the second reset goes on to streams that no row of the group has seen
    assert any(not np.array_equal(*pair) for pair in zip(*begun[0], strict=False))


def test_a_group_in_step_sees_the_same_items_all_the_way():
    env = BinPackingVecEnv(ENV, 4, seed=0, replicas=2)
    seen = env.reset()
    for _ in range(40):
        assert np.array_equal(seen["edges"][0::2], seen["edges"][1::2])
        first = env.action_masks().argmax(axis=1)
        seen, *_ = env.step(first)


def test_training_begins_every_rollout_anew(tmp_path, monkeypatch):
    resets, reset = [], BinPackingVecEnv.reset
    monkeypatch.setattr(BinPackingVecEnv, "reset", lambda env: resets.append(env) or reset(env))
    ppo = PPOConfig(n_steps=16, batch_size=32, n_epochs=1, channels=4, layers=2, replicas=2)
    run = TrainConfig(
        env=ENV, ppo=ppo, total_steps=256, n_envs=4, eval_streams=5, eval_every=128, tensorboard=False, device="cpu"
    )
    result = train(run, tmp_path / "run")
    assert result.steps == 256
    assert len(resets) == 1 + 256 // run.rollout  # the learning algorithm's own, and one a rollout
    assert train(run, tmp_path / "again").history == result.history


@pytest.mark.parametrize("replicas", [3, 5])
def test_environments_that_do_not_divide_into_groups_are_refused(replicas):
    with pytest.raises(ValueError, match=f"n_envs 4 is not a multiple of replicas {replicas}"):
        TrainConfig(n_envs=4, ppo=PPOConfig(replicas=replicas))
    with pytest.raises(ValueError, match=f"n_envs must be a multiple of replicas, got 4 and {replicas}"):
        BinPackingVecEnv(ENV, 4, replicas=replicas)
