"""The probe environments of lesson 02: what they pay, what is known about them, and which defect each of them finds."""

import itertools
import math
import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from binpack.course.exercises import global_randomness_untouched
from binpack.course.l02_deep_q_network import bug_hunt, probes
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import Agent, Run
from binpack.course.l02_deep_q_network.probes import CASES, CONFIG, CutIsEnd, Probe, Reading, advice, probe_all, read

KNOWN = {
    "constant": [[1.0]],
    "see": [[-1.0], [1.0]],
    "act": [[-1.0, 1.0]],
    "discount": [[0.5], [1.0]],
    "patience": [[0.4, 0.5], [1.0, 0.0]],
    "cut off": [[2.0]],
}
"""By hand, with a discount of 0.5."""


def rollout(env, actions, seed=None):
    """Rewards, ends and observations of one episode with given actions."""
    observation, _ = env.reset(seed=seed)
    steps = []
    for action in actions:
        after, reward, terminated, truncated, _ = env.step(action)
        steps.append((observation.item(), reward, terminated, truncated))
        observation = after
        if terminated or truncated:
            break
    return steps


# -------------------------------------------------------------------------------------------------- environments


@pytest.mark.parametrize("name", CASES)
def test_every_probe_is_a_proper_environment(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(CASES[name].make(), skip_render_check=True)


@pytest.mark.parametrize("name", CASES)
def test_a_probe_is_made_anew_each_time(name):
    assert CASES[name].make() is not CASES[name].make()


def test_constant_pays_1_and_ends():
    assert rollout(CASES["constant"].make(), [0, 0]) == [(0.0, 1.0, True, False)]


def test_see_pays_what_the_state_shows():
    env = CASES["see"].make()
    seen = {rollout(env, [0], seed)[0] for seed in range(20)}
    assert seen == {(-1.0, -1.0, True, False), (1.0, 1.0, True, False)}


def test_act_pays_for_the_right_action():
    env = CASES["act"].make()
    assert [rollout(env, [action]) for action in (0, 1)] == [[(0.0, -1.0, True, False)], [(0.0, 1.0, True, False)]]


def test_discount_pays_a_step_later():
    assert rollout(CASES["discount"].make(), [0] * 3) == [(-1.0, 0.0, False, False), (1.0, 1.0, True, False)]


def test_patience_pays_less_at_once_than_a_step_later():
    env = CASES["patience"].make()
    assert rollout(env, [0]) == [(-1.0, 0.4, True, False)]
    assert rollout(env, [1, 0]) == [(-1.0, 0.0, False, False), (1.0, 1.0, True, False)]
    assert rollout(env, [1, 1]) == [(-1.0, 0.0, False, False), (1.0, 0.0, True, False)]


def test_cut_off_pays_for_four_steps_and_never_terminates():
    steps = rollout(CASES["cut off"].make(), [0] * 9)
    assert steps == [(0.0, 1.0, False, False)] * 3 + [(0.0, 1.0, False, True)]


def test_cut_off_counts_anew_in_each_episode():
    env = CASES["cut off"].make()
    assert [len(rollout(env, [0] * 9)) for _ in range(3)] == [4, 4, 4]


@pytest.mark.parametrize("name", [name for name in CASES if name != "cut off"])
def test_a_step_after_the_end_is_refused(name):
    env = CASES[name].make()
    rollout(env, [0] * 5)
    with pytest.raises(gym.error.ResetNeeded, match="the episode has terminated: call reset"):
        env.step(0)
    env.reset()
    env.step(0)


@settings(max_examples=50, deadline=None)
@given(states=st.integers(1, 9))
def test_an_observation_tells_states_apart_and_lies_in_the_space(states):
    probe = Probe(np.zeros((states, 2)), np.full((states, 2), -1))
    seen = [probe.observation(state) for state in range(states)]
    np.testing.assert_allclose(np.concatenate(seen), np.linspace(-1, 1, states) if states > 1 else [0.0], atol=1e-6)
    assert len({each.item() for each in seen}) == states
    assert all(probe.observation_space.contains(each) for each in (*seen, probe.observation(-1)))
    assert probe.observation(-1) == 0.0
    assert probe.action_space.n == 2


def test_starts_are_equally_likely_and_follow_the_seed():
    env = CASES["see"].make()

    def starts(seed):
        return [env.reset(seed=seed)[0].item(), *(env.reset()[0].item() for _ in range(999))]

    first = starts(0)
    assert abs(first.count(1.0) - 500) <= 5 * math.sqrt(250)  # five standard deviations
    assert starts(0) == first != starts(1)


def test_rewards_can_be_noisy():
    quiet, noisy = Probe([[2.0]], [[0]]), Probe([[2.0]], [[0]], noise=0.5)

    def rewards(env, seed, n=4000):
        env.reset(seed=seed)
        return np.array([env.step(0)[1] for _ in range(n)])

    assert set(rewards(quiet, 0)) == {2.0}
    drawn = rewards(noisy, 0)
    assert abs(drawn.mean() - 2.0) <= 5 * 0.5 / math.sqrt(4000)
    assert abs(drawn.std() - 0.5) <= 0.05
    np.testing.assert_array_equal(drawn, rewards(noisy, 0))
    assert (drawn != rewards(noisy, 1)).any()


def test_a_wrapped_time_limit_looks_like_a_final_state():
    assert rollout(CutIsEnd(CASES["cut off"].make()), [0] * 9) == [(0.0, 1.0, False, False)] * 3 + [
        (0.0, 1.0, True, False)
    ]
    for name in ("discount", "patience"):
        assert rollout(CutIsEnd(CASES[name].make()), [0, 0]) == rollout(CASES[name].make(), [0, 0])


# -------------------------------------------------------------------------------------------------- known values


@pytest.mark.parametrize("name", CASES)
def test_the_known_values_are_those_worked_out_by_hand(name):
    np.testing.assert_allclose(CASES[name].make().values(0.5), KNOWN[name], atol=1e-9)


def test_without_discount_for_the_future_only_rewards_are_left():
    for case in CASES.values():
        np.testing.assert_array_equal(case.make().values(0.0), case.make().rewards)


def best_by_trying(probe, gamma):
    """Q-values by trying every policy: the value of a fixed one solves a linear system."""
    states, actions = probe.rewards.shape
    best = np.full(states, -np.inf)
    for policy in itertools.product(range(actions), repeat=states):
        chosen, move = np.arange(states), np.zeros((states, states + 1))
        move[chosen, probe.following[chosen, policy]] = 1.0  # the last column, index -1, is the end
        best = np.maximum(best, np.linalg.solve(np.eye(states) - gamma * move[:, :-1], probe.rewards[chosen, policy]))
    return probe.rewards + gamma * np.append(best, 0.0)[probe.following]


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(), states=st.integers(1, 3), actions=st.integers(1, 3), gamma=st.sampled_from([0.0, 0.5, 0.9, 0.99])
)
def test_values_are_those_of_the_best_policy(data, states, actions, gamma):
    def tables(entries):
        return st.lists(st.lists(entries, min_size=actions, max_size=actions), min_size=states, max_size=states)

    rewards, following = data.draw(tables(st.integers(-3, 3))), data.draw(tables(st.integers(-1, states - 1)))
    probe = Probe(rewards, following, limit=data.draw(st.sampled_from([None, 2])))
    np.testing.assert_allclose(probe.values(gamma), best_by_trying(probe, gamma), atol=1e-6)


@pytest.mark.parametrize("gamma", [-0.1, 1.0, math.nan])
def test_values_need_a_discount_below_one(gamma):
    with pytest.raises(ValueError, match=rf"gamma must lie in \[0, 1\), got {gamma}"):
        CASES["cut off"].make().values(gamma)


# ------------------------------------------------------------------------------------------------------- readings


def test_a_reading_is_right_within_its_tolerance():
    known = np.array([[1.0, -1.0]])
    near, far = (Reading(known, known + np.array([[0.0, error]])) for error in (-0.09, 0.11))
    assert near.error == pytest.approx(0.09)
    assert near.right
    assert far.error == pytest.approx(0.11)
    assert not far.right


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reading_that_is_no_number_is_infinitely_wrong(value):
    reading = Reading(np.array([[1.0, 2.0]]), np.array([[1.0, value]]))
    assert reading.error == math.inf
    assert not reading.right


def linear(slopes, biases):
    network = nn.Linear(1, len(biases))
    with torch.no_grad():
        network.weight.copy_(torch.tensor(slopes)[:, None])
        network.bias.copy_(torch.tensor(biases))
    return network


def test_a_reading_asks_the_online_network_about_every_state():
    right, wrong = linear([0.3, -0.25], [0.7, 0.25]), linear([9.0, 9.0], [9.0, 9.0])
    reading = read(CASES["patience"].make(), Run(Agent(right, wrong, None)))
    np.testing.assert_allclose(reading.learned, [[0.4, 0.5], [1.0, 0.0]], atol=1e-6)
    np.testing.assert_allclose(reading.known, KNOWN["patience"], atol=1e-9)
    assert reading.right
    assert reading.learned.dtype == np.float64


def test_a_reading_knows_its_discount():
    reading = read(CASES["discount"].make(), Run(Agent(linear([0.0], [1.0]), None, None)), 0.9)
    np.testing.assert_allclose(reading.known, [[0.9], [1.0]])
    assert reading.error == pytest.approx(0.1)


def test_the_first_probe_that_fails_says_what_to_look_at():
    readings = {name: Reading(np.array(known), np.array(known)) for name, known in KNOWN.items()}
    assert advice(readings) == "all are learned"
    readings["cut off"] = Reading(np.array([[2.0 - 1e-9]]), np.array([[1.0]]))
    assert advice(readings) == "the first to fail is cut off: look at add: store terminated"
    readings["act"] = Reading(np.array(KNOWN["act"]), np.array([[1.0, 1.0]]))
    assert advice(readings) == "the first to fail is act: look at td_loss (which action), epsilon"


def test_all_probes_are_trained_alike():
    calls, wrapped = [], []

    def train(env, config, parts, seed):
        calls.append((type(env), config, parts, seed))
        return Run(Agent(linear([0.0] * env.action_space.n, [0.0] * env.action_space.n), None, None))

    def wrap(env):
        wrapped.append(env)
        return CutIsEnd(env)

    config = CONFIG.replace(gamma=0.25)
    assert list(probe_all(train, lesson.REFERENCE)) == list(CASES)
    assert calls == [(Probe, CONFIG, lesson.REFERENCE, 0)] * len(CASES)
    calls.clear()
    readings = probe_all(train, lesson.REFERENCE, wrap, config, seed=3)
    assert calls == [(CutIsEnd, config, lesson.REFERENCE, 3)] * len(CASES)
    assert len(set(map(id, wrapped))) == len(CASES)
    np.testing.assert_allclose(readings["discount"].known, [[0.25], [1.0]])


# ------------------------------------------------------------------------------------------- right and broken parts


def test_the_reference_learns_every_probe_and_leaves_global_generators_alone():
    state = torch.get_rng_state()
    with global_randomness_untouched():
        readings = probe_all(lesson.train, lesson.REFERENCE)
    assert torch.equal(torch.get_rng_state(), state)
    assert advice(readings) == "all are learned" and len(readings) == len(CASES)
    for name, reading in readings.items():
        np.testing.assert_allclose(reading.learned, KNOWN[name], atol=probes.TOLERANCE, err_msg=name)


def targets(best):
    """Targets whose future is given by a function of the batch and the target network's next values."""

    def td_targets(batch, agent, gamma):
        with torch.no_grad():
            return batch.rewards + gamma * best(batch, agent.target(batch.next_observations))

    return {"td_targets": td_targets}


def loss(chosen):
    """A loss that takes other Q-values than those of the actions that were taken."""

    def td_loss(network, batch, wanted):
        return nn.functional.smooth_l1_loss(chosen(network(batch.observations), batch), wanted)

    return {"td_loss": td_loss}


def goes_on(batch):
    return ~batch.terminated


def blind(replay, observation, *rest):
    lesson.add(replay, np.zeros_like(observation), *rest)


def keeps_what_comes_after(replay, observation, action, reward, after, terminated):
    lesson.add(replay, after, action, reward, after, terminated)


def never_negative(n_inputs, n_actions):
    return nn.Sequential(lesson.make_network(n_inputs, n_actions), nn.ReLU())


def does_not_learn(agent, loss, config):
    agent.updates += 1


FORGETS_THE_END = targets(lambda b, after: after.max(dim=1).values)
NEVER_LOOKS_AHEAD = targets(lambda b, after: 0.0 * after[:, 0])
BROKEN = {
    "forgets the end": ("constant", FORGETS_THE_END, "td_loss, update, and targets at an end"),
    "does not learn": ("constant", {"update": does_not_learn}, "td_loss, update"),
    "stores no observation": ("see", {"add": blind}, "add, network"),
    "stores the observation after the action": ("see", {"add": keeps_what_comes_after}, "add, network"),
    "no Q-value is negative": ("see", {"make_network": never_negative}, "add, network"),
    "loss of the largest": ("act", loss(lambda q, b: q.max(dim=1).values), "td_loss (which action)"),
    "loss of another action": ("act", loss(lambda q, b: q.flip(1).gather(1, b.actions[:, None])[:, 0]), "td_loss"),
    "never explores": ("act", {"epsilon": bug_hunt.exploration_rate}, "epsilon"),
    "never looks ahead": ("discount", NEVER_LOOKS_AHEAD, "td_targets"),
    "does not discount": ("discount", targets(lambda b, after: 2 * after.max(dim=1).values * goes_on(b)), "td_targets"),
    "never copies the target network": ("discount", {"update": bug_hunt.learn}, "target copies"),
    "takes the mean": ("patience", targets(lambda b, after: after.mean(dim=1) * goes_on(b)), "the maximum"),
    "takes the action that was taken": (
        "patience",
        targets(lambda b, after: after.gather(1, b.actions[:, None])[:, 0] * goes_on(b)),
        "the maximum in td_targets",
    ),
}


def outcome(name, **changes):
    return read(CASES[name].make(), lesson.train(CASES[name].make(), CONFIG, lesson.REFERENCE.replace(**changes), 0))


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_part_fails_the_probe_that_is_meant_for_it(broken):
    name, changes, message = BROKEN[broken]
    reading = outcome(name, **changes)
    assert reading.error > 2 * probes.TOLERANCE, "by far, so that every machine agrees"
    assert message in advice({name: reading})


def test_a_simpler_probe_does_not_see_what_a_harder_one_is_for():
    assert outcome("act", **NEVER_LOOKS_AHEAD).right


def test_only_the_last_probe_sees_a_time_limit_that_is_stored_as_an_end():
    readings = {
        name: read(CASES[name].make(), lesson.train(CutIsEnd(CASES[name].make()), CONFIG, lesson.REFERENCE, 0))
        for name in ("patience", "cut off")
    }
    assert readings["patience"].right
    assert readings["cut off"].error > 0.1
    assert "cut off: look at add: store terminated" in advice(readings)
    # the others know no time limit, so the wrapper changes nothing there
    assert {name for name, case in CASES.items() if case.make().limit is not None} == {"cut off"}


# ---------------------------------------------------------------------------------------------------- random steps


def test_random_steps_follow_each_other():
    steps = probes.random_steps(CASES["cut off"].make(), 9, seed=1)
    assert len(steps) == 9
    assert not any(step.terminated for step in steps), "a time limit is no end"
    probe = CASES["discount"].make()
    steps = probes.random_steps(probe, 6, seed=0)
    assert [step.observation.item() for step in steps] == [-1.0, 1.0] * 3, "an episode has two steps, then the next"
    assert [step.reward for step in steps] == [0.0, 1.0] * 3
    assert [step.terminated for step in steps] == [False, True] * 3


def test_random_steps_depend_on_their_seed_alone():
    def actions(seed):
        return [step.action for step in probes.random_steps(CASES["act"].make(), 50, seed)]

    with global_randomness_untouched():
        first = actions(3)
    assert first == actions(3) != actions(4)
    assert set(first) == {0, 1}


def test_q_values_have_a_row_for_each_state():
    network = nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0], [2.0]]))
        network.bias.zero_()
    assert probes.q_values(CASES["patience"].make(), network).tolist() == [[-1.0, -2.0], [1.0, 2.0]]
