"""Lesson 09's simulations of workers: pools, leases, interruptions and populations, on numbers worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.course.l09_scaling_out import faults, figures, leasing, population, spot, words, workers
from binpack.course.l09_scaling_out.exercises import (
    checkpoint_plan,
    exploit_and_explore,
    halving_plan,
    hyperband_brackets,
    lease_says,
    run_pool,
    speed_up,
)
from binpack.course.l09_scaling_out.workers import Bar

# ------------------------------------------------------------------------------------------------------------- workers


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12), count=st.integers(1, 5))
def test_a_pool_does_what_the_exercise_says(lengths, count):
    bars = workers.pool(lengths, count)
    order, idle = run_pool(np.array(lengths, float), count)
    assert [bar.trial for bar in sorted(bars, key=lambda bar: (bar.end, bar.trial))] == order.tolist()
    whole = count * max(bar.end for bar in bars)
    assert workers.idle(bars, count) == pytest.approx(idle / whole)
    for worker in range(count):
        mine = sorted((bar.start, bar.end) for bar in bars if bar.worker == worker)
        assert all(one[1] == other[0] for one, other in pairwise(mine)), "without a gap"


def test_pictures_say_what_they_show():
    drawn = figures.timeline([Bar(0, 0, 2, 7), Bar(1, 1, 3, 8, "cut off")], title="two", text="two bars", names="ab")
    assert drawn.text == "two bars" and [trace.name for trace in drawn.plotly.data] == ["at work", "cut off"]
    assert drawn.plotly.data[1].base == (1,) and drawn.plotly.data[1].x == (2,) and drawn.plotly.data[1].y == ("b",)
    assert len(drawn.png()) > 1000
    assert "10% serial 5.0" in figures.speed_ups(speed_up, (0.1,), most=9).text
    row = figures.row_of_trials([3.0, 1.0, 1.0], 2, title="", text="three", x="s")
    assert row.plotly.data[0].base == (0, 0, 1)


def test_brackets_are_drawn_with_their_costs():
    found = hyperband_brackets(20, 4)
    text = figures.brackets(halving_plan, found, (1, 5, 20), 4).text
    assert text == (
        "bracket 1 begins with 16 and trains 47 points; bracket 2 begins with 6 and trains 45 points; "
        "bracket 3 begins with 3 and trains 60 points"
    )
    assert hyperband_brackets(81, 3).tolist() == [[81, 1], [34, 3], [15, 9], [8, 27], [5, 81]], "Li et al., table 1"


# -------------------------------------------------------------------------------------------------------------- leases


def test_leases_lose_nothing_and_count_nothing_twice():
    kept, adopted, leased = (leasing.play(rule) for rule in (leasing.for_ever, leasing.adopt, lease_says))
    assert math.isinf(kept.seconds) and kept.lost >= 1
    assert adopted.twice > 0 and adopted.lost == 0
    assert leased.lost == leased.twice == 0 and leased.seconds < adopted.seconds
    assert sum(bool(trial.refused) for trial in leased.trials) == 1, "of the worker that was away"
    for story in (kept, adopted, leased):
        for worker in range(3):
            mine = sorted((bar.start, bar.end) for bar in story.bars if bar.worker == worker)
            assert all(one[1] <= other[0] for one, other in pairwise(mine)), "one thing at a time"
    for worker, (gone, back) in enumerate(each.away for each in leasing.crew()):
        mine = [bar for bar in leased.bars if bar.worker == worker]
        assert all(bar.end <= gone or bar.start >= back for bar in mine), "nobody works while it is away"
    late = [bar for bar in leased.bars if bar.worker == 2 and bar.trial == 3]
    assert [(bar.start, bar.end, bar.kind) for bar in late] == [(4, 9, "cut off"), (19, 20, "refused")]
    assert leased.trained == sum(bar.end - bar.start for bar in leased.bars if bar.kind != "counted") == 7


def test_the_rules_stand_in_a_table():
    rows = leasing.compared({"kept": leasing.for_ever, "lease": lease_says}).rows
    assert rows[0][:2] == ["kept", "never"] and rows[1][2:4] == ["0", "0"]


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=10))
def test_with_leases_every_trial_has_one_result(lengths):
    story = leasing.play(lease_says, lengths)
    assert [len(trial.counted) for trial in story.trials] == [1] * len(lengths)
    assert story.trained >= 0


def test_each_storage_shows_its_fault(tmp_path):
    rows = faults.table(tmp_path).rows
    assert [row[0] for row in rows] == ["memory", "SQLite", "journal file", "journal file"]
    seen = [row[2] for row in rows]
    assert seen[0] == "each sees 1 trial, and both tried the same value"
    assert seen[1] == "StorageInternalError: database is locked"
    assert seen[2].startswith("trial 0 is RUNNING for ever")
    assert seen[3].startswith("the slow worker's result is lost")


# -------------------------------------------------------------------------------------------------------- interruption


def test_youngs_interval_loses_least_of_all_by_the_formula():
    for cost, between in ((20.0, 7200.0), (5.0, 86_400.0)):
        interval, share = checkpoint_plan(cost, between)
        shares = spot.young_share(np.array([0.5, 0.9, 1.0, 1.1, 2.0]) * interval, cost, between)
        assert shares.argmin() == 2 and shares[2] == pytest.approx(share)


def test_what_is_played_loses_what_the_formula_says():
    cost, between = 10.0, 36_000.0
    interval, share = checkpoint_plan(cost, between)
    played = spot.lost_shares([interval], cost, between, 360_000.0, 600, np.random.default_rng(0))
    assert played.shape == (1, 600) and (played > 0).all()
    assert played.mean() == pytest.approx(share, rel=0.12)


def test_nothing_is_lost_but_the_checkpoints_where_nothing_is_interrupted():
    played = spot.lost_shares([100.0], 5.0, 1e12, 1000.0, 3, np.random.default_rng(0))
    assert played == pytest.approx(0.05)


def test_the_bill_is_made_of_hours_and_prices():
    rows = spot.bill(10, 3, 1, (0.1, 2.0, 2.5)).rows
    assert [row[3] for row in rows] == ["30.00", "11.00", "30.00", "35.00"]
    assert [row[4] for row in rows] == ["", "+63%", "+0%", "-17%"]
    assert spot.break_even(3, 1) == 2.0
    played = np.array([[0.3, 0.3], [0.1, 0.2], [0.4, 0.4]])
    text = figures.overhead(np.array([60.0, 120.0, 240.0]), played, np.sqrt, 130.0).text
    assert text == "of the intervals that were played 2.0 minutes lose least; Young's is 2.2 minutes"


# ---------------------------------------------------------------------------------------------------------- population


@pytest.mark.parametrize("seed", range(8))
def test_only_together_blind_members_come_to_the_top(seed):
    alone, together = population.blind(population.nobody, seed), population.blind(exploit_and_explore, seed)
    assert alone.scores[-1].max() < 0.7 and together.scores[-1].max() > 1.1
    assert alone.weights.shape == together.weights.shape == (201, 2, 2)


def test_a_population_finds_a_schedule_that_no_fixed_step_has():
    fixed, ends = population.fixed(20), population.ends(exploit_and_explore, 20)
    best = fixed[:, fixed.mean(axis=0).argmax()]
    assert ends.mean() > best.mean() and (ends > best).mean() > 0.6
    assert population.decaying(20).mean() > ends.mean(), "who knows the schedule needs no population"
    for seed in range(5):
        length = population.best_length(population.noisy(exploit_and_explore, seed))
        assert np.median(length[1:50]) > 1.5 * np.median(length[-50:])
    rows = words.lived(ends, fixed, population.decaying(20)).rows
    assert [row[1] for row in rows] == ["8", "8", "8", "1"]
    lives = population.noisy(exploit_and_explore, 1)
    assert "in the first quarter" in figures.lengths(lives, 0.02).text
    assert "a population ends at" in figures.paths({"a population": population.blind(exploit_and_explore, 0)}).text
