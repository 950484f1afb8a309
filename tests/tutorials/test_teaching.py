"""The plans of tutorials/teaching.md: their minutes add up, are the course's, and hold what they promise."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from lesson import lesson_sources, part_number, read_source
from lint_prose import WORDS_A_MINUTE, plain_prose

from binpack.course.exercises import find

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "tutorials" / "teaching.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = {part_number(path): path for path in lesson_sources(ROOT / "notebooks" / "source")}
MINUTES = {
    number: int(minutes) for number, minutes in re.findall(r"^\| (\d\d[a-z]?) \|[^|]+\| (\d+) \|", README, re.MULTILINE)
}
"""Of each lesson, as the course map says."""
OPENING = ""
SPANS = re.compile(r"\*([^*]+)\*(?: to \*([^*]+)\*)?")


@dataclass(frozen=True)
class Row:
    """A row of a plan: when it begins, how long it takes, of how many minutes of which lesson, and what is done."""

    at: int
    minutes: int
    whole: int | None
    number: str
    link: str
    what: str


def plans() -> list[list[Row]]:
    """Read the plans: runs of rows from 0:00 to the end."""
    found: list[list[Row]] = []
    for line in re.findall(r"^\| (\d+:\d\d \|.*) \|$", GUIDE, re.MULTILINE):
        at, minutes, whole, lesson, what = (part.strip() for part in line.split("|"))
        hour, minute = map(int, at.split(":"))
        number, link = re.fullmatch(r"\[?(\w*)\]?(?:\(\.\./(.+)\))?", lesson).groups()
        row = Row(60 * hour + minute, int(minutes or 0), int(whole) if whole else None, number, link or "", what)
        if row.at == 0:
            found.append([])
        found[-1].append(row)
    return found


@functools.cache
def sections(number: str) -> dict[str, float]:
    """Return the least minutes of each section of a lesson: its exercises, and its words read."""
    found, here = {OPENING: 0.0}, OPENING
    for cell in read_source(SOURCES[number]):
        if cell.kind == "exercise":
            found[here] += find(cell.text).minutes
        for part in re.split(r"^(?=## )", cell.text, flags=re.MULTILINE) if cell.kind == "markdown" else ():
            if heading := re.match(r"## (.*)", part):
                here = heading[1].strip()
                found[here] = 0.0
            found[here] += len(plain_prose(part).split()) / WORDS_A_MINUTE
    return found


def named(number: str, text: str) -> list[str]:
    """Return the sections that a text names in italics, singly or from one to another."""
    known, chosen = list(sections(number)), []
    for first, last in SPANS.findall(text):
        assert first in known, f"lesson {number} has no section {first!r}"
        assert not last or last in known, f"lesson {number} has no section {last!r}"
        chosen += known[known.index(first) : known.index(last or first) + 1]
        assert not last or known.index(last) > known.index(first)
    return chosen


LESSONS = [row for plan in plans() for row in plan if row.number]


def test_the_plans_are_half_a_day_a_day_and_two_days():
    assert [plan[-1].at for plan in plans()] == [240, 480, 480, 480]
    assert all(plan[-1].what == "end" for plan in plans())


@pytest.mark.parametrize("plan", plans(), ids=["half", "day", "first", "second"])
def test_each_row_begins_where_the_one_before_ends(plan):
    at = 0
    for row in plan:
        assert row.at == at, row
        at += row.minutes
    longest = 0
    for row in plan:
        longest = 0 if row.what in ("break", "lunch", "end") else longest + row.minutes
        assert longest <= 150, f"two hours and a half without a break: {row}"


@pytest.mark.parametrize("row", LESSONS, ids=lambda row: f"{row.number}_{row.at}")
def test_a_row_has_the_minutes_of_the_course_and_time_for_what_it_names(row):
    assert row.whole == MINUTES[row.number]
    assert row.minutes <= row.whole
    if row.what == "all":
        assert row.minutes == row.whole
    elif row.number in SOURCES and SPANS.search(row.what):
        least = sum(sections(row.number)[each] for each in [OPENING, *named(row.number, row.what)])
        assert row.minutes >= least, f"its exercises and its text alone take {least:.0f} minutes"


@pytest.mark.parametrize("row", LESSONS, ids=lambda row: f"{row.number}_{row.at}")
def test_a_link_is_the_readmes(row):
    ready = dict(re.findall(r"^\| (\d\d[a-z]?) \| \[[^\]]+\]\(([^)]+)\)", README, re.MULTILINE))
    assert not row.link or row.link == ready[row.number]


def test_what_may_be_cut_are_sections_of_the_lessons():
    cuts = re.findall(r"^- \[(\d\d[a-z]?)\]\([^)]+\): (.+)[;.]$", GUIDE, re.MULTILINE)
    assert len(cuts) == len({number for number, _ in cuts}) >= 8
    for number, text in cuts:
        assert named(number, text)
