"""The robot arm: its geometry and physics against plain Python, and its two faces against each other."""

import math
import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3
from stable_baselines3.common.vec_env import DummyVecEnv

from binpack.course.l05_hyperparameters.arm import (
    EFFORT,
    FARTHEST,
    NEAREST,
    ArmBatch,
    ArmConfig,
    ReachEnv,
    ReachVecEnv,
    picture,
    places,
)
from binpack.files import InputError

THREE = ArmConfig(lengths=(0.5, 0.3, 0.2), steps=7)


def tip_by_hand(angles, lengths):
    """Turn after turn, link after link."""
    x = y = direction = 0.0
    for angle, length in zip(angles, lengths, strict=True):
        direction += angle
        x, y = x + length * math.cos(direction), y + length * math.sin(direction)
    return x, y


def test_places_follow_the_links_one_by_one():
    rng = np.random.default_rng(0)
    angles = rng.uniform(-4, 4, (20, 3))
    found = places(angles, THREE.lengths)
    assert found.shape == (20, 4, 2)
    assert (found[:, 0] == 0).all()
    np.testing.assert_allclose(found[:, -1], [tip_by_hand(row, THREE.lengths) for row in angles])
    np.testing.assert_allclose(found[:, 1], [tip_by_hand(row[:1], THREE.lengths[:1]) for row in angles])


def test_a_step_moves_and_pays_as_the_formula_says():
    config = ArmConfig()
    batch, rng = ArmBatch(config, 3), np.random.default_rng(1)
    for row in range(3):
        batch.restart(row, rng)
    batch.velocities[:] = rng.uniform(-1, 1, (3, 2))
    angles, velocities, actions = batch.angles.copy(), batch.velocities.copy(), rng.uniform(-2, 2, (3, 2))
    rewards, over = batch.step(actions)
    for row in range(3):
        torques = [min(max(action, -1.0), 1.0) for action in actions[row]]
        for joint, torque in enumerate(torques):
            speed = velocities[row, joint]
            speed += config.dt * (config.acceleration * torque - config.friction * speed)
            assert batch.velocities[row, joint] == pytest.approx(speed)
            assert batch.angles[row, joint] == pytest.approx(angles[row, joint] + config.dt * speed)
        distance = math.dist(tip_by_hand(batch.angles[row], config.lengths), batch.targets[row])
        effort = EFFORT * sum(torque**2 for torque in torques) / 2
        assert rewards[row] == pytest.approx(-config.dt * (distance + effort))
    assert not over.any()


def test_a_joint_never_exceeds_its_top_speed():
    batch = ArmBatch(ArmConfig(), 1)
    for _ in range(200):
        batch.step(np.ones((1, 2)))
    assert batch.velocities.max() <= batch.config.top_speed
    assert batch.velocities.max() == pytest.approx(batch.config.top_speed, rel=1e-3)


def test_targets_are_in_reach_and_spread_over_the_area():
    batch, rng = ArmBatch(ArmConfig(), 4000), np.random.default_rng(2)
    for row in range(4000):
        batch.restart(row, rng)
    away = np.hypot(*batch.targets.T)
    assert away.min() >= NEAREST and away.max() <= FARTHEST
    half = math.sqrt((NEAREST**2 + FARTHEST**2) / 2)  # divides the ring into two of one area
    assert np.mean(away < half) == pytest.approx(0.5, abs=0.03)


def test_the_observation_says_what_it_promises():
    batch = ArmBatch(ArmConfig(unit=1000.0), 1)
    batch.restart(0, np.random.default_rng(3))
    batch.velocities[:] = [[1.0, -1.0]]
    seen = batch.observation()[0]
    angles, target = batch.angles[0], batch.targets[0]
    way = target - tip_by_hand(angles, batch.config.lengths)
    wanted = [*np.cos(angles), *np.sin(angles), 0.5, -0.5, *(1000 * target), *(1000 * way)]
    np.testing.assert_allclose(seen, wanted, rtol=1e-5)
    assert seen.dtype == np.float32


@pytest.mark.parametrize("config", [ArmConfig(), THREE, ArmConfig(unit=1000.0)])
def test_gymnasium_and_stable_baselines3_accept_the_environment(config):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # it is not registered, so it has no spec
        warnings.filterwarnings("ignore", message=".*spec.*")
        check_env(ReachEnv(config, render_mode="rgb_array"))
        if config.unit == 1:  # its checker wants observations that look normalised
            check_env_of_sb3(ReachEnv(config))


def test_observations_stay_in_their_space():
    env, rng = ReachEnv(THREE), np.random.default_rng(4)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        assert env.observation_space.contains(observation)
        for _ in range(THREE.steps):
            observation, *_ = env.step(rng.choice([-1.0, 1.0], 3))
            assert env.observation_space.contains(observation)


@pytest.mark.parametrize("config", [ArmConfig(steps=6), THREE])
def test_a_row_plays_what_the_single_environment_plays(config):
    rng = np.random.default_rng(5)
    batch = ReachVecEnv(config, 3, seed=20)
    singles = DummyVecEnv([lambda: ReachEnv(config)] * 3)
    singles.seed(20)
    np.testing.assert_array_equal(batch.reset(), singles.reset())
    for _ in range(3 * config.steps + 1):
        actions = rng.uniform(-1, 1, (3, config.joints)).astype(np.float32)
        mine, theirs = batch.step(actions), singles.step(actions)
        np.testing.assert_array_equal(mine[0], theirs[0])
        np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-6)
        np.testing.assert_array_equal(mine[2], theirs[2])
        for one, other in zip(mine[3], theirs[3], strict=True):
            assert one["distance"] == other["distance"]
            assert one.get("TimeLimit.truncated", False) == other["TimeLimit.truncated"]
            if "terminal_observation" in other:
                np.testing.assert_array_equal(one["terminal_observation"], other["terminal_observation"])


def test_an_episode_is_truncated_after_its_steps():
    env = ReachEnv(THREE)
    env.reset(seed=0)
    ends = [env.step(np.zeros(3))[2:4] for _ in range(THREE.steps)]
    assert ends == [(False, False)] * (THREE.steps - 1) + [(False, True)]


def test_rows_share_attributes_and_have_no_methods():
    env = ReachVecEnv(n_envs=2)
    assert env.get_attr("config") == [ArmConfig()] * 2
    assert env.env_is_wrapped(object) == [False, False]
    with pytest.raises(AttributeError, match="cannot set 'config'"):
        env.set_attr("config", None)
    with pytest.raises(AttributeError, match="no method 'jump'"):
        env.env_method("jump")


def test_a_picture_shows_arm_and_target():
    drawn = picture(places(np.array([0.0, 0.0]), (0.5, 0.5)), np.array([-0.5, 0.0]), 1.0)
    assert drawn.shape == (240, 240, 3) and drawn.dtype == np.uint8
    red, blue = drawn[120, 65], drawn[120, 147]
    assert red[0] > 200 > red[2] and blue[2] > 150 > blue[0]
    assert ReachEnv().render() is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lengths": ()}, "an arm needs a link and positive numbers"),
        ({"dt": 0.0}, "an arm needs a link and positive numbers"),
        ({"friction": 11.0}, "would turn a joint round within a step"),
    ],
)
def test_an_impossible_arm_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        ArmConfig(**settings)


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(InputError, match="render_mode 'human' is not one of rgb_array"):
        ReachEnv(render_mode="human")
