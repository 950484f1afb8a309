"""What lesson 08b says in words is what its records hold."""

from __future__ import annotations

import pytest

from binpack.course.l08_optuna import signs
from binpack.course.l08_optuna.reading_records import Replays
from binpack.search.landscape.table import load


@pytest.fixture(scope="module")
def replays():
    return Replays.load()


def mean(replays, pruner, measure, of="points"):
    return float(replays.found[of, pruner][measure].mean())


def test_the_median_pruner_saves_more_than_is_quoted_kills_much_and_loses_little(replays):
    assert 0.75 < mean(replays, "median", "saved") < 0.85
    assert 0.6 < mean(replays, "median", "good_killed") < 0.75
    assert 0.45 < mean(replays, "median", "best_killed") < 0.55
    assert 0.001 < mean(replays, "median", "loss") < 0.005


def test_a_warm_up_makes_it_gentler(replays):
    name = "median after a quarter"
    assert 0.5 < mean(replays, name, "saved") < 0.6
    assert 0.2 < mean(replays, name, "best_killed") < 0.3
    loss = replays.found["points", name]["loss"]
    assert abs(loss.mean()) < 2 * loss.std() / len(loss) ** 0.5


def test_the_critic_tells_more_than_the_score_at_first_and_less_after_a_quarter():
    found = {name: each.mean(axis=0) for name, each in signs.correlations(load().runs("study")).items()}
    assert max(found, key=lambda name: abs(found[name][1])) == "explained_variance"
    assert all(abs(found["utilization"][point]) > abs(found["explained_variance"][point]) for point in range(4, 20))
