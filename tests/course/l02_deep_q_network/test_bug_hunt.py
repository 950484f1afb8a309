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
from binpack.course.l02_deep_q_network import bug_hunt
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import Agent, DQNConfig, Replay, Run, new_agent
from binpack.course.l02_deep_q_network.bug_hunt import HEADER, Measured
from binpack.course.l02_deep_q_network.probes import CASES, CONFIG

REFERENCE = lesson.REFERENCE


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
    assert bug_hunt.no_exploration(lesson.train, REFERENCE, REFERENCE.epsilon, seeds=2) == 2
    assert bug_hunt.no_exploration(lesson.train, REFERENCE, bug_hunt.exploration_rate, seeds=2) < 2


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
    assert bug_hunt.no_copies(lesson.train, REFERENCE, REFERENCE.update) == pytest.approx(0.5, abs=0.05)
    published = bug_hunt.no_copies(lesson.train, REFERENCE, bug_hunt.learn)
    assert abs(published - 0.5) > 0.2


# --------------------------------------------------------------------------------------------- C. when it is over


@pytest.mark.parametrize(
    ("terminated", "truncated", "published"),
    [(False, False, False), (True, False, True), (False, True, False), (True, True, True)],
)
def test_c_does_not_see_a_time_limit(terminated, truncated, published):
    assert bug_hunt.is_over(terminated, truncated) is published
    assert bug_hunt.mended_is_over(terminated, truncated) is (terminated or truncated)


@pytest.mark.parametrize(
    ("over", "episodes"),
    [
        (bug_hunt.is_over, 0),
        (bug_hunt.mended_is_over, 50),
        (lambda terminated, truncated: truncated, 50),
        (lambda terminated, truncated: np.bool_(terminated | truncated), 50),
        (lambda terminated, truncated: False, 0),
    ],
)
def test_c_counts_the_episodes_of_a_task_with_a_time_limit(over, episodes):
    assert bug_hunt.no_cut(lesson.train, REFERENCE, over) == episodes


def test_c_leaves_the_kind_of_end_to_the_environment():
    stored = []

    def train(env, config, parts, seed):
        env.reset(seed=seed)
        stored.extend(env.step(0)[2:4] for _ in range(4))
        return Run(None, [1.0])

    assert bug_hunt.no_cut(train, REFERENCE, bug_hunt.mended_is_over) == 1
    assert stored == [(False, False)] * 3 + [(False, True)], "a time limit stays one: it is not stored as terminated"


# ------------------------------------------------------------------------------------------ D. what trials train


def made_by(make_parts):
    with torch.random.fork_rng(devices=[]):
        parts = make_parts(REFERENCE)
        return [(parts.make_network(1, 10), parts.make_replay(400, 1)) for _ in range(2)]


def test_d_gives_all_trials_the_same_objects():
    (network, replay), (other_network, other_replay) = made_by(bug_hunt.parts_for_all_trials)
    assert network is other_network
    assert replay is other_replay
    (network, replay), (other_network, other_replay) = made_by(bug_hunt.mended_parts)
    assert network is not other_network
    assert replay is not other_replay


def test_d_fits_the_task_and_keeps_the_other_parts():
    with torch.random.fork_rng(devices=[]):
        shared = bug_hunt.parts_for_all_trials(REFERENCE)
    (network, replay) = shared.make_network(1, 10), shared.make_replay(400, 1)
    assert network(torch.zeros(3, 1)).shape == (3, 10)
    assert isinstance(replay, Replay)
    assert (replay.capacity, replay.n_inputs, replay.size) == (400, 1, 0)
    assert shared.replace(make_network=REFERENCE.make_network, make_replay=REFERENCE.make_replay) == REFERENCE


def test_d_starts_the_second_trial_where_the_first_ended():
    began = {}
    for make_parts in (bug_hunt.parts_for_all_trials, bug_hunt.mended_parts):
        weights = []

        def train(env, config, parts, seed, weights=weights):
            agent = new_agent(1, 10, config, parts, seed)
            weights.append([tensor.detach().clone() for tensor in agent.network.parameters()])
            with torch.no_grad():
                agent.network[-1].bias.fill_(7.0)  # what this trial learned
            return Run(agent)

        bug_hunt.shared_between_trials(train, REFERENCE, make_parts)
        began[make_parts] = [bool((each[-1] == 7.0).all()) for each in weights]
    assert began == {bug_hunt.parts_for_all_trials: [False, True], bug_hunt.mended_parts: [False, False]}


def test_d_rewards_a_trial_for_what_an_earlier_one_learned():
    assert bug_hunt.shared_between_trials(lesson.train, REFERENCE, bug_hunt.parts_for_all_trials) == 1.0
    assert bug_hunt.shared_between_trials(lesson.train, REFERENCE, bug_hunt.mended_parts) == 0.0


def test_d_pays_for_the_arm_that_the_second_trial_likes_least_at_first():
    seen = []

    def train(env, config, parts, seed):
        agent = new_agent(1, 10, config, parts, seed)
        seen.append((env.rewards[0].tolist(), config.learning_rate, seed, agent.network))
        return Run(agent)

    assert bug_hunt.shared_between_trials(train, REFERENCE, bug_hunt.mended_parts) == 0.0
    (rewards, rate, _, _), (_, tiny, seed, network) = seen
    assert (rate, tiny, seed) == (CONFIG.learning_rate, 1e-9, 1)
    assert sorted(rewards) == [0.0] * 9 + [1.0]
    assert rewards.index(1.0) == int(network(torch.zeros(1, 1)).argmin())


# --------------------------------------------------------------------------------------------- E. what a trial tries


def asked(suggest, base=CONFIG, seed=0):
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
    return suggest(trial, base), trial.distributions


def test_e_searches_the_wrong_ranges():
    assert asked(bug_hunt.suggest)[1] == {
        "gamma": FloatDistribution(1e-5, 1e-1),
        "learning_rate": FloatDistribution(1e-5, 1e-1),
    }
    assert asked(bug_hunt.mended_suggest)[1] == {
        "gamma": FloatDistribution(0.9, 0.999),
        "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
    }


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_e_changes_what_it_asked_for_and_nothing_else(seed):
    base = DQNConfig(total_steps=123, epsilon_last=0.4)
    for suggest, highest in ((bug_hunt.suggest, 0.1), (bug_hunt.mended_suggest, 0.999)):
        config, _ = asked(suggest, base, seed)
        assert config.gamma <= highest
        assert config.replace(gamma=base.gamma, learning_rate=base.learning_rate) == base
    assert asked(bug_hunt.mended_suggest, base, seed)[0].gamma >= 0.9


def test_e_cannot_find_out_that_waiting_pays():
    # whatever is drawn: 1 a step later is worth its discount, at most 0.1, and 0.4 can be had at once
    values = CASES["patience"].make().values(0.1)
    assert values[0].argmax() == 0
    assert all(CASES["patience"].make().values(gamma)[0].argmax() == 1 for gamma in (0.9, 0.999))


def test_e_learns_to_wait_with_the_mended_ranges_only():
    assert bug_hunt.wrong_ranges(lesson.train, REFERENCE, bug_hunt.mended_suggest, trials=1) == 1
    assert bug_hunt.wrong_ranges(lesson.train, REFERENCE, bug_hunt.suggest, trials=1) == 0


def test_e_tries_the_settings_that_were_drawn():
    configs = []

    def train(env, config, parts, seed):
        configs.append(config)
        return Run(new_agent(1, 2, config, parts, seed))

    bug_hunt.wrong_ranges(train, REFERENCE, bug_hunt.suggest, trials=3)
    assert len({config.gamma for config in configs}) == 3
    assert all(config.gamma <= 0.1 for config in configs)


# -------------------------------------------------------------------------------------------------------- measured


def test_each_defect_is_measured_against_its_mended_form(monkeypatch):
    defects = {
        "no_exploration": bug_hunt.exploration_rate,
        "no_copies": bug_hunt.learn,
        "no_cut": bug_hunt.is_over,
        "shared_between_trials": bug_hunt.parts_for_all_trials,
        "wrong_ranges": bug_hunt.suggest,
    }
    train, given = object(), {}
    for number, name in enumerate(defects, start=1):

        def measurement(got_train, parts, part, name=name, number=number):
            assert got_train is train
            assert parts is REFERENCE
            given.setdefault(name, []).append(part)
            return number if part is defects[name] else 10 * number

        monkeypatch.setattr(bug_hunt, name, measurement)
    measured = bug_hunt.measure(train, REFERENCE)
    assert list(measured) == list("ABCDE")
    assert [(each.published, each.mended) for each in measured.values()] == [(n, 10.0 * n) for n in range(1, 6)]
    assert [each.wanted for each in measured.values()] == [8.0, 0.5, 50.0, 0.0, 4.0]
    mended = (
        REFERENCE.epsilon,
        REFERENCE.update,
        bug_hunt.mended_is_over,
        bug_hunt.mended_parts,
        bug_hunt.mended_suggest,
    )
    assert given == {name: [defects[name], right] for name, right in zip(defects, mended, strict=True)}

    def own(*_):
        raise AssertionError("only handed on")

    given.clear()
    bug_hunt.measure(train, REFERENCE, own, own, own)
    assert [part for _, part in given.values()] == [REFERENCE.epsilon, REFERENCE.update, own, own, own]


def test_a_line_stands_under_its_header():
    line = Measured("episodes in 200 steps with a time limit of 4", 0.0, 49.96, 50.0).line()
    assert HEADER.split() == ["measured", "published", "yours", "right"]
    assert line.split()[-3:] == ["0.0", "50.0", "50.0"]
    assert line.startswith("episodes in 200 steps with a time limit of 4  ")
    assert len(line) == len(HEADER)
    for title, number in (("published", "0.0"), ("yours", "50.0")):
        end = HEADER.index(title) + len(title)
        assert line[:end].endswith(number)
