"""Leases on a real server, in accelerated time: who has a trial, who has it no longer, and what counts."""

from __future__ import annotations

import time
from pathlib import Path

import optuna
import postgres
import pytest

from binpack.search.engines.database import Terms, connected, run
from binpack.search.engines.leases import Leases, make_table
from binpack.search.storage import Location

ROOT = Path(__file__).resolve().parents[3]
FACTS = {"metrics": {"score": 1.0}, "artifact": None, "stopped": False, "error": None}
SHORT = 0.5


@pytest.fixture(scope="module")
def server():
    with postgres.own_server(ROOT) as made:
        yield made


@pytest.fixture
def make(server):
    """Return what makes workers' views of one new study, and Optuna's part of it."""
    location = Location(server.url(), "leases", None, Path(), Path())
    with connected(location, 5.0, print) as database:
        database.ask(make_table)
        study_id = database.storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE])
        made = []

        def new_trial(number):
            made.append(number)
            return 1000 + number

        def make(lease=60.0, tries=2):
            leases = Leases(database, study_id, Terms(lease=lease, tries=tries))
            return leases, lambda busy=(), total=3, at_once=None: leases.claim(busy, total, at_once, new_trial)

        make.made = made
        make.database = database
        yield make


def test_trials_are_shared_out_in_their_order_and_each_has_one_owner(make):
    (a, claim_a), (b, claim_b) = make(), make()
    rows = [claim_a(), claim_b(), claim_a({0})]
    assert [row.number for row in rows] == [0, 1, 2] == make.made
    assert [row.owner for row in rows] == [a.owner, b.owner, a.owner]
    assert claim_b({1}) is None and claim_a({0, 2}) is None
    assert a.end(rows[0], FACTS) and not a.end(rows[1], FACTS)
    assert {row.number: row.state for row in a.changes()[0]} == {0: "ended", 1: "running", 2: "running"}
    # more samples
    assert claim_a({2}, total=4).number == 3


def test_a_lease_that_ran_out_is_taken_over_and_its_first_owner_writes_nothing_more(make):
    (a, claim_a), (b, claim_b) = make(lease=SHORT), make()
    first = claim_a(total=1)
    assert a.note(first, {"score": 0.5}) and claim_b(total=1) is None
    time.sleep(SHORT + 0.2)
    second = claim_b(total=1)
    assert (second.number, second.tries, second.metrics) == (0, 2, {"score": 0.5})
    assert not a.note(first, {"score": 9}) and not a.hand_back(first) and not a.end(first, FACTS)
    assert a.beat([first]) == {0} and b.beat([second]) == set() and a.release() == 0
    assert b.end(second, FACTS)
    assert not a.end(first, {**FACTS, "error": "late"})
    assert [row.outcome for row in a.changes()[0]] == [FACTS] and make.made == [0]


def test_an_owner_that_comes_back_in_time_keeps_its_trial(make):
    (a, claim_a), (_, claim_b) = make(lease=SHORT), make()
    row = claim_a(total=1)
    for _ in range(4):
        time.sleep(SHORT / 2)
        assert a.beat([row]) == set()
    assert claim_b(total=1) is None
    time.sleep(SHORT + 0.2)
    # late, and nobody has taken it
    assert a.beat([row]) == set() and a.end(row, FACTS)


def test_an_owner_that_took_a_trial_twice_does_not_end_it_as_the_first_time(make):
    (a, claim_a), (_, claim_b) = make(lease=SHORT, tries=9), make(lease=SHORT, tries=9)
    first = claim_a(total=1)
    time.sleep(SHORT + 0.2)
    claim_b(total=1)
    time.sleep(SHORT + 0.2)
    third = claim_a(total=1)
    assert third.tries == 3 and not a.end(first, FACTS) and a.end(third, FACTS)


def test_a_trial_is_given_up_after_its_tries(make):
    (a, claim_a), (_, claim_b) = make(lease=SHORT, tries=2), make(lease=SHORT, tries=2)
    claim_a(total=1)
    time.sleep(SHORT + 0.2)
    claim_b(total=1)
    time.sleep(SHORT + 0.2)
    assert claim_a(total=1) is None
    (row,) = a.changes()[0]
    assert row.state == "ended"
    assert row.outcome["error"] == f"given up after 2 tries: the worker that had it last ({row.who}) was lost"


def test_what_is_released_is_free_at_once_and_counts_as_not_begun(make):
    (a, claim_a), (_, claim_b) = make(), make()
    claim_a(total=1)
    assert a.release() == 1
    row = claim_b(total=1)
    assert (row.tries, row.number) == (1, 0)


def test_what_failed_is_handed_back_and_counts_as_a_try(make):
    (a, claim_a), (_, claim_b) = make(), make()
    assert a.hand_back(claim_a(total=1))
    assert claim_b(total=1).tries == 2


def test_no_more_at_a_time_than_the_job_allows(make):
    (a, claim_a), (_, claim_b) = make(), make()
    row = claim_a(at_once=1)
    assert claim_b(at_once=1) is None
    a.end(row, FACTS)
    assert claim_b(at_once=1).number == 1


def test_a_trial_lost_on_the_way_to_its_owner_is_found_again(make):
    """The connection was lost in the commit: the row is there, its owner does not know."""
    (_, claim_a), (_, claim_b) = make(), make()
    row = claim_a(total=2)
    assert claim_b({}, total=2).number == 1
    assert claim_a({}, total=2) == row
    assert claim_a({0}, total=2) is None


def test_only_what_changed_is_read_again(make):
    leases, claim = make()
    row = claim()
    rows, since = leases.changes()
    assert [each.number for each in rows] == [0]
    age = "UPDATE binpack_trials SET changed = changed - interval '1 hour' WHERE study_id = :study"
    make.database.ask(lambda connection: run(connection, age, study=leases.study_id))
    assert leases.changes(since)[0] == []
    leases.note(row, {"score": 2})
    assert [each.metrics for each in leases.changes(since)[0]] == [{"score": 2}]


def test_a_study_that_is_deleted_takes_its_rows_along(make):
    leases, claim = make()
    claim()
    make.database.storage.delete_study(leases.study_id)
    assert leases.changes()[0] == []
