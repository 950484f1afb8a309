"""What lesson 02's exercises stand on: settings, the replay buffer, a fresh agent, validation and checkpoints."""

import collections
import copy
import dataclasses
import json
import math

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from binpack.course.exercises import global_randomness_untouched
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import (
    Agent,
    DQNConfig,
    Replay,
    Run,
    Validation,
    greedy_action,
    load_config,
    make_agent,
    new_agent,
    save_config,
    weights_of,
    with_weights,
)

COUNTS = ("total_steps", "batch_size", "buffer_size", "train_every", "target_update", "epsilon_steps")


def positive(highest=1e6):
    return st.floats(1e-9, highest)


CONFIGS = st.builds(
    DQNConfig,
    **{name: st.integers(1, 10**7) for name in COUNTS},
    learning_starts=st.integers(0, 10**6),
    learning_rate=positive(),
    max_grad_norm=st.one_of(positive(), st.just(math.inf)),
    gamma=st.floats(0, 1),
    epsilon_last=st.floats(0, 1),
)


# -------------------------------------------------------------------------------------------------------- settings


@settings(max_examples=25, deadline=None)
@given(config=CONFIGS)
def test_settings_come_back_from_their_file(config, tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "config.json"
    save_config(config, path)
    assert load_config(path) == load_config(str(path)) == config
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert json.loads(text) == dataclasses.asdict(config)


@settings(max_examples=50, deadline=None)
@given(config=CONFIGS)
def test_the_target_is_copied_after_as_many_updates_as_fit_between_two_copies(config):
    updates = config.updates_per_copy
    assert updates >= 1
    if config.target_update >= config.train_every:
        assert updates * config.train_every <= config.target_update < (updates + 1) * config.train_every
    else:
        assert updates == 1


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -3])
def test_a_count_below_one_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got {value}"):
        DQNConfig(**{name: value})


@pytest.mark.parametrize("name", ["gamma", "epsilon_last"])
@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_a_share_outside_its_range_is_named(name, value):
    with pytest.raises(ValueError, match=rf"gamma and epsilon_last must lie in \[0, 1\], got .*{value}"):
        DQNConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", -1e-3),
        ("learning_rate", math.nan),
        ("max_grad_norm", 0.0),
        ("max_grad_norm", math.nan),
        ("learning_starts", -1),
    ],
)
def test_a_size_that_is_not_positive_is_refused(name, value):
    with pytest.raises(ValueError, match="learning_rate and max_grad_norm must be positive, learning_starts not neg"):
        DQNConfig(**{name: value})


def test_the_least_and_largest_values_are_accepted():
    DQNConfig(**dict.fromkeys(COUNTS, 1), learning_starts=0, gamma=0.0, epsilon_last=1.0)
    DQNConfig(gamma=1.0, epsilon_last=0.0, max_grad_norm=math.inf)


def test_a_changed_copy_is_checked_and_leaves_the_original():
    config = DQNConfig()
    assert config.replace(gamma=0.5) == DQNConfig(gamma=0.5)
    assert config == DQNConfig()
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        config.replace(batch_size=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'momentum'"):
        config.replace(momentum=0.9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.gamma = 0.5


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('{"gama": 0.9}', TypeError, "unexpected keyword argument 'gama'"),
        ('{"gamma": 1.5}', ValueError, r"must lie in \[0, 1\], got 1.5"),
        ('{"total_steps": 0}', ValueError, "total_steps must be at least 1, got 0"),
        ('{"gamma": 0.9', ValueError, "delimiter"),
    ],
)
def test_a_bad_file_of_settings_is_refused(tmp_path, text, error, message):
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        load_config(path)


def test_settings_that_a_file_leaves_out_are_the_defaults(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"gamma": 0.9}', encoding="utf-8")
    assert load_config(path) == DQNConfig(gamma=0.9)


# --------------------------------------------------------------------------------------------------- replay buffer

NUMBERS = st.floats(-100, 100, width=32)
TRANSITIONS = st.lists(
    st.tuples(st.tuples(NUMBERS, NUMBERS), st.integers(0, 5), NUMBERS, st.tuples(NUMBERS, NUMBERS), st.booleans()),
    max_size=17,
)


def rows_of(replay):
    """What the rows hold, from the first to the last that is filled."""
    return [
        (
            tuple(replay.observations[row].tolist()),
            int(replay.actions[row]),
            float(replay.rewards[row]),
            tuple(replay.next_observations[row].tolist()),
            bool(replay.terminated[row]),
        )
        for row in range(replay.size)
    ]


@settings(max_examples=100, deadline=None)
@given(capacity=st.integers(1, 6), transitions=TRANSITIONS)
def test_it_holds_what_a_deque_holds(capacity, transitions):
    replay, oracle = Replay(capacity, 2), collections.deque(maxlen=capacity)
    for transition in transitions:
        lesson.add(replay, *transition)
        oracle.append(transition)
        assert replay.size == len(oracle)
        rows = rows_of(replay)
        oldest = replay.position if replay.size == capacity else 0
        assert rows[oldest:] + rows[:oldest] == list(oracle)


def numbered(capacity, filled):
    """A buffer whose n-th transition has n in every field."""
    replay = Replay(capacity, 1)
    for number in range(filled):
        lesson.add(replay, [number], number, number, [number + 0.5], number % 2 == 1)
    return replay


@settings(max_examples=50, deadline=None)
@given(
    capacity=st.integers(1, 8),
    filled=st.integers(1, 20),
    n=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_sample_holds_whole_transitions_of_filled_rows(capacity, filled, n, seed):
    replay = numbered(capacity, filled)
    batch = replay.sample(n, np.random.default_rng(seed))
    assert [(field.dtype, tuple(field.shape)) for field in batch] == [
        (torch.float32, (n, 1)),
        (torch.int64, (n,)),
        (torch.float32, (n,)),
        (torch.float32, (n, 1)),
        (torch.bool, (n,)),
    ]
    drawn = batch.actions
    assert set(drawn.tolist()) <= set(range(max(0, filled - capacity), filled))
    assert torch.equal(batch.observations[:, 0], drawn.float())
    assert torch.equal(batch.rewards, drawn.float())
    assert torch.equal(batch.next_observations[:, 0], drawn + 0.5)
    assert torch.equal(batch.terminated, drawn % 2 == 1)


@pytest.mark.parametrize(("capacity", "filled"), [(10, 4), (5, 5), (5, 8), (1, 1)])
def test_a_sample_is_uniform_over_the_filled_rows(capacity, filled):
    replay, n = numbered(capacity, filled), 40_000
    drawn = replay.sample(n, np.random.default_rng(0)).actions.numpy()
    numbers = range(max(0, filled - capacity), filled)
    share = 1 / len(numbers)
    for number in numbers:
        # five standard deviations of a binomial count
        assert abs((drawn == number).sum() - n * share) <= 5 * math.sqrt(n * share * (1 - share))
    # with replacement: one draw says nothing about the next
    pairs = (drawn[1:] == drawn[:-1]).mean()
    assert abs(pairs - share) <= 5 * math.sqrt(share * (1 - share) / (n - 1))


def test_a_sample_depends_on_its_generator_alone():
    replay = numbered(50, 50)
    state = torch.get_rng_state()
    with global_randomness_untouched():
        first, again, other = (replay.sample(20, np.random.default_rng(seed)).actions for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_sample_is_a_copy():
    replay = numbered(3, 3)
    before = rows_of(replay)
    for field in replay.sample(5, np.random.default_rng(0)):
        field.zero_()
    assert rows_of(replay) == before


def test_an_empty_buffer_has_nothing_to_sample():
    with pytest.raises(ValueError, match="the replay buffer is empty"):
        Replay(4, 2).sample(1, np.random.default_rng(0))


def test_two_buffers_share_nothing():
    first, second = Replay(3, 2), Replay(3, 2)
    lesson.add(first, [1.0, 2.0], 1, 1.0, [3.0, 4.0], True)
    assert second.size == 0
    assert not second.observations.any()


# ----------------------------------------------------------------------------------------------------- fresh agents


class Observed(gym.Env):
    """Spaces and nothing else."""

    observation_space, action_space = spaces.Box(-1.0, 1.0, (3,), np.float32), spaces.Discrete(5)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_an_agent_is_made_by_its_seed_alone():
    def make(seed):
        return new_agent(3, 2, DQNConfig(), lesson.REFERENCE, seed).network

    torch.manual_seed(11)
    state = torch.get_rng_state()
    with global_randomness_untouched():
        first = make(5)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(7)
    assert same(first, make(5))
    assert not same(first, make(6))


def test_an_agents_networks_start_equal_and_only_one_is_trained():
    agent = new_agent(3, 2, DQNConfig(learning_rate=0.25), lesson.REFERENCE, 0)
    assert agent.updates == 0
    assert same(agent.network, agent.target)
    held = {id(weights) for group in agent.optimizer.param_groups for weights in group["params"]}
    assert held == {id(weights) for weights in agent.network.parameters()}
    assert {group["lr"] for group in agent.optimizer.param_groups} == {0.25}
    before = copy.deepcopy(agent.target)
    sum(weights.sum() for weights in agent.network.parameters()).backward()
    agent.optimizer.step()
    assert not same(agent.network, before)
    assert same(agent.target, before)


def test_an_agent_and_its_buffer_fit_the_environment():
    made = []

    def make_network(n_inputs, n_actions):
        made.append((n_inputs, n_actions))
        return nn.Linear(n_inputs, n_actions)

    parts = lesson.REFERENCE.replace(make_network=make_network)
    agent, replay = make_agent(Observed(), DQNConfig(buffer_size=17), parts, 0)
    assert made == [(3, 5)]
    assert (replay.capacity, replay.n_inputs, replay.size, replay.position) == (17, 3, 0, 0)
    assert replay.observations.shape == replay.next_observations.shape == (17, 3)
    assert same(agent.network, new_agent(3, 5, DQNConfig(), parts, 0).network)


def test_an_exchanged_part_leaves_the_others_and_the_original():
    def zero(step, config):
        return 0.0

    changed = lesson.REFERENCE.replace(epsilon=zero)
    assert changed.epsilon is zero
    assert changed == dataclasses.replace(lesson.REFERENCE, epsilon=zero)
    assert lesson.REFERENCE.epsilon is not zero
    assert lesson.REFERENCE.make_replay is Replay


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), values=st.lists(NUMBERS, min_size=3, max_size=3))
def test_the_greedy_action_has_the_largest_q_value(seed, values):
    agent = new_agent(3, 4, DQNConfig(), lesson.REFERENCE, seed)
    observation = np.array(values, np.float32)
    q = agent.network(torch.from_numpy(observation)).detach().numpy()
    action = greedy_action(agent.network, observation)
    assert type(action) is int
    assert q[action] == q.max()
    assert agent.act(observation) == action


def test_a_run_notes_its_episodes_in_order():
    first, second = Run(None), Run(None)
    first.note(3.0, 10)
    first.note(-1.0, 12)
    assert (first.returns, first.ends) == ([3.0, -1.0], [10, 12])
    assert (second.returns, second.ends) == ([], [])


# ------------------------------------------------------------------------------------------------------- validation


def agent_of(number):
    """An agent whose only weight is the number."""
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(float(number))
    return Agent(network, copy.deepcopy(network), torch.optim.SGD(network.parameters(), lr=1.0))


def weight(weights):
    return weights["weight"].item()


class Scores:
    """Returns given scores, one evaluation after another, and notes what it is asked."""

    def __init__(self, *scores):
        self.left, self.asked = list(scores), []

    def __call__(self, network, env, episodes, seed):
        self.asked.append((network, env, episodes, seed))
        mean = self.left.pop(0)
        return mean + np.linspace(-1.0, 1.0, episodes)  # mean as given, whatever the number of episodes


@settings(max_examples=60, deadline=None)
@given(scores=st.lists(st.integers(-3, 3), min_size=1, max_size=8), every=st.integers(1, 3))
def test_validation_keeps_the_best_and_of_a_tie_the_earlier(scores, every):
    evaluate, env, agent = Scores(*map(float, scores)), object(), agent_of(0)
    validation = Validation(evaluate, env, every, 5, 77)
    for step in range(1, every * len(scores) + 1):
        with torch.no_grad():
            agent.network.weight.fill_(float(step))
        assert validation(step, agent) is False
    steps = [every * (i + 1) for i in range(len(scores))]
    assert list(validation.scores) == steps
    assert list(validation.scores.values()) == pytest.approx(scores)
    best = scores.index(max(scores))
    assert validation.best[0] == steps[best]
    assert validation.best[1] == pytest.approx(scores[best])
    assert weight(validation.best[2]) == steps[best], "the weights of that step, whatever the network learned since"
    assert evaluate.asked == [(agent.network, env, 5, 77)] * len(scores)
    assert validation.kept == {}


def test_before_the_first_evaluation_there_is_no_best():
    validation = Validation(Scores(), None, 10, 1, 0)
    assert not any(validation(step, agent_of(step)) for step in range(1, 10))
    assert validation.best == (0, -np.inf, {})
    assert validation.scores == {}


def test_the_first_score_is_the_best_however_bad():
    validation = Validation(Scores(-1e9), None, 1, 3, 0)
    validation(1, agent_of(4))
    assert validation.best[0] == 1
    assert weight(validation.best[2]) == 4


def test_weights_are_kept_at_the_steps_that_were_asked_for():
    agent, validation = agent_of(0), Validation(Scores(1.0, 2.0), None, 4, 2, 0, keep=(3, 4, 99))
    for step in range(1, 9):
        with torch.no_grad():
            agent.network.weight.fill_(float(step))
        validation(step, agent)
    assert {step: weight(weights) for step, weights in validation.kept.items()} == {3: 3.0, 4: 4.0}


def test_training_may_stop_as_soon_as_a_score_is_enough():
    validation = Validation(Scores(1.0, 9.9, 10.0, 3.0), None, 2, 3, 0, enough=10.0)
    stops = [step for step in range(1, 9) if validation(step, agent_of(step))]
    assert stops == [6], "only the evaluation that reaches it, not those after it that fall back"


# ------------------------------------------------------------------------------------------------------ checkpoints


@pytest.fixture
def networks():
    return [new_agent(2, 3, DQNConfig(), lesson.REFERENCE, seed).network for seed in (0, 1)]


def test_copied_weights_do_not_move_with_the_network(networks):
    network, _ = networks
    weights, before = weights_of(network), copy.deepcopy(network.state_dict())
    assert not any(tensor.requires_grad for tensor in weights.values())
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.add_(1.0)
    assert set(weights) == set(before)
    assert all(torch.equal(weights[name], before[name]) for name in before)


def test_a_network_with_other_weights_is_a_copy(networks):
    network, source = networks
    before, weights = copy.deepcopy(network), weights_of(source)
    other = with_weights(network, weights)
    assert type(other) is type(network)
    assert same(other, source)
    assert same(network, before), "the network that gave the architecture is left as it was"
    with torch.no_grad():
        for tensor in other.parameters():
            tensor.zero_()
    assert same(network, before)
    assert all(torch.equal(weights[name], tensor) for name, tensor in source.state_dict().items())


def test_weights_of_another_architecture_are_refused(networks):
    with pytest.raises(RuntimeError, match="size mismatch"):
        with_weights(networks[0], weights_of(lesson.make_network(2, 4)))
