"""The environments: legal actions exactly, identical trajectories single and batched, and both checkers' approval."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import placement_oracle
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from binpack.core import geometry
from binpack.core.placement import ORIENTATIONS
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.single import BinPackingEnv
from binpack.items.streams import Streams
from binpack.items.units import InstanceError

RULES = ["full", "fraction:0.7", "corners", "polygon", "none"]


@st.composite
def configs(draw):
    return EnvConfig(
        bin_size=tuple(draw(st.integers(5, 9)) for _ in range(3)),
        items=draw(st.sampled_from(["random", "random:1-3", "split"])),
        visible=draw(st.integers(1, 3)),
        rotation=draw(st.sampled_from(["none", "z", "all"])),
        support=draw(st.sampled_from(RULES)),
        reward=draw(st.sampled_from(["volume", "terminal", "density"])),
    )


def play(env: BinPackingEnv, seed: int):
    """Play an episode with random legal actions, yielding everything that a step shows."""
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    yield observation, 0.0, False, info, env.action_masks(), None
    done = False
    while not done:
        action = int(rng.choice(np.flatnonzero(env.action_masks())))
        observation, reward, done, _, info = env.step(action)
        yield observation, reward, done, info, env.action_masks(), action


@settings(max_examples=40, deadline=None)
@given(configs(), st.integers(0, 10_000))
def test_every_episode_is_a_verified_packing_and_its_return_is_what_the_reward_says(config, seed):
    steps = list(play(BinPackingEnv(config), seed))
    info = steps[-1][3]
    boxes = info["placements"]
    assert geometry.verify(boxes, config.bin_size, config.support) == []
    assert info["packed"] == len(boxes) == len(steps) - 1
    volume = boxes[:, 3:].prod(axis=1).sum()
    assert info["utilization"] == pytest.approx(volume / config.volume)
    extent = (boxes[:, :3] + boxes[:, 3:]).max(axis=0) - boxes[:, :3].min(axis=0)
    expected = volume / extent.prod() if config.reward == "density" else info["utilization"]
    assert sum(step[1] for step in steps) == pytest.approx(expected)
    if config.reward == "terminal":
        assert all(step[1] == 0 for step in steps[:-1])


@settings(max_examples=25, deadline=None)
@given(configs(), st.integers(0, 10_000))
def test_masks_are_exactly_the_legal_actions(config, seed):
    env = BinPackingEnv(config)
    orientations, (length, width, height) = config.orientations, config.bin_size
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    batch, done = env._batch, False
    for _ in range(4):
        expected = np.zeros(config.actions, bool)
        for action in range(config.actions):
            candidate, cell = divmod(action, length * width)
            item, orientation = divmod(candidate, orientations)
            position = batch.visible[0, item]
            if position < 0:
                continue
            edges = batch._items[0, position][list(ORIENTATIONS[orientation])]
            if cell == 0:
                legal = placement_oracle(batch.heights[0], edges, height, config.support)[3]
            expected[action] = legal[divmod(cell, width)]
        assert (env.action_masks() == (expected & (not done))).all()
        assert done == (not expected.any())
        if done:
            break
        done = env.step(int(rng.choice(np.flatnonzero(expected))))[2]


@pytest.mark.parametrize("rotation", ["none", "all"])
def test_both_checkers_approve(rotation):
    env = gym.make("BinPacking-v0", bin_size=(6, 5, 7), visible=2, rotation=rotation).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hints on style: a 2D box is neither an image nor a vector
        gymnasium_check_env(env, skip_render_check=True)
        sb3_check_env(env)


def test_observations_lie_in_their_space():
    env = BinPackingEnv(bin_size=(4, 6, 5), items="random:1-4", visible=2, rotation="all")
    for observation, *_ in play(env, 3):
        assert env.observation_space.contains(observation)


def test_an_illegal_action_places_nothing_and_ends_the_episode():
    env = BinPackingEnv()
    env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(99)
    assert (reward, terminated, truncated, info["illegal_action"], info["packed"]) == (0.0, True, False, True, 0)
    assert observation["heights"].max() == 0
    assert not env.action_masks().any()


def test_items_of_your_own_and_forbidden_orientations():
    env = BinPackingEnv(bin_size=(4, 4, 4), items="random:1-4", rotation="all")
    env.reset(seed=0, options={"items": [[2, 2, 2]] * 8})
    for _ in range(8):
        *_, info = env.step(int(np.flatnonzero(env.action_masks())[0]))
    assert info["utilization"] == 1.0
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4), rotation="all"), 1)
    upright = np.array([[[False, False, True]]])
    batch.load(Streams(np.array([[[1, 2, 3]]], np.int32), np.array([1]), upright))
    allowed = [order[2] == 2 for order in ORIENTATIONS]
    assert (batch.masks().reshape(6, -1).any(axis=1) == allowed).all()


def test_no_item_that_fits_is_an_error_and_not_an_empty_mask():
    with pytest.raises(InstanceError, match="none of the visible items fits the empty bin"):
        BinPackingEnv(bin_size=(4, 4, 4), items="random:1-4").reset(options={"items": [[5, 1, 1]]})


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"bin_size": (0, 4, 4)}, "bin edges must be between 1 and 1000 cells, got 0x4x4"),
        ({"rotation": "flip"}, "'none', 'z' or 'all'"),
        ({"visible": 0}, "greater than or equal to 1"),
        (
            {"support": "glue"},
            "support rule 'glue' is not one of full, fraction, corners, polygon, none, nor module:name of your own",
        ),
        ({"reward": "money"}, "reward 'money' is not one of volume, terminal, density, nor module:name of your own"),
        ({"colour": 1}, "colour"),
        ({"render_mode": "human"}, "render_mode 'human' is not one of plotly, rgb_array"),
    ],
)
def test_bad_settings_are_named(settings_, message):
    with pytest.raises(ValueError) as caught:
        BinPackingEnv(**settings_)
    assert message in str(caught.value)


def test_an_action_outside_the_space_is_an_error():
    env = BinPackingEnv()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action 100 is not in 0..99"):
        env.step(100)


def test_nothing_touches_the_global_generator():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - this is the generator that nobody may touch
    for _ in play(BinPackingEnv(items="cut_2"), 0):
        pass
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_pictures(tmp_path):
    for mode in ("rgb_array", "plotly"):
        env = BinPackingEnv(render_mode=mode)
        for _ in play(env, 0):
            pass
        picture = env.render()
        assert picture.dtype == np.uint8 if mode == "rgb_array" else picture.data
    path = env.save_gif(tmp_path / "episode.gif")
    assert path.read_bytes()[:6] == b"GIF89a"


def test_an_illegal_action_earns_nothing_for_any_reward():
    for reward in ("volume", "terminal", "density"):
        env = BinPackingEnv(bin_size=(4, 4, 4), items="random:1-2", reward=reward)
        env.reset(seed=0)
        earned = env.step(int(np.flatnonzero(env.action_masks())[0]))[1]
        _, reward_of_illegal, terminated, *_ = env.step(int(np.flatnonzero(~env.action_masks())[0]))
        assert terminated and reward_of_illegal == 0
        assert (earned > 0) == (reward != "terminal")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"item": [[2, 2, 2]]}, "reset option 'item' is not known"),
        ({"items": [[2, 2, 2.9]]}, r"items must be integers of shape \(T, 3\), got float64"),
        ({"items": [[2, 2]]}, r"got int64 of shape \(1, 2\)"),
    ],
)
def test_reset_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        BinPackingEnv().reset(seed=0, options=options)
    with pytest.raises(ValueError, match=r"action 0\.7 is not in"):
        env = BinPackingEnv()
        env.reset(seed=0)
        env.step(0.7)
