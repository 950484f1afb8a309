"""The native batch environment: row for row what the single environment plays, as Stable-Baselines3 wants it."""

from __future__ import annotations

import multiprocessing

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.vec_env import SubprocVecEnv, VecMonitor

from binpack.env import BinPackingEnv, BinPackingVecEnv, EnvConfig


@pytest.mark.parametrize("rotation", ["none", "z", "all"])
@pytest.mark.parametrize("items", ["random", "cut_2"])
@pytest.mark.parametrize("reward", ["volume", "density"])
def test_single_and_batched_trajectories_are_identical(rotation, items, reward):
    config = EnvConfig(bin_size=(8, 7, 9), items=items, visible=2, rotation=rotation, reward=reward)
    n, seed, rng = 3, 11, np.random.default_rng(5)
    batched = BinPackingVecEnv(config, n, seed)
    singles = [BinPackingEnv(config) for _ in range(n)]
    together = batched.reset()
    for row, single in enumerate(singles):
        observation, _ = single.reset(seed=seed + row)
        assert all((together[name][row] == observation[name]).all() for name in observation)
    episodes = 0
    for _ in range(60):
        masks = batched.action_masks()
        actions = [int(rng.choice(np.flatnonzero(mask))) for mask in masks]
        together, rewards, dones, infos = batched.step(np.array(actions))
        for row, single in enumerate(singles):
            observation, reward_alone, done, _, info = single.step(actions[row])
            assert rewards[row] == np.float32(reward_alone)
            assert dones[row] == done
            assert infos[row]["utilization"] == info["utilization"]
            if done:
                episodes += 1
                last = infos[row]["terminal_observation"]
                assert all((last[name] == observation[name]).all() for name in observation)
                assert (infos[row]["placements"] == info["placements"]).all()
                observation, _ = single.reset()
            assert all((together[name][row] == observation[name]).all() for name in observation)
            assert (batched.action_masks()[row] == single.action_masks()).all()
    assert episodes > n


def test_the_batch_knows_masks_as_sb3_contrib_asks_for_them():
    env = VecMonitor(BinPackingVecEnv(EnvConfig(), 4, seed=0))
    env.reset()
    assert is_masking_supported(env)
    assert get_action_masks(env).shape == (4, 100)
    with pytest.raises(AttributeError, match="no method 'close_lid'"):
        env.env_method("close_lid")


def test_observations_are_copies():
    env = BinPackingVecEnv(EnvConfig(), 2, seed=0)
    first = env.reset()
    kept = {name: value.copy() for name, value in first.items()}
    masks = env.action_masks()
    masks_kept = masks.copy()
    env.step(np.array([np.flatnonzero(mask)[0] for mask in masks]))
    assert all((first[name] == kept[name]).all() for name in first)
    assert (masks == masks_kept).all()
    first["heights"][:] = 9
    assert env._batch.heights.max() < 9


def _make() -> gym.Env:
    return gym.make("binpack:BinPacking-v0", bin_size=(5, 5, 5), visible=2)


def test_workers_that_were_spawned_know_the_environment():
    assert "spawn" in multiprocessing.get_all_start_methods()
    env = SubprocVecEnv([_make, _make], start_method="spawn")
    try:
        assert env.reset()["heights"].shape == (2, 5, 5)
        assert get_action_masks(env).shape == (2, 50)
    finally:
        env.close()


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, -1], r"actions must be in 0\.\.99, got -1 to 0"),
        ([0, 100], r"actions must be in 0\.\.99, got 0 to 100"),
        ([0.5, 0.5], "actions must be 2 integers, got float64"),
        ([0], r"actions must be 2 integers, got int64 of shape \(1,\)"),
    ],
)
def test_the_batch_refuses_actions_outside_the_space(actions, message):
    env = BinPackingVecEnv(EnvConfig(), 2, seed=0)
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(np.array(actions))
