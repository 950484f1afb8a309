"""Sentences on trial, and what is said of the sweeps."""

import numpy as np
import pytest
from invented_sweeps import invented

from binpack.core.statistics import verdict
from binpack.course.l05_hyperparameters import claims, exercises, knobs, results, sentences, worth
from binpack.course.l05_hyperparameters.claims import FAILS, FEW, FINAL, HOLDS, LATER, OPEN, SPREAD, Claim
from binpack.course.l05_hyperparameters.results import Sweeps


@pytest.fixture(scope="module")
def record() -> Sweeps:
    """Six seeds of invented scores."""
    return Sweeps(invented())


RATE, DEFAULT = {"learning_rate": 1e-3}, {}


@pytest.mark.parametrize(
    ("first", "other", "more", "word"),
    [(RATE, DEFAULT, True, HOLDS), (DEFAULT, RATE, True, FAILS), (DEFAULT, RATE, False, HOLDS)],
)
def test_a_sentence_is_judged_by_its_direction(record, first, other, more, word):
    assert Claim("a sentence", first, other, FINAL, more).judge(record).word == word


def test_what_makes_no_difference_is_not_separable(record):
    found = Claim("a sentence", {"gamma": 0.5}, {"gamma": 0.9}, FINAL).judge(record)
    assert found.word == OPEN and found.measured == "final score: gamma 0.5 against gamma 0.9"


def test_few_seeds_say_nothing_of_spreads():
    found = Claim("a sentence", {"gamma": 0.5}, DEFAULT, SPREAD).judge(Sweeps(invented(seeds=5)))
    assert (found.word, found.result) == (FEW, "5 seeds")


def test_the_numbers_are_those_of_the_verdict(record):
    found = Claim("a sentence", RATE, DEFAULT, FINAL).judge(record)
    told = verdict(record.runs(RATE).final, record.default.final)
    assert found.result == f"{told.difference:+.3f} ({told.interval.low:+.3f} to {told.interval.high:+.3f})"


def test_every_sentence_gets_a_word(record):
    found = claims.findings(record)
    assert len(found) >= 12 and len({each.says for each in found}) == len(found)
    assert {each.word for each in found} <= {HOLDS, FAILS, OPEN, FEW, LATER}
    assert found[-1].word == LATER
    assert sum(int(part.rpartition(" ")[2]) for part in claims.tally(found).partition("; ")[2].split(", ")) == len(
        found
    )


def test_a_band_compares_those_inside_with_those_outside(record):
    # an invented divergence is 0.01 at a rate of 0.001 and grows with the distance from it
    found = claims.band(record, "approx_kl", 0.009, 0.011)
    assert found.measured == "final score: the 1 settings inside against the 66 outside" and found.word == HOLDS
    assert claims.band(record, "approx_kl", 0.5, 0.6).word == FEW
    assert len(claims.single_changes()) == 67 and claims.single_changes()[0] == {}


def test_defaults_that_a_single_change_beats_do_need_tuning(record):
    assert claims.defaults(record).word == FAILS


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.says)
def test_the_lesson_s_verdict_is_the_package_s(record, claim):
    one, other = (dict(zip(record.seeds, record.runs(each).final, strict=True)) for each in (claim.first, claim.other))
    told = claims.word(verdict(list(one.values()), list(other.values())))
    assert exercises.judge_claim(one, other) == told.removesuffix(" here")


# --------------------------------------------------------------------------------------------------------- sentences


def test_a_sweep_is_told_in_two_lines(record):
    first, second = sentences.about(record, "learning_rate").split("\n")
    assert first.startswith("learning_rate: best mean 0.8") and "at 0.001, worst" in first and "at 0.1:" in first
    assert second == "  not behind the best: no other value"


def test_the_default_is_marked_in_a_table_of_diagnostics(record):
    rows = sentences.diagnostics(record, "gae_lambda").rows
    assert [row[0] for row in rows if row[0].endswith("*")] == ["0.95*"] and len(rows) == 7


def test_the_order_of_tuning_is_that_of_the_spreads(record):
    lines = sentences.order(worth.worths(record)).split("\n")
    assert "learning_rate is number 1," in lines[0] and lines[1].startswith("the first three are learning_rate, ")
    assert "learning_rate (+0.0" in lines[2]


def test_equal_counts_share_a_rank():
    assert sentences._ranks(np.array([3, 1, 3, 2])).tolist() == [3.0, 0.5, 3.0, 1.5]


def test_every_hyperparameter_is_described():
    assert set(knobs.ABOUT) == set(results.KNOBS)
    assert len(knobs.table("gamma", "ent_coef").rows) == 2


def test_runs_are_counted(record):
    assert sentences.counted(record) == "90 settings with 6 seeds each: 540 runs; none diverged"
