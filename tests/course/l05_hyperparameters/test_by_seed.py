"""The recorders of lesson 05b: seed by seed, in files that are written as they were before and go on."""

import json
from pathlib import Path

import pytest

from binpack.course.l05_hyperparameters import by_seed, record_arm, record_curriculum, record_sick_runs
from binpack.course.l05_hyperparameters.arm_runs import settings
from binpack.course.l05_hyperparameters.by_seed import jobs, record
from binpack.course.l05_hyperparameters.curriculum import ARMS
from binpack.course.l05_hyperparameters.sick_runs import CASES


def run(job):
    """What a job gives: a function of a module, as other processes need it."""
    return {"value": [job.key["seed"] + 1 / 3], "steps": 2_048_123}


def fails(job):
    """A job that must not be run."""
    raise AssertionError(f"{job} is run again")


def test_jobs_come_seed_by_seed():
    keys = [job.key for job in jobs("case", iter(("a", "b")), (0, 1))]
    assert keys == [{"case": case, "seed": seed} for seed in (0, 1) for case in ("a", "b")]


def test_a_record_goes_on_with_more_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(by_seed.os, "cpu_count", lambda: 1)
    path = tmp_path / "arm.json"
    record(path, "case", ("a", "b"), run, 1)
    record(path, "case", ("a", "b"), run, 2)
    record(path, "case", ("a", "b"), fails, 2)
    record(path, "case", ("a", "b"), fails, 1)  # fewer are asked for: none is lost
    stored = json.loads(path.read_text())
    assert stored["about"]["command"] == "python -m binpack.course.l05_hyperparameters.record_arm"
    assert [(row["case"], row["seed"]) for row in stored["runs"]] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert stored["runs"][-1] == {"case": "b", "seed": 1, "value": [1.333], "steps": 2_048_123}


@pytest.mark.parametrize(
    ("recorder", "what", "names"),
    [(record_arm, "setting", settings()), (record_curriculum, "arm", ARMS), (record_sick_runs, "case", CASES)],
)
def test_what_is_recorded_already_is_kept_letter_by_letter(recorder, what, names, tmp_path, monkeypatch):
    monkeypatch.setattr(by_seed.os, "cpu_count", lambda: 1)
    before = Path(recorder.FILE).read_text(encoding="utf-8")
    path = tmp_path / recorder.FILE.name
    path.write_text(before, encoding="utf-8")
    record(path, what, names, fails, 0)
    after = path.read_text(encoding="utf-8")
    assert after.partition('"runs"')[2] == before.partition('"runs"')[2]
    assert json.loads(before)["about"]["command"] == json.loads(after)["about"]["command"]
