"""``action``: exit codes, what is printed where, and what is written."""

from __future__ import annotations

import json

import pytest

from binpack.__main__ import main

TOY = """
def tune(hyperparameter, run, **kwargs):
    print("x is", hyperparameter["x"])
    run.report(hyperparameter["x"])
    run.checkpoint_output.write_text("model")
    return hyperparameter["x"]

def train(**kwargs):
    if kwargs["hyperparameter"]["x"] < 0:
        raise RuntimeError("below zero")
    return tune(**kwargs)
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Write jobs and their entrypoint into the current folder; return what writes one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_training.py").write_text(TOY)

    def write(**params):
        base = {"name": "mine", "dataset": "random", "entrypoint": "own_training"}
        (tmp_path / "job.json").write_text(json.dumps({"action": "train", "params": {**base, **params}}))
        return ["action", "job.json", "--out", "out"]

    return write


TUNING = {
    "is_tune": True,
    "hyperparameters": [{"name": "x", "type": "grid_search", "options": [1, 3, 2]}],
    "tune_config": {"mode": "max", "metric": "score", "max_concurrent_trials": 1},
}


def test_tuning_shows_its_trials_and_writes_its_result(job, tmp_path, capsys):
    assert main(job(**TUNING)) == 0
    output = capsys.readouterr()
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert output.out.splitlines() == [
        f"best: {result['model_id']} (training_iteration 1, score 3)",
        "3 models: out/result.json",
    ]
    lines = output.err.splitlines()
    identity = result["model_id"].partition("_")[0]
    assert f"[{identity}_00001] x is 3" in lines
    assert f"{identity}_00002 TERMINATED training_iteration=1 score=2" in lines
    assert lines[-1] == "100 %" and "30 %" in lines


def test_json_is_one_document_on_stdout_and_lines_on_stderr(job, tmp_path, capsys):
    assert main([*job(**TUNING), "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == json.loads((tmp_path / "out" / "result.json").read_text())
    events = [json.loads(line) for line in output.err.splitlines()]
    statuses = [event["status"] for event in events if event["event"] == "trial"]
    assert set(statuses) == {"PENDING", "RUNNING", "TERMINATED"} and statuses.count("TERMINATED") == 3
    kept = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    assert {event["event"] for event in kept} == {"trial", "log", "progress"}


def test_a_bad_job_ends_with_2_and_every_fault_on_a_line(job, tmp_path, capsys):
    arguments = job(hyperparameters=[{"name": "x", "type": "uniform", "min": 2, "max": 1}])
    assert main(arguments) == 2
    output = capsys.readouterr()
    faults = [
        "params.hyperparameter: hyperparameter is required when is_tune is false",
        "params.hyperparameters: hyperparameters is for tuning, and is_tune is false",
        "params.hyperparameters[0].max: 1 is not above min, 2",
    ]
    assert output.out == "" and sorted(output.err.splitlines()) == [f"binpack: job.json: {fault}" for fault in faults]
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert {fault["place"] for fault in said["faults"]} == {fault.partition(": ")[0] for fault in faults}


def test_a_training_that_fails_ends_with_1_and_says_where_the_traceback_is(job, capsys):
    assert main(job(hyperparameter={"x": -1})) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "binpack: RuntimeError: below zero (out/train/error.txt)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["action"], "is missing, as in: action job.json --out runs/mine"),
        (["action", "job.json"], "is missing"),
        (["action", "none.json", "--out", "out"], "none.json: no such file"),
        (["action", "own_training.py", "--out", "out"], "not a job"),
        (["action", "job.json", "--out", "job.json"], "is a file, expected a folder"),
    ],
)
def test_what_was_typed_wrong_is_one_line(job, capsys, arguments, words):
    job()
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_the_schema_is_printed(capsys):
    assert main(["action", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A job of the train action"
