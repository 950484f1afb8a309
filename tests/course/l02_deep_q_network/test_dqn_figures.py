"""What the figures of lesson 02 say of their numbers."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network import figures
from binpack.course.l02_deep_q_network.agent import Batch, DQNConfig, Run
from binpack.course.l02_deep_q_network.probes import CASES, Reading


def lines(figure):
    return {trace.name: (np.array(trace.x), np.array(trace.y)) for trace in figure.plotly.data}


def test_q_values_are_drawn_over_the_angle_alone():
    network = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[7.0, 7.0, -2.0, 7.0], [7.0, 7.0, 1.0, 7.0]]))
    drawn = lines(figures.q_over_angle(network, "t"))
    degrees, left = drawn["Q(left)"]
    assert (degrees[0], degrees[-1]) == (-12, 12)
    assert left == pytest.approx(-2 * np.radians(degrees), abs=1e-6)
    assert drawn["Q(right)"][1] == pytest.approx(np.radians(degrees), abs=1e-6)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_the_longest_streak_is_that_of_a_plain_count(sides):
    longest = count = 1
    for before, now in itertools.pairwise(sides):
        count = count + 1 if before == now else 1
        longest = max(longest, count)
    assert figures.longest_streak(sides) == longest


def test_a_streak_is_on_one_side():
    angles = np.array([0.1, 0.2, -0.1, -0.1, -0.2, 0.1])
    figure = figures.streaks(angles, "t")
    assert figure.text == "t: 6 steps, longest streak on one side 3"
    drawn = lines(figure)
    assert drawn["leans right"][0].tolist() == [0, 1, 5]
    assert drawn["leans left"][1] == pytest.approx(np.degrees([-0.1, -0.1, -0.2]))


def test_an_exploration_rate_is_that_of_the_function():
    figure = figures.exploration(lesson.epsilon, {"a": DQNConfig(epsilon_steps=50, epsilon_last=0.5)}, 100)
    steps, rate = lines(figure)["a"]
    assert rate[steps == 25] == pytest.approx(0.75) and rate[steps >= 50] == pytest.approx(0.5)
    assert figure.text == "how often the agent acts at random, a: from 1.00 to 0.50"


def test_targets_tell_apart_what_terminated():
    batch = Batch(
        torch.zeros(3, 4), torch.zeros(3), torch.ones(3), torch.tensor([[0, 0, a, 0] for a in (0.1, 0.2, -0.3)]),
        torch.tensor([False, True, False]),
    )  # fmt: skip
    figure = figures.targets(batch, torch.tensor([5.0, 1.0, 6.0]), "t")
    drawn = lines(figure)
    assert drawn["terminated"][1].tolist() == [1.0] and drawn["goes on"][1].tolist() == [5.0, 6.0]
    assert drawn["terminated"][0] == pytest.approx(np.degrees([0.2]))
    assert figure.text == "t: 3 targets, 1 of them of a step that terminated"


def test_the_loss_is_drawn_over_its_error():
    figure = figures.losses(lesson.td_loss)
    assert figure.text.endswith("0.125 at an error of 0.5, 0.500 at an error of 1, 2.500 at an error of 3")
    errors, loss = lines(figure)["td_loss"]
    assert loss == pytest.approx(np.where(np.abs(errors) <= 1, errors**2 / 2, np.abs(errors) - 0.5), abs=1e-6)


def test_a_probe_is_marked_where_it_is_wrong():
    right = Reading(np.array([[1.0, 2.0]]), np.array([[1.0, 2.05]]))
    wrong = Reading(np.array([[0.0]]), np.array([[9.0]]))
    figure = figures.probe_values({"see": right, "act": wrong}, "t")
    assert figure.text.startswith("t: see learned, act wrong; the first to fail is act: look at td_loss")
    drawn = lines(figure)
    assert drawn["learned"][1].tolist() == [1.0, 2.05]
    assert drawn["learned, wrong"][1].tolist() == [5.0], "an arrow's length off: it is drawn at the edge"
    assert drawn["true Q-value"][1].tolist() == [1.0, 2.0, 0.0]
    assert list(figure.plotly.layout.xaxis.ticktext) == ["see", "act"]


def test_a_probe_that_is_no_number_is_wrong():
    known = CASES["constant"].make().values(0.5)
    figure = figures.probe_values({"constant": Reading(known, np.full_like(known, np.nan))}, "t")
    assert figure.text.startswith("t: constant wrong; the first to fail is constant")


def test_returns_stand_where_the_episodes_ended():
    figure = figures.returns(Run(None, [2.0, 4.0, 9.0], [2, 6, 15]), "t")
    drawn = lines(figure)
    assert [values.tolist() for values in drawn["an episode"]] == [[2, 6, 15], [2.0, 4.0, 9.0]]
    assert drawn["mean of the last 20"][1].tolist() == [2.0, 3.0, 5.0]


def test_scores_are_followed_by_fresh_episodes():
    figure = figures.scores({500: 10.0, 1000: 30.0}, {"fresh": [20.0, 22.0]}, "t")
    drawn = lines(figure)
    assert drawn["fresh"][1].tolist() == [20.0, 22.0] and (drawn["fresh"][0] > 1000).all()
    assert figure.text == "t: validation scores step by step, then fresh"


def test_values_end_where_the_runs_do():
    curves = {"a": ([1, 2], [[1.0, 30.0], [-5.0, 20.0]]), "b": ([1, 2], [[1.0, 5000.0]])}
    figure = figures.values(curves, 50.0, "t")
    assert figure.text == "t: a end between 20 and 30, b end between 5,000 and 5,000; no true value exceeds 50"
    assert min(np.min(trace.y) for trace in figure.plotly.data) > 0, "a logarithm needs positive numbers"
    assert [trace.name for trace in figure.plotly.data if trace.showlegend] == ["a", "b"]


def test_chosen_checkpoints_stand_in_the_order_of_their_fresh_episodes():
    figure = figures.chosen([300.0, 500.0], [250.0, 240.0], "t")
    drawn = lines(figure)
    assert drawn["mean of 20 fresh episodes"][1].tolist() == [240.0, 250.0]
    assert drawn["validation score"][1].tolist() == [500.0, 300.0]
    assert "fresh episodes from 240 to 250, mean 245" in figure.text and "have the mean 400" in figure.text


def test_seeds_are_counted_from_the_step_at_which_each_is_solved():
    figure = figures.solved([30, 10], 50, "t")
    (line,) = figure.plotly.data
    assert (list(line.x), list(line.y)) == ([0, 10, 10, 30, 30, 50], [0, 0, 1, 1, 2, 2])
    assert figure.text == "t: the first seed after 10 steps, the last after 30"


def test_a_value_climbs_towards_a_level():
    figure = figures.climb({"slow": [0.0, 1.0], "fast": [1.0, 2.0]}, 2.0, "t")
    assert figure.text == "t: slow, fast; the true value is 2"
    assert lines(figure)["slow"][0].tolist() == [1, 2]
    assert [shape.y0 for shape in figure.plotly.layout.shapes] == [2.0]
