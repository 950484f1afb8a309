"""Lesson 06: replayed searches against plain oracles, on runs that are made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from binpack.course.l06_grid_and_random import exercises, replay
from binpack.search.landscape import task
from binpack.search.landscape.table import Runs

scores = arrays.arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.floats(0, 1, width=16))


def made(final: np.ndarray, test: np.ndarray | None = None) -> Runs:
    """Runs with given scores, (configurations, seeds)."""
    curve = np.repeat(final[..., None], 20, axis=2).astype(np.float32)
    worth = final if test is None else test
    seeds = tuple(range(final.shape[1]))
    configs = ({**task.DEFAULT},) * len(final)
    return Runs("study", "cut", configs, seeds, curve, worth.astype(np.float32), curve * 0, curve * 0, {})


@given(scores)
def test_leaders_are_those_of_a_loop(table):
    for row, found in zip(table, replay.leaders(table), strict=True):
        worth = np.arange(len(row), dtype=float)
        assert found.tolist() == exercises.worth_so_far.reference(row, worth).tolist()


def test_a_search_tries_each_configuration_once_with_a_seed_of_its_own():
    final = np.arange(60).reshape(12, 5) / 100  # a score names its run
    runs = made(final)
    seen, worth = replay.searches(runs, 12, 400, np.random.default_rng(0))
    assert seen.shape == worth.shape == (400, 12)
    numbers = np.round(seen * 100).astype(int)
    configs, seeds = numbers // 5, numbers % 5
    assert (np.sort(configs, axis=1) == np.arange(12)).all()
    others = np.array([[np.delete(row, seed).mean() for seed in range(5)] for row in final])
    assert np.allclose(worth, others[configs, seeds], atol=1e-6)
    assert (np.bincount(seeds.ravel()) > 400 * 12 / 5 * 0.8).all()
    in_order, _ = replay.searches(runs, 7, 3, np.random.default_rng(0), in_order=True)
    assert (np.round(in_order * 100).astype(int) // 5 == np.arange(7)).all()


def test_without_noise_the_best_is_always_chosen():
    runs = made(np.repeat(np.linspace(0.5, 0.9, 30)[:, None], 4, axis=1))
    found = replay.choices(runs, 10, 2, 300, np.random.default_rng(0))
    assert found.best == 1 and found.regret == 0 and found.worth == pytest.approx(found.promised)


def test_with_nothing_but_noise_the_choice_is_chance_and_promises_too_much():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, (40, 10))
    runs = made(0.7 + noise - noise.mean(axis=1, keepdims=True) + np.linspace(0, 1e-4, 40)[:, None])
    one, ten = (replay.choices(runs, 10, seeds, 3000, np.random.default_rng(2)) for seeds in (1, 10))
    assert one.best == pytest.approx(0.1, abs=0.03)
    assert one.promised - one.worth > 2 * (ten.promised - ten.worth) > 0.01


def test_a_sequence_leaves_smaller_gaps_and_both_fill_the_cube():
    rng = np.random.default_rng(0)
    gaps = {}
    for kind in ("random", "Sobol"):
        drawn = replay.points(kind, 64, 11, rng)
        assert drawn.shape == (64, 11) and drawn.min() >= 0 and drawn.max() <= 1
        gaps[kind] = replay.largest_gaps(drawn)
    assert (gaps["Sobol"] < 2 / 32).all() and gaps["random"].mean() > gaps["Sobol"].mean()


def test_a_gap_is_measured_from_the_ends_too():
    assert replay.largest_gaps(np.array([[0.5, 0.9], [0.6, 0.95]])) == pytest.approx([0.5, 0.9])
