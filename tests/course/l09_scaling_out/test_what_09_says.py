"""What lesson 09 says in words is what its records hold."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.course.l09_scaling_out.record_tournaments import REPEATS
from binpack.course.l09_scaling_out.records import Tournaments
from binpack.course.searching import apart


@pytest.fixture(scope="module")
def tournaments():
    return Tournaments.load().found


def mean(found, way, workers, what):
    return found[way, workers][what].mean()


def test_who_is_done_first_matters_to_asha_alone(tournaments):
    assert all(len(each["worth"]) == REPEATS for each in tournaments.values())
    for way in ("whole trials", "halving", "Hyperband"):
        assert np.array_equal(tournaments[way, 1]["worth"], tournaments[way, 16]["worth"])
    assert not np.array_equal(tournaments["ASHA", 1]["worth"], tournaments["ASHA", 16]["worth"])


def test_how_much_faster_sixteen_workers_are(tournaments):
    gain = {
        way: mean(tournaments, way, 1, "seconds") / mean(tournaments, way, 16, "seconds")
        for way in ("whole trials", "halving", "Hyperband", "ASHA")
    }
    assert 1.7 < gain["Hyperband"] < gain["halving"] < 2.1 and gain["ASHA"] == pytest.approx(10, abs=0.5)
    idle = {way: mean(tournaments, way, 16, "idle") for way in gain}
    assert 0.85 < idle["halving"] < 0.9 and 0.85 < idle["Hyperband"] < 0.9
    assert idle["whole trials"] == pytest.approx(0.5, abs=0.05) and min(idle, key=idle.get) == "ASHA"


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_stopping_early_finds_more_and_wrong_promotions_cost_no_decision(tournaments, workers):
    whole = tournaments["whole trials", workers]
    for way in ("halving", "Hyperband", "ASHA"):
        found = tournaments[way, workers]
        assert apart(found["worth"], whole["worth"]) and found["worth"].mean() > whole["worth"].mean()
        assert 3 < found["started"].mean() / whole["started"].mean() < 6.5
    asha, halving = (tournaments[way, workers]["worth"] for way in ("ASHA", "halving"))
    assert apart(asha, halving) and 0 < asha.mean() - halving.mean() < 0.005
    assert mean(tournaments, "ASHA", workers, "wrong") == pytest.approx(1 / 7, abs=0.02)
