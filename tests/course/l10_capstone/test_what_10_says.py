"""What lesson 10 says in words is what its record holds."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.core.heuristics import HEURISTICS
from binpack.core.statistics import verdict
from binpack.course.l10_capstone import task, words
from binpack.course.l10_capstone.exercises import gain_kept, holm
from binpack.course.l10_capstone.record_capstone import Record
from binpack.search.card import card
from binpack.search.leaderboard import entry_of


@pytest.fixture(scope="module")
def record():
    return Record.load()


@pytest.fixture(scope="module")
def means(record):
    return {name: float(np.mean(scores)) for name, scores in record.finalists.scores.items()}


def test_it_is_the_study_of_the_lesson(record):
    assert record.config == task.study(task.env())
    assert len(record.trials) == task.TRIALS and len(record.finalists.seeds) == task.FRESH


def test_the_search_promises_more_than_is_kept(record):
    tuned, default = words.promised(record)
    assert record.finalists.trials == [13, 21, 23] and max(record.scores) == tuned
    assert tuned - default == pytest.approx(0.038, abs=0.0005)
    assert sum(score > default for score in record.scores) == 18
    fresh = record.finalists.scores
    kept = gain_kept.reference(tuned, default, np.array(fresh["13"]), np.array(fresh["default"]))
    assert kept == pytest.approx(0.4, abs=0.02)


def test_finalists_stand_in_another_order_and_close_together(record, means):
    assert means["default"] < means["13"] < means["21"] < means["23"]
    assert means["21"] - means["13"] == pytest.approx(0.004, abs=0.0005)
    assert means["23"] - means["21"] == pytest.approx(0.001, abs=0.0005)
    assert all(np.ptp(record.finalists.scores[name]) > 0.01 for name in means)


def test_who_still_rises(record):
    curves = {name: np.array(runs)[:, :, 1].mean(axis=0) for name, runs in record.curves.items()}
    for name in ("13", "21"):
        assert curves[name][-1] - curves[name][-2] > 0.005
    assert abs(curves["23"][-1] - curves["23"][-2]) < 0.002
    assert curves["23"][-2] > max(each[-2] for name, each in curves.items() if name != "23") + 0.01


def test_all_three_count_and_trial_21_only_in_the_last_place(record):
    table = words.judged(record, holm.reference)
    assert [row[3] for row in table.rows] == ["ahead"] * 3 and [row[5] for row in table.rows] == ["counts"] * 3
    p = dict(zip(("13", "21", "23"), (float(row[4]) for row in table.rows), strict=True))
    assert 0.05 / 3 < p["21"] < 0.05 and max(p["13"], p["23"]) < 0.05 / 3
    ends = {name: verdict(record.finalists.scores[name], record.finalists.scores["default"]).interval for name in p}
    assert max(ends, key=lambda name: ends[name][1] - ends[name][0]) == "21"
    tuned, default = words.promised(record)
    assert ends["21"][0] < 0.002 and ends["21"][1] == pytest.approx(tuned - default, abs=0.003)


def test_the_gain_is_gone_in_the_month_after(record):
    table = words.judged(record, holm.reference, later=True)
    assert [row[3] for row in table.rows] == ["not separable"] * 3
    low, high = verdict(record.later["13"], record.later["default"]).interval
    assert -low > 2 * high


def test_who_stands_where_in_both_months(record, means):
    shipped = {name for name in record.finalists.others if name not in HEURISTICS}
    rules = [name for name in record.finalists.others if name in HEURISTICS]
    assert min(means.values()) > max(record.finalists.others.values())
    after = {name: float(np.mean(scores)) for name, scores in record.later.items()}
    assert max(after, key=after.get) == "default" and min(after, key=after.get) == "13"
    assert all(0 < after["default"] - after[name] < 0.002 for name in ("21", "23"))
    above = [name for name in shipped if record.later_others[name] > after["13"]]
    assert above == ["random_k5"] and abs(record.later_others["random_k5"] - after["23"]) < 0.002
    for scores, trained in ((record.finalists.others, means), (record.later_others, after)):
        simpler = [scores[name] for name in rules if name not in ("touching_area", "random")]
        assert min(trained.values()) > scores["touching_area"] > max(simpler)
        assert min(simpler) > scores["random"]
    now, then = words.ahead_of_rules(record).splitlines()
    assert now.endswith(": ahead") and then.endswith(": not separable") and "touching_area" in now


def test_the_card_says_that_a_range_was_too_narrow(record, tmp_path):
    record.restore(tmp_path / "recorded.journal")
    said = dict(words.page(card(tmp_path / "recorded.journal")).rows)
    assert "ent_coef" in said["At the edge"] and "upper end" in said["At the edge"]


def test_first_and_last_of_equals_lie_nearly_as_far_apart_as_tuning_gained(record, tmp_path):
    entry = entry_of(record.restore(tmp_path / "recorded.journal"), "Ann")
    others = ("Ben", "Cho", "Dana", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jun", "Kim", "Lea")
    means = [each.mean for each in (entry, *words.equals(entry, others))]
    assert max(means) - min(means) == pytest.approx(0.012, abs=0.0005) and entry.difference > 0.012
