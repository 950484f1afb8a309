"""``grade``: a table, JSON and CSV of a class's notebooks, and one line for what cannot be graded."""

import csv
import json
from pathlib import Path

import pytest

from binpack.__main__ import main
from binpack.course.grading import cage
from binpack.course.grading.copies import Copy, Sheet
from binpack.course.grading.grade import Graded, Mark
from binpack.course.grading.register import COLUMNS, as_csv, table
from binpack.system import checkout

SHEET = Sheet("03", "03_packing", ("f", "longer"))
MARKS = (Mark("3.1", "f", "right"), Mark("3.2", "longer", "wrong", "=1+1\x1b[31m is not 2"))
CLASS = [
    Graded(Copy("kim", SHEET, Path("kim/03_packing.ipynb"), ()), MARKS),
    Graded(Copy("=ann\n", SHEET, Path("x.ipynb"), ()), (MARKS[0], Mark("3.2", "longer", "not attempted"))),
]


@pytest.fixture
def learners(tmp_path):
    """A class of one learner with lesson 00 as the course has it."""
    (tmp_path / "kim").mkdir()
    notebook = checkout() / "notebooks" / "00_start_here.ipynb"
    (tmp_path / "kim" / "00_start_here.ipynb").write_bytes(notebook.read_bytes())
    return tmp_path


def test_the_table_has_a_line_for_each_exercise_and_what_learners_wrote_as_text():
    assert list(table(CLASS)) == [
        "kim     03   1 of 2  03_packing.ipynb",
        "        3.1   f       right",
        "        3.2   longer  wrong: =1+1\\x1b[31m is not 2",
        "=ann\\n  03   1 of 2  x.ipynb",
        "        3.1   f       right",
        "        3.2   longer  not attempted",
        "total: 2 of 4 exercises right in 2 notebooks",
    ]


def test_the_csv_has_a_row_for_each_exercise_in_which_a_spreadsheet_computes_nothing():
    rows = list(csv.reader(as_csv(CLASS).splitlines(keepends=True)))
    assert rows[0] == list(COLUMNS)
    assert rows[2] == ["kim", "03", "kim/03_packing.ipynb", "3.2", "longer", "wrong", "'=1+1\x1b[31m is not 2"]
    assert rows[3][0] == "'=ann\n" and len(rows) == 5


def test_a_class_is_graded_into_a_table_and_a_file(learners, capsys):
    out = learners / "marks" / "marks.csv"
    assert main(["grade", str(learners), "--csv", str(out)]) == 0
    assert capsys.readouterr() == (
        "kim  00   0 of 1  00_start_here.ipynb\n"
        "     0.1   utilization  not attempted\n"
        "total: 0 of 1 exercises right in 1 notebook\n"
        f"{cage.network().said}\n",
        "",
    )
    assert out.read_text().splitlines()[1].startswith("kim,00,")


def test_a_file_that_cannot_be_graded_is_named_and_the_others_are_graded(learners, capsys):
    (learners / "bob.ipynb").write_text("{")
    assert main(["grade", str(learners), "--json"]) == 1
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith(f"binpack: not graded: {learners}/bob.ipynb: not a notebook (")
    graded = json.loads(output.out)
    assert graded["network"] == cage.network().said and len(graded["not_graded"]) == 1
    (notebook,) = graded["notebooks"]
    assert (notebook["learner"], notebook["lesson"], notebook["right"]) == ("kim", "00", 0)
    assert notebook["exercises"] == [{"exercise": "0.1", "name": "utilization", "verdict": "not attempted", "line": ""}]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["grade", "nowhere"], "nowhere: no such folder"),
        (["grade", "."], ".: no notebooks in it (*.ipynb; solutions/ and hidden folders do not count)"),
        (["grade", ".", "--limit", "0"], "should be greater than or equal to 1"),
        (["grade", ".", "--csv", "."], ". is a folder, expected a file"),
        (["grade"], "Missing argument 'FOLDER'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == "" and output.err.startswith("binpack: error: ") and says in output.err
    assert len(output.err.splitlines()) == 1
