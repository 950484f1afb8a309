"""README, lesson 00 and the lessons themselves say the same: numbers, titles, minutes, and which there are."""

import re
from pathlib import Path
from typing import NamedTuple

import build
import pytest
from lesson import part_number, render, title_of
from lint import exercises_in
from lint_prose import minute_faults, stated_minutes

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = build.sources()
START = SOURCES[0]
LAST = 10
"""The number of the last lesson of the course, written or planned."""


class Row(NamedTuple):
    """A lesson in a table: its number, title and minutes, and the notebook that it links to, or nothing."""

    number: str
    title: str
    minutes: int
    link: str


def rows(table: str) -> list[Row]:
    """Read the rows of a table whose first columns are number, title, which may be a link, and minutes."""
    found = re.findall(r"^\| (\d\d[a-z]?) \| (?:\[([^\]]+)\]\(([^)]+)\)|([^|\[]+?)) \| (\d+) \|", table, re.MULTILINE)
    return [Row(number, linked or plain, int(minutes), link) for number, linked, link, plain, minutes in found]


def written() -> list[Row]:
    """Return the row of every lesson that is written, with the link that the README gives it."""
    made = []
    for source in SOURCES:
        number, _, title = title_of(source).partition(" ")
        minutes = stated_minutes(render(source, solved=False).cells)
        made.append(Row(number, title, minutes, f"notebooks/{source.stem}.ipynb"))
    return made


def alike(row: Row) -> Row:
    """A title within a table may begin with a small letter."""
    return row._replace(title=row.title[0].upper() + row.title[1:])


def test_the_readme_lists_each_lesson_with_its_title_its_minutes_and_its_notebook():
    ready = [alike(row) for row in rows(README) if row.link]
    assert ready == [alike(row) for row in written()]
    states = re.findall(r"^\| (\d\d[a-z]?) \|.*\| (ready|planned) \|$", README, re.MULTILINE)
    assert states == [(row.number, "ready" if row.link else "planned") for row in rows(README)]


def test_every_lesson_of_the_course_has_its_rows_in_order():
    numbers = [row.number for row in rows(README)]
    assert numbers == sorted(numbers)
    assert {number[:2] for number in numbers} == {f"{number:02}" for number in range(LAST + 1)}
    assert {number for number in numbers if len(number) > 2} == {part_number(s) for s in SOURCES if part_number(s)[2:]}


def test_lesson_00_has_the_table_of_the_readme():
    (table,) = [cell.source for cell in render(START, solved=False).cells if "| 00 |" in cell.source]
    wanted = [row._replace(link=Path(row.link).name) for row in rows(README)]
    wanted[0] = wanted[0]._replace(link="")  # the page that one is on
    assert list(map(alike, rows(table))) == list(map(alike, wanted))
    hours = re.search(r"about (\d+) hours", table)
    assert hours is None or int(hours[1]) == round(sum(row.minutes for row in wanted) / 60)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_takes_no_less_than_its_exercises_and_reading(source):
    assert (
        list(minute_faults(render(source, solved=False).cells, sum(each.minutes for each in exercises_in(source))))
        == []
    )
