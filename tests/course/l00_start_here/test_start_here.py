"""Lesson 00: its exercise, its view of the machine, and its map of the course."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from judging import verdict, wrong

from binpack import system
from binpack.course.exercises.core import exercises_of
from binpack.course.l00_start_here import exercises as lesson

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "notebooks" / "source" / "00_start_here.py"


@pytest.mark.parametrize("exercise", exercises_of(lesson), ids=lambda exercise: exercise.name)
def test_an_answer_without_return_is_told_so(exercise):
    assert "is there a return?" in verdict(exercise, lambda *_: None).text


# ------------------------------------------------------------------------------------------------------ utilization


def by_loop(boxes, bin_size):
    filled = 0
    for _x, _y, _z, length, width, height in boxes.tolist():
        filled += length * width * height
    return filled / np.prod(bin_size)


def by_cells(boxes, bin_size):
    cells = np.zeros(bin_size, bool)
    for x, y, z, length, width, height in boxes:
        cells[x : x + length, y : y + width, z : z + height] = True
    return cells.mean()


@pytest.mark.parametrize(
    "answer",
    [
        by_loop,
        lambda boxes, size: boxes[:, 3:].prod(axis=1).sum() / np.prod(size),
        lambda boxes, size: np.array(float(sum(np.prod(box[3:]) for box in boxes)) / np.prod(size)),
        lambda boxes, size: np.einsum("i,i,i->", *boxes[:, 3:].T) / np.prod(size),
    ],
)
def test_utilization_in_other_forms(answer):
    assert verdict(lesson.utilization, answer).outcome == "correct"


def test_counting_the_filled_cells_is_right_for_boxes_that_lie_inside_and_apart():
    boxes = np.array([[0, 0, 0, 2, 3, 4], [2, 0, 0, 1, 2, 3]])
    assert by_cells(boxes, (10, 8, 6)) == lesson.utilization(boxes, (10, 8, 6))


def volumes(boxes):
    return boxes[:, 3:].prod(axis=1)


def overwrites(boxes, size):
    boxes[:, 3] *= boxes[:, 4] * boxes[:, 5]
    return boxes[:, 3].sum() / np.prod(size)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda b, s: volumes(b).sum(), "it returns a volume: divide by the volume of the bin"),
        (lambda b, s: 100 * volumes(b).sum() / np.prod(s), "it returns a percentage"),
        (lambda b, s: volumes(b).sum() // np.prod(s), "it returns 0: is the share rounded down?"),
        (lambda b, s: b[:, :3].prod(axis=1).sum() / np.prod(s), "it multiplies x, y and z"),
        (lambda b, s: 1 - volumes(b).sum() / np.prod(s), "it returns the empty share"),
        (lambda b, s: len(b) / np.prod(s), "it counts boxes"),
        (lambda b, s: volumes(b).mean() / np.prod(s), "it takes the mean of the volumes"),
        (lambda b, s: b[:, 3:].sum() / np.prod(s), "it adds the edges"),
        (lambda b, s: volumes(b).sum() / 1000, "it divides by 1000"),
        (lambda b, s: volumes(b) / np.prod(s), "it returns one number a box"),
        (lambda b, s: volumes(b).max() / np.prod(s), "should give 0.0833"),
        (lambda b, s: volumes(b).sum() / np.prod(s) if len(b) else 1.0, "an empty bin"),
        (lambda b, s: volumes(b).sum() / np.prod(s) * (s[0] == 10), "a full bin should give 1"),
        (overwrites, "the boxes were changed"),
    ],
)
def test_mistakes_in_utilization(answer, message):
    assert message in wrong(lesson.utilization, answer)


# ------------------------------------------------------------------------------------------------ the machine's check


def test_check_lines_shorten_what_was_found_and_keep_what_to_type(monkeypatch):
    root = system.checkout()
    monkeypatch.setattr(sys, "executable", str(root / ".venv" / "bin" / "python"))
    rows = [
        system.Row("Python", True, f"3.12 at {sys.executable}"),
        system.Row("kernel", False, "python3 is somewhere else", f"{sys.executable} -m ipykernel install"),
        system.Row("disk", True, f"9 GiB free at {root / 'notebooks'}"),
        system.Row("writable", True, str(root)),
    ]
    assert [" ".join(line.split()) for line in lesson.check_lines(rows)] == [
        "OK Python 3.12 at .venv/bin/python",
        "-- kernel python3 is somewhere else",
        f"do: {sys.executable} -m ipykernel install",
        "OK disk 9 GiB free at notebooks",
        "OK writable the checkout",
    ]
    monkeypatch.setattr(sys, "executable", "/opt/elsewhere/bin/python3")
    assert list(lesson.check_lines([system.Row("Python", True, "3.12 at /opt/elsewhere/bin/python3")])) == [
        "OK  Python  3.12 at python3"
    ]


def test_the_committed_check_names_no_place_outside_the_checkout():
    import nbformat

    for path in (ROOT / "notebooks" / "00_start_here.ipynb", ROOT / "notebooks" / "solutions" / "00_start_here.ipynb"):
        text = nbformat.writes(nbformat.read(path, as_version=4))
        for line in re.findall(r"(?:OK|--)  [A-Za-z]+ .*", text):
            assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|usr|opt)/", line), line


# ------------------------------------------------------------------------------------------------ the map of the course


def test_the_course_map_says_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| (.+?) \| (\d+) \| (ready|planned) \|$", readme, re.MULTILINE)
    text = SOURCE.read_text(encoding="utf-8")
    own = {row[0]: row[1:] for row in re.findall(r"^# \| (\d\d) \| (.+?) \| (\d+) \| .+ \|$", text, re.MULTILINE)}
    assert sorted(own) == [row[0] for row in rows]
    hours = sum(int(minutes) for _, _, minutes, _ in rows) / 60
    assert f"about {hours:.0f} hours" in text
    for number, title, minutes, state in rows:
        shown, own_minutes = own[number]
        words, link = linked(shown)
        assert (words, own_minutes) == (linked(title)[0], minutes), f"lesson {number}"
        if link:
            assert (ROOT / "notebooks" / link).is_file(), f"lesson {number}: there is no {link}"
            assert (ROOT / "notebooks" / "solutions" / link).is_file(), f"lesson {number}: {link} has no solutions"
        wanted = linked(title)[1].removeprefix("notebooks/")
        if state == "ready" and number != "00":
            assert link == wanted, f"{SOURCE.name}: lesson {number} is ready, so write [{words}]({wanted}) and build"


def linked(text: str) -> tuple[str, str]:
    """Split Markdown into its words and where they link to, nowhere being the empty string."""
    found = re.fullmatch(r"\[(.+)\]\((.+)\)", text)
    return (found[1], found[2]) if found else (text, "")
