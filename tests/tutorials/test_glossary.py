"""The glossary holds what the lessons print in bold, in order, with the lesson of its first use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from lesson import lesson_sources, part_number, read_source
from lint_prose import bold_terms, term_stem

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "tutorials" / "glossary.md").read_text(encoding="utf-8")
NOTEBOOKS = ROOT / "notebooks"
SOURCES = sorted(
    [*lesson_sources(NOTEBOOKS / "source"), *lesson_sources(NOTEBOOKS / "source" / "drafts")],
    key=lambda path: path.name,
)


class Entry(NamedTuple):
    """A term with its symbol, the lesson of its first use, and what it means."""

    term: str
    symbol: str
    lesson: str
    text: str


def entries() -> list[Entry]:
    """Read the glossary."""
    flat = re.sub(r"\n  +", " ", GLOSSARY)
    found = re.findall(r"^- (.*)$", flat, re.MULTILINE)
    form = re.compile(r"\*\*(.+?)\*\*(?:, (\$.+?\$(?:, \$.+?\$)*))? \[(\w+)\]: (.+)")
    read = [form.fullmatch(line) for line in found]
    assert all(read), [line for line, match in zip(found, read, strict=True) if not match]
    return [Entry(match[1], match[2] or "", match[3], match[4]) for match in read]


def first_uses() -> dict[str, str]:
    """Return every term that is bold in a lesson, without a plural, and the number of the first one that has it so."""
    found: dict[str, str] = {}
    for source in SOURCES:
        for term in bold_terms([cell.text for cell in read_source(source) if cell.kind == "markdown"]):
            found.setdefault(term_stem(term), part_number(source))
    return found


def test_every_bold_term_of_the_lessons_is_in_it_with_the_lesson_of_its_first_use():
    wanted = first_uses()
    assert len(wanted) > 100
    assert {term_stem(entry.term): entry.lesson for entry in entries()} == wanted


def test_it_is_in_alphabetical_order_and_each_term_stands_once():
    keys = [re.split(r"[\s-]+", entry.term.casefold()) for entry in entries()]
    assert keys == sorted(keys)
    assert len({term_stem(entry.term) for entry in entries()}) == len(keys)


def test_an_entry_is_one_or_two_sentences():
    for entry in entries():
        sentences = re.split(r"(?<=[.?])\s+(?=[A-Z$])", entry.text)
        assert entry.text.endswith(".") and 1 <= len(sentences) <= 2, entry
        assert len(entry.text.split()) >= 5, entry


def test_a_symbol_is_one_that_a_lesson_uses():
    lessons = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    for entry in entries():
        for symbol in re.findall(r"\$(.+?)\$", entry.symbol):
            assert symbol in lessons, entry


def test_a_lesson_that_can_be_opened_is_linked():
    links = dict(re.findall(r"^\[(\w+)\]: \.\./notebooks/(\S+)$", GLOSSARY, re.MULTILINE))
    used = {entry.lesson for entry in entries()}
    ready = {part_number(path): path.name for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    wanted = {number: name for number, name in ready.items() if number in used}
    assert links == wanted, "add or mend the lines at the end of tutorials/glossary.md"
