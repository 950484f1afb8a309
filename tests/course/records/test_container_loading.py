"""The record of container loading: one problem is packed as it says, and the table is of whole files."""

import json
from pathlib import Path

import pytest

from binpack.course.records.container_loading import COMMAND, FILE, SECONDS, SUPPORT, jobs, load, means, record, table
from binpack.course.records.store import read_record

GUIDE = (Path(__file__).resolve().parents[3] / "tutorials" / "packing-search.md").read_text(encoding="utf-8")
SMALL = {"container": (120, 110, 60), "seconds": (0, 1)}
"""A container of an eighth, which one pass fills in no time: what does not fit it is left over."""


def test_a_problem_is_packed_in_one_pass_and_then_better(tmp_path):
    job = next(iter(jobs(files=(3,))))
    assert job.key == {"file": 3, "problem": 1, "support": "full"}
    row = load(job, tmp_path, **SMALL)
    assert 0 < row["utilization"]["0"] <= row["utilization"]["1"] <= 1
    assert row["tries"] > 0 and 0 < row["packed"] < row["boxes"] == 94


def test_a_record_goes_on_where_it_was_stopped(tmp_path):
    wanted = list(jobs(files=(1,), problems=1))
    path = tmp_path / "r.json"
    for some in (wanted[:1], wanted):
        rows = record(path, some, processes=1, **SMALL)
        assert [row["support"] for row in rows] == [job.key["support"] for job in some]
    assert json.loads(path.read_text())["runs"] == rows and rows[0]["file"] == 1


def test_the_table_has_the_means_of_whole_files():
    rows = [
        {
            "file": file,
            "problem": number,
            "support": rule,
            "utilization": {"0": 0.7, "5": 0.9, "60": 0.8 + number / 100},
        }
        for file in range(1, 7)
        for number in (1, 2)
        for rule in SUPPORT
    ]
    assert means(rows, 2)[1, "full", 60] == pytest.approx(0.815)
    lines = table(rows, 2).splitlines()
    assert lines[2] == "| BR1, 3 types | 70.0 | 90.0 | 81.5 | 70.0 | 90.0 | 81.5 |"
    assert lines[8] == "| BR7, 20 types |  |  |  |  |  |  |" and lines[9] == "| mean |  |  |  |  |  |  |"


def test_the_guide_names_the_command():
    assert f"```bash\n{COMMAND}\n```" in GUIDE


def test_the_record_is_whole_and_no_search_made_anything_worse():
    rows = read_record(FILE)["runs"]
    assert len(rows) == len(list(jobs()))
    for row in rows:
        shares = [row["utilization"][str(limit)] for limit in SECONDS]
        assert shares == sorted(shares) and shares[-1] < 1
    assert table(rows) in GUIDE, "tutorials/packing-search.md lacks the table that the recorder prints"
