"""What lesson 07 says in words of its race is what the record holds."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.course.l07_tpe import sentences
from binpack.course.l07_tpe.race import REPEATS, Race
from binpack.search.landscape.leaders import promises
from binpack.search.landscape.table import load


@pytest.fixture(scope="module")
def race():
    return Race.load()


def test_the_race_is_whole(race):
    assert {name: len(found) for name, found in race.found.items()} == dict(REPEATS)


def test_no_search_ends_above_what_was_run(race):
    study = load()
    best = max(float(study.runs(group).final.mean(axis=1).max()) for group in ("study", "grid", "box", "led"))
    table = sentences.beyond(race, list(REPEATS), best)
    assert all(row[1:] == ["0%"] * len(sentences.AT) for row in table.rows)


def test_the_surrogate_promised_too_much_and_less_so_in_the_second_round():
    found = {key: (promised.mean(), real.mean()) for key, (promised, real) in promises(load()).items()}
    too_much = {key: promised - real for key, (promised, real) in found.items()}
    assert all(each > 0 for each in too_much.values())
    for by in ("TPE", "climb"):
        assert too_much[1, by] > too_much[2, by]
    assert too_much[1, "climb"] > too_much[1, "TPE"]


def test_an_early_leader_of_random_search_leads_half_of_the_searches_after_twenty_trials(race):
    assert race.led_by_start("random", 10, 20) == pytest.approx(0.5, abs=0.04)
    assert race.led_by_start("TPE", 10, 20) < 0.45


def test_ours_and_optunas_agree(race):
    """At 12 comparisons, one may lie outside of twice the standard error; none lies outside of three times."""
    for mine, theirs in sentences.TWINS.items():
        for at in sentences.AT:
            one, other = race.curves(mine)[:, at - 1], race.curves(theirs)[:, at - 1]
            error = np.sqrt(one.var() / len(one) + other.var() / len(other))
            assert abs(one.mean() - other.mean()) < 3 * error
