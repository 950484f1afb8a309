"""What lesson 08 says in words is what its record holds."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.course.l08_optuna import failures
from binpack.course.l08_optuna.searches import PER_TRIAL, REPEATS, SEARCHES, Searches
from binpack.course.searching import apart


@pytest.fixture(scope="module")
def searches():
    return Searches.load()


def test_the_record_is_whole(searches):
    cases = [("seeds", search, str(count)) for search in SEARCHES for count in PER_TRIAL]
    for case in [*cases, *(("failures", "TPE", way) for way in failures.WAYS)]:
        assert len(searches.values(*case)) == REPEATS


@pytest.mark.parametrize(("search", "level"), [("random", (1, 2, 3)), ("TPE", (1, 2, 3, 5))])
def test_few_seeds_are_level_and_ten_are_too_many(searches, search, level):
    worth = {count: searches.values("seeds", search, str(count)) for count in PER_TRIAL}
    best = max(worth, key=lambda count: worth[count].mean())
    assert {count for count in PER_TRIAL if count == best or not apart(worth[best], worth[count])} == set(level)
    assert worth[1].std() > worth[2].std()


def test_what_a_search_is_told_of_failures_makes_no_difference_where_the_good_ones_lie_elsewhere(searches):
    worth = {way: searches.values("failures", "TPE", way) for way in failures.WAYS}
    names = list(worth)
    assert not any(apart(worth[one], worth[other]) for one in names for other in names if one != other)
    for way in failures.WAYS:
        assert np.mean(searches.values("failures", "TPE", way, "failed")) < 0.08
