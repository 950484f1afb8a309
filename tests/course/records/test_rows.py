"""Recorders of rows make what is missing, and say where a record comes from."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from binpack.course.records.rows import Recorder, grouped
from binpack.search.recorder import Job

QUIET = {"processes": 1, "progress": False}
MODULE = """
import sys
from pathlib import Path

from binpack.course.records.rows import Recorder
from binpack.search.recorder import Job

FILE = Path(__file__).with_suffix(".json")


def jobs():
    return [Job({"number": number}) for number in range(3)]


def run(job):
    return {"square": job.key["number"] ** 2}


RECORDER = Recorder(FILE, ("numpy",), jobs, run)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
"""


def jobs():
    return [Job({"number": number}) for number in range(4)]


def squares(job):
    return {"square": job.key["number"] ** 2}


def others(job):
    raise AssertionError("it is there already")


def test_a_killed_recorder_makes_what_is_missing(tmp_path):
    path = tmp_path / "squares.json"
    told = []
    first = Recorder(path, ("numpy",), jobs, squares, lambda rows: {"rows": len(rows)})
    assert first.record(wanted=jobs()[:2], **QUIET) == [{"number": 0, "square": 0}, {"number": 1, "square": 1}]
    assert json.loads(path.read_text())["rows"] == 2
    rows = Recorder(path, ("numpy",), jobs, squares, lambda rows: told.append(rows) or {}).record(**QUIET)
    assert [row["square"] for row in rows] == [0, 1, 4, 9] and [len(each) for each in told] == [4]
    assert Recorder(path, (), jobs, others).record(**QUIET) == rows
    with pytest.raises(AssertionError, match="it is there already"):
        Recorder(tmp_path / "none.json", (), jobs, others).record(**QUIET)


def test_a_record_names_the_command_that_makes_it(tmp_path):
    recorder = Recorder(tmp_path / "squares.json", ("numpy",), jobs, squares)
    recorder.record(**QUIET)
    about = json.loads((tmp_path / "squares.json").read_text())["about"]
    assert about["command"] == f"python -m {__name__}" and "numpy" in json.dumps(about)


def test_the_command_records_and_takes_no_words(tmp_path):
    (tmp_path / "of_squares.py").write_text(MODULE)
    command = [sys.executable, "-m", "of_squares"]
    where = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 120}
    refused = subprocess.run([*command, "more"], **where)
    assert (refused.returncode, refused.stderr) == (1, "expected no arguments\n")
    assert not Path(tmp_path / "of_squares.json").exists()
    assert subprocess.run(command, **where).returncode == 0
    record = json.loads((tmp_path / "of_squares.json").read_text())
    assert record["about"]["command"] == "python -m of_squares"
    assert [row["square"] for row in record["runs"]] == [0, 1, 4]


def test_rows_are_gathered_in_their_order():
    rows = [{"arm": "b", "seed": 0, "x": 1}, {"arm": "a", "seed": 0, "x": 2}, {"arm": "b", "seed": 1, "x": 3}]
    assert list(grouped(rows, ("arm",), "x").items()) == [("b", [1, 3]), ("a", [2])]
    assert grouped(rows, ("arm", "seed"), "x") == {("b", 0): [1], ("a", 0): [2], ("b", 1): [3]}
