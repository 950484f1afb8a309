"""Checks of lesson 02: other right answers pass, and each named mistake gets its own message."""

import numpy as np
import pytest
import torch
from judging import verdict, wrong
from torch import nn

from binpack.course.l02_deep_q_network import exercises as lesson

# --------------------------------------------------------------------------------------------------------- make_network


class AsModule(nn.Module):
    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(n_inputs, 128), nn.Linear(128, 128), nn.Linear(128, n_actions)

    def forward(self, x):
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))))


def layers(n, m, *, hidden=nn.ReLU, units=128, end=()):
    return nn.Sequential(nn.Linear(n, units), hidden(), nn.Linear(units, units), hidden(), nn.Linear(units, m), *end)


def seeded(n, m):
    torch.manual_seed(1)
    return layers(n, m)


def with_dropout(n, m):
    return nn.Sequential(nn.Linear(n, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, m))


def with_batch_norm(n, m):
    return nn.Sequential(
        nn.Linear(n, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, m)
    )


@pytest.mark.parametrize("answer", [AsModule, layers])
def test_make_network_in_other_forms(answer):
    assert verdict(lesson.make_network, answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, m: layers(n, m, end=[nn.Softmax(dim=-1)]), "each row sums to 1"),
        (lambda n, m: layers(n, m, end=[nn.ReLU()]), "no output is ever negative"),
        (lambda n, m: layers(n, m, end=[nn.Tanh()]), "outputs are squashed"),
        (lambda n, m: layers(n, m, hidden=nn.Identity), "it is a linear function"),
        (lambda n, m: layers(n, m, hidden=nn.Tanh), "hidden units saturate"),
        (lambda n, m: layers(n, m, units=64), "the weight matrices are [(64, 3), (64, 64), (4, 64)]"),
        (lambda n, m: layers(n, 1), "should have shape (64, 4), not (64, 1)"),
        (with_dropout, "leave dropout out"),
        (with_batch_norm, "leave batch normalisation out"),
        (seeded, "two networks come out equal"),
        (lambda n, m: torch.zeros(4), "the answer should be of type Module"),
    ],
)
def test_mistakes_in_make_network(answer, message):
    assert message in wrong(lesson.make_network, answer)


# ------------------------------------------------------------------------------------------------------------------ add


def by_slices(replay, observation, action, reward, next_observation, terminated):
    at, new = replay.position, (observation, action, reward, next_observation, terminated)
    for name, value in zip(("observations", "actions", "rewards", "next_observations", "terminated"), new, strict=True):
        getattr(replay, name)[at : at + 1] = value
    replay.position = at + 1 if at + 1 < replay.capacity else 0
    if replay.size < replay.capacity:
        replay.size += 1


def spoiled_add(change):
    """The reference, followed by a change to the buffer."""

    def answer(replay, observation, action, reward, next_observation, terminated):
        row = replay.position
        lesson.add(replay, observation, action, reward, next_observation, terminated)
        change(replay, row, observation)

    return answer


def set_to(name, value):
    return spoiled_add(lambda replay, row, _: setattr(replay, name, value(replay, row)))


def grows(replay, observation, action, reward, next_observation, terminated):
    replay.rewards = np.append(replay.rewards, reward)


def moves_first(replay, *transition):
    replay.position = (replay.position + 1) % replay.capacity
    lesson.add(replay, *transition)


def test_add_in_other_forms():
    assert verdict(lesson.add, by_slices).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (grows, "rewards: a new array was made"),
        (moves_first, "the first transition is in row 1 or everywhere"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, w, o, t), "holds the observation before the action"),
        (lambda r, o, a, w, n, t: lesson.add(r, n, a, w, n, t), "observations[0] is not the observation"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, 0, w, n, t), "actions[0] is not the action"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, 0.0, n, t), "rewards[0] is not the reward"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, w, n, not t), "terminated[0] is False though"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, w, n, True), "terminated is True though its state has a future"),
        (set_to("position", lambda r, row: 0), "after one transition the position is 0"),
        (set_to("position", lambda r, row: row + 1), "the position is 3, not 0"),
        (set_to("size", lambda r, row: r.capacity), "after one transition size is 3"),
        (set_to("size", lambda r, row: row + 1), "size is 1, but 3 rows are filled"),
    ],
)
def test_mistakes_in_add(answer, message):
    assert message in wrong(lesson.add, answer)


def test_add_without_a_limit_is_told_about_the_size_or_the_row():
    def unlimited(replay, *transition):
        size = replay.size
        lesson.add(replay, *transition)
        replay.size = size + 1

    assert "it counts rows, and there are no more of them" in wrong(lesson.add, unlimited)

    def never_round(replay, *transition):
        row = replay.position
        if row == replay.capacity:
            raise IndexError
        lesson.add(replay, *transition)
        replay.position = row + 1

    assert "the position is 3, not 0" in wrong(lesson.add, never_round)


# -------------------------------------------------------------------------------------------------------------- epsilon


@pytest.mark.parametrize(
    "answer",
    [
        lambda step, c: max(c.epsilon_last, 1 - (1 - c.epsilon_last) * step / c.epsilon_steps),
        lambda step, c: np.interp(step, [0, c.epsilon_steps], [1.0, c.epsilon_last]),
        lambda step, c: torch.tensor(lesson.epsilon(step, c), dtype=torch.float64),
    ],
)
def test_epsilon_in_other_forms(answer):
    assert verdict(lesson.epsilon, answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda step, c: 0.1, "the rate is 0.1 at every step"),
        (lambda step, c: 1 - step / c.epsilon_steps, "the rate becomes negative"),
        (lambda step, c: 1 - (1 - c.epsilon_last) * step / c.epsilon_steps, "the rate becomes negative"),
        (lambda step, c: max(0.1, 1 - 0.8 * step / c.epsilon_steps), "it falls below epsilon_last"),
        (lambda step, c: max(0.0, 1 - step / c.epsilon_steps), "it ends at 0"),
        (lambda step, c: min(1, c.epsilon_last + 0.8 * step / c.epsilon_steps), "it starts at epsilon_last"),
        (lambda step, c: 1 - (1 - c.epsilon_last) * step / c.total_steps, "it decays over total_steps"),
        (lambda step, c: max(c.epsilon_last, 0.998**step), "not a straight line"),
        (lambda step, c: 0.9 * lesson.epsilon(step, c) + 0.02, "at step 0 it is 0.92"),
        (lambda step, c: max(c.epsilon_last, 1 - step / c.epsilon_steps), "not a straight line"),
    ],
)
def test_mistakes_in_epsilon(answer, message):
    assert message in wrong(lesson.epsilon, answer)
