"""Lesson 06: its sentences and figures follow the numbers."""

from __future__ import annotations

import numpy as np
from test_replay import made

from binpack.course.l06_grid_and_random import figures, sentences


def test_who_is_ahead():
    assert "neither is ahead" in sentences.compared("a", "b", 0.51, 0.001, 10)
    ahead = sentences.compared("a", "b", 0.7, 0.01, 27)
    assert ahead.startswith("after 27 trials a is ahead: a ends with more than b in 70% of the pairs")
    assert "b is ahead" in sentences.compared("a", "b", 0.2, -0.01, 27) and "-0.0100" in sentences.compared(
        "a", "b", 0.2, -0.01, 27
    )


def test_effects_are_ordered_and_the_rest_is_named():
    assert sentences.effects({"a": 0.1, "b": 0.6}) == "b 60%, a 10%; in combination and by luck 30%"


def test_the_best_division():
    words = sentences.best_split({(60, 1): 0.80, (20, 3): 0.85, (6, 10): 0.82})
    assert words.startswith("of 60 runs, 20 configurations with 3 seeds each choose best: 0.8500")
    assert sentences.best_split({(60, 1): 0.9}).startswith("of 60 runs, 60 configurations with 1 seed each")


def test_what_is_promised_is_a_table():
    table = sentences.promises({"grid": (np.array([0.9, 0.8]), np.array([0.8, 0.8]))})
    assert table.rows == [["grid", "0.850", "0.800", "+0.050"]]


def test_figures_say_what_they_show():
    runs = made(np.linspace(0.5, 0.9, 20)[:, None].repeat(3, axis=1))
    assert "best 0.900" in figures.ranked(runs, 0.8).text and "exceeded by 5" in figures.ranked(runs, 0.8).text
    points = {"grid": np.array([[0.1, 0.2], [0.1, 0.8]]), "random": np.array([[0.3, 0.2], [0.4, 0.8]])}
    drawn = figures.squares(points, "one", "other", "two plans")
    assert drawn.text == "grid 2 points, 1 places along one; random 2 points, 2 places along one"
    assert drawn.pixels().std() > 5
