"""What lesson 09 says in words is what its records hold."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.course.l09_scaling_out import record_libraries, record_workers, served, toy
from binpack.course.l09_scaling_out.record_tournaments import REPEATS
from binpack.course.l09_scaling_out.records import Crowds, Engines, Libraries, Speed, Tournaments, Workers
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


@pytest.fixture(scope="module")
def crowds():
    found = Crowds.load()
    return {key: dict(zip(found.at, worth.T, strict=True)) for key, worth in found.worth.items()}


def test_a_crowd_pays_little_and_stays_ahead_of_chance(crowds):
    one, random = crowds["TPE", 1], crowds["random", 1]
    for workers in (4, 16):
        many = crowds["TPE", workers]
        assert 0.0025 < one[64].mean() - many[64].mean() < 0.0045
        assert not apart(one[96], many[96]) and apart(many[96], random[96])
        assert (many[96].mean() - random[96].mean()) / (one[96].mean() - random[96].mean()) > 0.5
    assert apart(one[64], crowds["TPE", 4][64])
    assert apart(one[96], random[96]) and one[96].mean() - random[96].mean() == pytest.approx(0.006, abs=0.0005)


def test_the_liar_makes_no_difference_among_eleven_hyperparameters(crowds):
    for workers in (4, 16):
        for at, worth in crowds["TPE", workers].items():
            assert not apart(worth, crowds["TPE without the liar", workers][at])


def test_trials_are_the_parallel_thing_and_threads_gain_nothing():
    speed = Speed.load()
    alone = speed.training[1, 1] / speed.trials
    assert alone.mean() == pytest.approx(1.5, abs=0.1) and 1.5 < speed.speed_up(2, 1) < 2
    assert speed.seconds[2, 1].max() < min(each.min() for key, each in speed.seconds.items() if key != (2, 1))
    assert 1 - speed.training[1, 1].sum() / speed.seconds[1, 1].sum() == pytest.approx(0.1, abs=0.01)
    assert 1.02 < speed.training[2, 1].mean() / speed.training[1, 1].mean() < 1.15
    assert speed.speed_up(1, 2) < 1 and 1 / speed.speed_up(2, 2) == pytest.approx(3, abs=0.4)


def test_workers_that_leave_take_no_trial_with_them():
    workers = Workers.load()
    stay, asked, killed = (workers.found[kind] for kind in served.KINDS)
    for found in (stay, asked, killed):
        assert np.all(found["ended"] == workers.trials) and np.all(found["made"] == workers.trials * toy.STEPS)
        assert len(found["ended"]) == record_workers.REPEATS
    assert asked["seconds"].min() > stay["seconds"].max() and killed["seconds"].min() > stay["seconds"].max()
    busy = toy.STEPS * record_workers.PAUSE
    assert asked["waited"].min() > 0 and asked["waited"].max() < busy == 2.5
    assert killed["waited"].min() > 0.75 * served.LEASE and killed["waited"].max() < served.LEASE + busy + 0.5


def test_libraries_find_the_same_and_two_of_them_more_than_chance():
    found = Libraries.load()
    last = {name: worth[:, found.at.index(60)] for name, worth in found.worth.items()}
    chance, optuna, hyperopt, sweep = (last[name] for name in ("random", "Optuna, TPE", "Hyperopt, TPE", "W&B, bayes"))
    assert {len(each) for each in last.values()} == {record_libraries.REPEATS}
    assert not apart(optuna, sweep) and not apart(optuna, hyperopt) and not apart(hyperopt, sweep)
    assert not apart(hyperopt, chance)
    for ahead in (optuna, sweep):
        assert apart(ahead, chance) and ahead.mean() - chance.mean() == pytest.approx(0.004, abs=0.0007)
    early = {name: worth[:, found.at.index(20)] for name, worth in found.worth.items()}
    assert apart(early["Optuna, TPE"], early["Hyperopt, TPE"]) and not apart(early["Hyperopt, TPE"], early["random"])
    assert early["Optuna, TPE"].mean() > early["Hyperopt, TPE"].mean()


def test_what_libraries_and_engines_cost_and_keep():
    found, engines = Libraries.load(), Engines.load()
    cost = {name: float(np.median(each)) for name, each in found.overhead.items()}
    assert cost["Optuna, TPE"] < cost["Hyperopt, TPE"] < cost["W&B, bayes"] < 0.1
    assert [each.kept for each in found.facts.values()] == [5, 5, 0]
    assert [each.stops for each in found.facts.values()] == [True, False, True]
    for engine in ("local", "ray"):
        assert engines.overhead(engine) < 0.01 * 10, "a hundredth of a trial of ten seconds"
    assert engines.start("ray") > 3 * engines.start("local")
