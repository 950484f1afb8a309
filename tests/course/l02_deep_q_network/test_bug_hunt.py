"""The bug hunt of lesson 02: each defect is there, its mended form is without it, and measuring tells them apart."""

import copy

import gymnasium as gym
import numpy as np
import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from torch import nn

from binpack.course.exercises import global_randomness_untouched
from binpack.course.l02_deep_q_network import bug_hunt, overestimation
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import Agent, DQNConfig, Replay, double_targets, new_agent
from binpack.course.l02_deep_q_network.probes import CASES, CONFIG

REFERENCE, TRAIN = lesson.REFERENCE, lesson.train.reference


@pytest.fixture(autouse=True)
def _quiet_and_without_global_randomness():
    level, state = optuna.logging.get_verbosity(), torch.get_rng_state()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with global_randomness_untouched():
        yield
    optuna.logging.set_verbosity(level)
    assert torch.equal(torch.get_rng_state(), state), "torch's global generator was used"


# --------------------------------------------------------------------------------------------- A. exploration rate


@settings(max_examples=30, deadline=None)
@given(step=st.integers(0, 10**6), last=st.floats(0, 1))
def test_a_never_explores(step, last):
    config = DQNConfig(epsilon_last=last)
    assert bug_hunt.exploration_rate(step, config) == 0.0
    assert REFERENCE.epsilon(0, config) == 1.0
    assert last - 1e-9 <= REFERENCE.epsilon(step, config) <= 1.0


class Notes(gym.Wrapper):
    """Notes the actions that are taken."""

    def __init__(self, env):
        super().__init__(env)
        self.actions = []

    def step(self, action):
        self.actions.append(action)
        return self.env.step(action)


def test_a_takes_one_action_where_the_mended_form_takes_both():
    config = CONFIG.replace(total_steps=60, learning_starts=61)
    taken = {}
    for rate in (bug_hunt.exploration_rate, REFERENCE.epsilon):
        env = Notes(CASES["act"].make())
        lesson.train(env, config, REFERENCE.replace(epsilon=rate), 0)
        taken[rate] = set(env.actions)
    assert len(taken[bug_hunt.exploration_rate]) == 1
    assert taken[REFERENCE.epsilon] == {0, 1}


def test_a_keeps_the_arm_that_it_happened_to_prefer():
    steps, published = bug_hunt.two_arms(TRAIN, REFERENCE.replace(epsilon=bug_hunt.exploration_rate), seeds=range(6))
    _, mended = bug_hunt.two_arms(TRAIN, REFERENCE, seeds=range(6))
    assert steps.tolist() == list(range(20, 201, 20)) and published.shape == mended.shape == (6, 10)
    assert set(published.ravel()) == {0.5, 1.0}, "what the two arms pay"
    assert (published == published[:, :1]).all(), "none changes its mind"
    assert (mended[:, -1] == 1.0).all()


# --------------------------------------------------------------------------------------------------- B. one update


def updated(update, times=7):
    """Take updates of a network of two weights; a gradient is 100 long."""
    config = CONFIG.replace(target_update=3, train_every=1, max_grad_norm=1.0)
    network = nn.Linear(1, 1)
    with torch.no_grad():
        for weights in network.parameters():
            weights.zero_()
    agent = Agent(network, copy.deepcopy(network), torch.optim.SGD(network.parameters(), lr=1.0))
    copied = []
    for number in range(1, times + 1):
        update(agent, -100.0 * agent.network.weight.sum(), config)
        if torch.equal(agent.target.weight, agent.network.weight):
            copied.append(number)
    return agent, copied


def test_b_trains_the_network_and_never_touches_the_target():
    with torch.random.fork_rng(devices=[]):
        (published, never), (mended, copied) = updated(bug_hunt.learn), updated(REFERENCE.update)
    assert (never, copied) == ([], [3, 6])
    assert published.updates == mended.updates == 7
    assert published.target.weight.item() == 0.0, "as it began"
    assert mended.target.weight.item() == pytest.approx(6.0)
    assert published.network.weight.item() == pytest.approx(700.0), "no old gradient is added, none is clipped"
    assert mended.network.weight.item() == pytest.approx(7.0), "clipped to a length of 1"


def test_b_moves_no_value_back_a_step():
    steps, mended = bug_hunt.first_of_two(TRAIN, REFERENCE, seeds=[0])
    _, published = bug_hunt.first_of_two(TRAIN, REFERENCE.replace(update=bug_hunt.learn), seeds=[0])
    assert len(steps) == mended.shape[1] == 20
    assert mended[0, -1] == pytest.approx(0.5, abs=0.05)
    assert abs(published[0, -1] - 0.5) > 0.2


# --------------------------------------------------------------------------------------------- C. when it is over


@pytest.mark.parametrize(
    ("terminated", "truncated", "published"),
    [(False, False, False), (True, False, True), (False, True, False), (True, True, True)],
)
def test_c_does_not_see_a_time_limit(terminated, truncated, published):
    assert bug_hunt.is_over(terminated, truncated) is published
    assert lesson.is_over(terminated, truncated) is (terminated or truncated)


@pytest.mark.parametrize(
    ("over", "episodes"),
    [
        (bug_hunt.is_over, 0),
        (lesson.is_over.reference, 5),
        (lambda terminated, truncated: np.bool_(terminated | truncated), 5),
    ],
)
def test_c_hides_an_end_from_the_training_loop(over, episodes):
    env = bug_hunt.Ends(CASES["cut off"].make(), over)
    assert len(TRAIN(env, CONFIG.replace(total_steps=20, learning_starts=21), REFERENCE, 0).returns) == episodes


def test_c_leaves_the_kind_of_end_to_the_environment():
    env = bug_hunt.Ends(CASES["cut off"].make(), lesson.is_over.reference)
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)], "a time limit stays one: it is not stored as terminated"


def test_c_sees_one_room_where_the_mended_form_sees_all():
    _, published = bug_hunt.three_rooms(TRAIN, REFERENCE, bug_hunt.is_over, seeds=[0])
    _, mended = bug_hunt.three_rooms(TRAIN, REFERENCE, lesson.is_over.reference, seeds=[0])
    assert published[0, -1] > 1.0 and mended[0, -1] < 0.1


# ------------------------------------------------------------------------------------------ D. what trials train


def begun(prepare):
    """What three trials of one study begin with."""
    with torch.random.fork_rng(devices=[]):
        begin = prepare(REFERENCE, 4, 2)
        return [begin() for _ in range(3)]


def test_d_gives_all_trials_the_same_objects():
    for objects in zip(*begun(bug_hunt.prepare_study), strict=True):
        assert len({id(each) for each in objects}) == 1
    for objects in zip(*begun(lesson.prepare_study.reference), strict=True):
        assert len({id(each) for each in objects}) == 3


@pytest.mark.parametrize("prepare", [bug_hunt.prepare_study, lesson.prepare_study.reference])
def test_d_fits_the_task(prepare):
    network, replay = begun(prepare)[0]
    assert network(torch.zeros(3, 4)).shape == (3, 2)
    assert isinstance(replay, Replay)
    assert (replay.capacity, replay.n_inputs, replay.size) == (10_000, 4, 0)


@pytest.mark.parametrize(("prepare", "left"), [(bug_hunt.prepare_study, [0, 12, 24]), (None, [0, 0, 0])])
def test_d_trains_what_the_study_gives_to_the_trials(prepare, left):
    config, found, seeds = CONFIG.replace(total_steps=12, learning_starts=20), [], []

    def train(env, config, parts, seed):
        seeds.append(seed)
        found.append(parts.make_replay(0, 0).size)
        return TRAIN(env, config, parts, seed)

    prepare = prepare or lesson.prepare_study.reference
    runs = list(bug_hunt.trials_of(train, REFERENCE, prepare, CASES["constant"].make, [config] * 3, seed=2))
    assert found == left and seeds == [2000, 2001, 2002]
    assert len({id(run.agent.network) for run in runs}) == (1 if left[1] else 3)


def test_d_makes_later_trials_look_better():
    numbers, published = bug_hunt.trials_in_a_row(TRAIN, REFERENCE, bug_hunt.prepare_study, studies=[0, 1], trials=4)
    _, mended = bug_hunt.trials_in_a_row(TRAIN, REFERENCE, lesson.prepare_study.reference, studies=[0, 1], trials=4)
    assert numbers.tolist() == [1, 2, 3, 4] and published.shape == mended.shape == (2, 4)
    assert (np.diff(published) > 0).all() and (published[:, -1] > 0.7).all()
    assert (mended < 0.7).all()


# --------------------------------------------------------------------------------------------- E. what a trial tries


def asked(suggest, base=CONFIG, seed=0):
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
    return suggest(trial, base), trial.distributions


def test_e_searches_the_wrong_ranges():
    assert asked(bug_hunt.suggest)[1] == {
        "gamma": FloatDistribution(1e-5, 1e-1),
        "learning_rate": FloatDistribution(1e-5, 1e-1),
    }
    assert asked(lesson.suggest)[1] == {
        "gamma": FloatDistribution(0.9, 0.999),
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    }


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_e_changes_what_it_asked_for_and_nothing_else(seed):
    base = DQNConfig(total_steps=123, epsilon_last=0.4)
    for suggest, highest in ((bug_hunt.suggest, 0.1), (lesson.suggest, 0.999)):
        config, _ = asked(suggest, base, seed)
        assert config.gamma <= highest
        assert config.replace(gamma=base.gamma, learning_rate=base.learning_rate) == base
    assert asked(lesson.suggest, base, seed)[0].gamma >= 0.9


def test_e_cannot_find_out_that_waiting_pays():
    # whatever is drawn: 1 a step later is worth its discount, at most 0.1, and 0.4 can be had at once
    values = CASES["patience"].make().values(0.1)
    assert values[0].argmax() == 0
    assert all(CASES["patience"].make().values(gamma)[0].argmax() == 1 for gamma in (0.9, 0.999))


def test_e_learns_to_wait_with_the_mended_ranges_only():
    steps, mended = bug_hunt.learn_to_wait(TRAIN, REFERENCE, lesson.suggest.reference, draws=[0])
    _, published = bug_hunt.learn_to_wait(TRAIN, REFERENCE, bug_hunt.suggest, draws=[0])
    assert len(steps) == mended.shape[1]
    assert (mended[0, -1], published[0, -1]) == (1.0, 0.4)


# ------------------------------------------------------------------------------------------------ how a curve is made


def test_a_curve_has_a_row_for_each_seed_and_a_look_every_20_steps():
    probe, seeds = CASES["constant"].make(), []

    def train(env, config, parts, seed, watch):
        seeds.append(seed)
        for step in range(1, config.total_steps + 1):
            assert watch(step, step) is False, "looking never ends a run"

    steps, rows = bug_hunt.curves_of(
        train, lambda: probe, CONFIG.replace(total_steps=50), REFERENCE, [3, 1], lambda agent: agent * 2
    )
    assert steps.tolist() == [20, 40] and seeds == [3, 1]
    assert rows.tolist() == [[40.0, 80.0], [40.0, 80.0]]


def test_values_are_those_of_the_network():
    probe = CASES["discount"].make()
    agent = new_agent(1, 1, CONFIG, REFERENCE, seed=0)
    values = bug_hunt.values_of(agent, probe)
    states = torch.tensor([[-1.0], [1.0]])
    np.testing.assert_allclose(values, agent.network(states).detach().numpy(), rtol=1e-6)


def test_a_maximum_over_noisy_values_is_too_high():
    _, plain = overestimation.lottery(TRAIN, REFERENCE, seeds=[0, 1])
    _, double = overestimation.lottery(TRAIN, REFERENCE.replace(td_targets=double_targets), seeds=[0, 1])
    assert plain[:, 10:].mean() > 0.2, "it is worth 0"
    assert double[:, 10:].mean() < plain[:, 10:].mean()
