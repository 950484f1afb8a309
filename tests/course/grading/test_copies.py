"""Learners' copies: found, read, named and told apart by what is in them."""

import json

import pytest

from binpack.course.grading.copies import Sheet, notebooks_in, read_copy, sheets
from binpack.files import FileError, InputError
from binpack.system import checkout

KNOWN = [Sheet("01", "01_first", ("walk", "update")), Sheet("02b", "02b_second", ("update", "run", "stop"))]


def write(path, *cells, **fields):
    """Write a notebook of code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [{"cell_type": "code", "source": cell} for cell in cells]
    path.write_text(json.dumps({"nbformat": 4, "cells": made, **fields}))
    return path


def read(path, folder):
    return read_copy(path, folder, KNOWN)


def test_every_notebook_of_the_course_asks_for_exercises_and_is_known_as_itself_under_any_name(tmp_path):
    known = sheets(checkout())
    assert [sheet.number for sheet in known][:3] == ["00", "01", "02"] and all(sheet.exercises for sheet in known)
    for sheet in known:
        for folder in ("notebooks", "notebooks/solutions"):
            renamed = tmp_path / "mine.ipynb"
            renamed.write_bytes((checkout() / folder / f"{sheet.stem}.ipynb").read_bytes())
            assert read_copy(renamed, tmp_path, known).sheet == sheet


def test_a_copy_is_the_lesson_with_most_of_its_functions_and_its_name_decides_between_two(tmp_path):
    both = "def update(x):\n    pass"
    assert read(write(tmp_path / "x.ipynb", both, "run = ex.check(run)"), tmp_path).sheet.number == "02b"
    assert read(write(tmp_path / "a_02b_second.ipynb", both), tmp_path).sheet.number == "02b"
    assert read(write(tmp_path / "01_first.ipynb", "print(1)"), tmp_path).sheet.number == "01"
    assert read(write(tmp_path / "x.ipynb", ["def walk():\n", "    return 1"]), tmp_path).cells == (
        "def walk():\n    return 1",
    )


@pytest.mark.parametrize(
    ("place", "learner"),
    [
        ("ann/01_first.ipynb", "ann"),
        ("ann/my_lessons/01_first.ipynb", "ann"),
        ("ann_01_first.ipynb", "ann"),
        ("01_first - Kim Minsu.ipynb", "Kim Minsu"),
        ("01_first_ann_mine_2.ipynb", "ann"),
        ("01_first (1).ipynb", "class"),
        ("01_first.ipynb", "class"),
    ],
)
def test_the_learner_is_the_folder_or_what_stands_beside_the_lesson_in_the_name(tmp_path, place, learner):
    path = write(tmp_path / "class" / place, "walk = ex.check(walk)")
    assert read(path, tmp_path / "class").learner == learner


def test_solutions_sources_and_checkpoints_are_not_a_learners_work(tmp_path):
    kept = write(tmp_path / "ann" / "01_first.ipynb")
    for folder in ("solutions", "source", ".ipynb_checkpoints"):
        write(tmp_path / "ann" / folder / "01_first.ipynb")
    assert notebooks_in(tmp_path) == [kept] and notebooks_in(kept) == [kept]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not a notebook (Expecting"),
        ("[]", "not a notebook (a JSON object is expected, not list)"),
        ('{"nbformat": 3, "worksheets": []}', "notebook format 3, expected 4; open and save it in JupyterLab"),
        ('{"nbformat": 4, "cells": 1}', "not a notebook (it needs nbformat 4 and a list of cells)"),
        ('{"cells": []}', "not a notebook (it needs nbformat 4 and a list of cells)"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": 1}]}', "the source of a cell is no text"),
        ('{"nbformat": 4, "cells": []}', "no lesson's notebook (it has none of the course's exercises)"),
        (b"\xff\xfe", "not a notebook"),
    ],
)
def test_what_is_no_copy_is_said_in_one_line(tmp_path, content, says):
    path = tmp_path / "ann.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FileError) as raised:
        read(path, tmp_path)
    assert str(raised.value).startswith(f"{path}: ") and says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_notebooks_and_a_checkout_without_lessons_are_said(tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        notebooks_in(tmp_path / "none")
    with pytest.raises(FileError, match="no notebooks in it"):
        notebooks_in(tmp_path)
    with pytest.raises(InputError, match="run the command in a checkout"):
        sheets(tmp_path)
