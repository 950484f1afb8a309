"""The recorder of lesson 05b goes on where it stopped, and cuts numbers."""

import json

import pytest

from binpack.course.l05_hyperparameters.recording import record, rounded

JOBS = [{"case": case, "seed": seed} for seed in (0, 1) for case in ("a", "b")]


def run(job):
    """What a job gives: a function of a module, as other processes need it."""
    return {"value": [job["seed"] + 1 / 3], "steps": 2_048_123}


def fails(job):
    """A job that must not be run."""
    raise AssertionError(f"{job} is run again")


def test_a_record_is_continued_and_keeps_the_order_of_the_jobs(tmp_path):
    path = tmp_path / "record.json"
    first = record(path, JOBS[:2], run, command="make it", processes=1)
    assert first == [{**job, "value": [0.3333], "steps": 2_048_123} for job in JOBS[:2]]
    rows = record(path, JOBS[::-1], run, command="make it", processes=1)
    assert [{name: row[name] for name in ("case", "seed")} for row in rows] == JOBS[::-1]
    stored = json.loads(path.read_text())
    assert stored["runs"] == rows and stored["about"]["command"] == "make it"
    assert record(path, JOBS[::-1], fails, command="make it", processes=1) == rows


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1234567.0, 1235000.0), (0.000123456, 0.0001235), (12345, 12345), ([1 / 3, None], [0.3333, None]), ("x", "x")],
)
def test_floats_are_cut_and_nothing_else(value, wanted):
    assert rounded({"a": value}) == {"a": wanted}
