"""Every reference of the lessons is in tutorials/references.md, once, in order, with the lessons that use it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from lesson import lesson_sources, part_number, read_source

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "tutorials" / "references.md").read_text(encoding="utf-8")
NOTEBOOKS = ROOT / "notebooks"
SOURCES = [*lesson_sources(NOTEBOOKS / "source"), *lesson_sources(NOTEBOOKS / "source" / "drafts")]


class Work(NamedTuple):
    """What tells a work from others, however its authors are abbreviated: who, when, and how the title begins."""

    author: str
    year: int
    title: str


def items(text: str) -> list[str]:
    """Return the items of a Markdown list, each on one line."""
    return re.findall(r"^- (.*)$", re.sub(r"\n +", " ", text), re.MULTILINE)


def work(item: str) -> Work:
    """Read a reference: authors (year). Title. Where."""
    authors, year, title = re.match(r"(.+?) \((\d{4})\)\.? (.+)", item).groups()
    first = authors.split(",")[0].replace(" et al.", "").split()[-1]
    plain = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode()
    return Work(plain.casefold(), int(year), " ".join(re.findall(r"\w+", title.casefold())[:2]))


def used() -> dict[Work, set[str]]:
    """Return the works that the lessons name, and which lessons do."""
    found: dict[Work, set[str]] = {}
    for source in SOURCES:
        text = "\n\n".join(cell.text for cell in read_source(source) if cell.kind == "markdown")
        for item in items(text.partition("\n## References\n")[2] or text.partition("## References\n")[2]):
            found.setdefault(work(item), set()).add(part_number(source))
    return found


def listed() -> list[tuple[Work, list[str]]]:
    """Return the works of the page, and the lessons that it says."""
    return [(work(item), re.findall(r"\[(\d\d[a-z]?)\]", item)) for item in items(PAGE)]


def test_every_reference_of_the_lessons_is_there_with_the_lessons_that_use_it():
    wanted = used()
    assert len(wanted) > 50
    assert {each: set(lessons) for each, lessons in listed()} == wanted


def test_they_are_in_order_and_each_stands_once():
    works = [each for each, _ in listed()]
    assert works == sorted(works) and len(works) == len(set(works))
    assert all(lessons == sorted(lessons) and lessons for _, lessons in listed())


def test_a_lesson_that_can_be_opened_is_linked():
    links = dict(re.findall(r"^\[(\w+)\]: \.\./notebooks/(\S+)$", PAGE, re.MULTILINE))
    ready = {part_number(path): path.name for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    named = {number for _, lessons in listed() for number in lessons}
    wanted = {number: name for number, name in ready.items() if number in named}
    assert links == wanted, "add or mend the lines at the end of tutorials/references.md"


def test_two_ways_of_writing_a_work_are_one():
    assert work("P. Henderson et al. (2018). Deep reinforcement learning that matters.") == work(
        "P. Henderson, R. Islam (2018). Deep reinforcement learning that matters. AAAI."
    )
    assert work("S. Ontañón (2022). A closer look.") == Work("ontanon", 2022, "a closer")
