"""What every lesson must hold to, checked on its source and on the learner's notebook that it makes.

A lesson reads: title, minutes and what it builds on, what a reader will be able to do, the parts, then the sections of
`LAST_SECTIONS` in that order. A lesson may be as long as its stated minutes allow, a code cell may not: it shows one
idea.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lesson import find_exercise, lesson_number, part_number, parts_of, read_source, render
from nbformat import NotebookNode

from binpack.course.exercises import Exercise, exercises_of

LINES = 25
LAST_SECTIONS = ("Takeaways", "Quiz", "What comes next", "References")

_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50-\u2b59\ufe0f\u231a\u231b\u23e9-\u23fa]")
_REMOTE_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*(?:https?:)?//|<img[^>]*src\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE)
_PIP = re.compile(r"\bpip3?\b")
_DOWNLOAD = re.compile(r"\b(?:wget|curl|urllib|urlretrieve|urlopen|requests|httpx|aiohttp|snapshot_download)\b")
_NOT_PROSE = (
    re.compile(r"```.*?```", re.DOTALL),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\$[^$\n]+\$"),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"</?[a-zA-Z][^>]*>"),
)


def lint(source: Path) -> list[str]:
    """Say what is wrong with a lesson.

    Args:
        source: ``.../source/NN_topic.py``.

    Returns:
        One line a fault; none where all is well.
    """
    learner, solved = render(source, solved=False), render(source, solved=True)
    prose = "\n\n".join(cell.source for cell in learner.cells if cell.cell_type == "markdown")
    faults = [*_long_cells(learner), *_long_solutions(solved), *_words(learner, prose)]
    return [*faults, *_opening(learner, source), *_sections(prose), *_exercises(source)]


def plain_prose(text: str) -> str:
    """Take code, formulas and HTML tags out of Markdown."""
    for pattern in _NOT_PROSE:
        text = pattern.sub(" ", text)
    return re.sub(r"(!?\[[^\]]*\])\([^)]*\)", r"\1", text)


def _long_cells(learner: NotebookNode) -> Iterator[str]:
    for cell in learner.cells:
        lines = len(cell.source.splitlines())
        if cell.cell_type == "code" and lines > LINES:
            yield f"a code cell of {lines} lines, at most {LINES}: {_start(cell.source)}"


def _long_solutions(solved: NotebookNode) -> Iterator[str]:
    """A solution may be longer than other cells by its docstring, which the learner's cell has counted already."""
    for cell in solved.cells:
        lines = len(re.sub(r'""".*?"""\n', "", cell.source, count=1, flags=re.DOTALL).splitlines())
        if cell.id.startswith("answer-") and lines > LINES:
            yield f"a solution of {lines} lines without its docstring, at most {LINES}: {_start(cell.source)}"


def _words(learner: NotebookNode, prose: str) -> Iterator[str]:
    for line in plain_prose(prose).splitlines():
        if re.search(r"!(?!\[)", line):
            yield f"exclamation mark: {_start(line)}"
    for cell in learner.cells:
        if _EMOJI.search(cell.source):
            yield f"emoji: {_start(cell.source)}"
        if _PIP.search(cell.source):
            yield f"pip: {_start(cell.source)}"
        if cell.cell_type == "markdown" and _REMOTE_IMAGE.search(cell.source):
            yield f"remote image: {_start(cell.source)}"
        if cell.cell_type == "code" and _DOWNLOAD.search(cell.source):
            yield f"download: {_start(cell.source)}"


def _opening(learner: NotebookNode, source: Path) -> Iterator[str]:
    number = part_number(source)
    first = learner.cells[0].source if learner.cells and learner.cells[0].cell_type == "markdown" else ""
    if not re.match(rf"# {number} \S", first):
        yield f"the first cell should start with '# {number} Title'"
    head = "\n".join(cell.source for cell in learner.cells[:3] if cell.cell_type == "markdown")
    if not re.search(r"\b\d+ minutes\b", head):
        yield "the opening should say how many minutes the lesson takes"
    if number != "00" and not re.search(r"\bbuilds on\b", head, re.IGNORECASE):
        yield "the opening should say what the lesson builds on"
    if not re.search(r"\byou can\b|\byou will be able to\b", head, re.IGNORECASE) or not re.search(r"^- ", head, re.M):
        yield "the opening should list what a reader will be able to do"


def _sections(prose: str) -> Iterator[str]:
    fenceless = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    if len(re.findall(r"^# ", fenceless, re.M)) != 1:
        yield "there should be one title, '# NN Title'"
    headings = re.findall(r"^## +(.+?) *$", fenceless, re.M)
    if tuple(headings[-len(LAST_SECTIONS) :]) != LAST_SECTIONS:
        yield f"the last sections should be {', '.join(LAST_SECTIONS)}, in this order; there are: {', '.join(headings)}"
        return
    if len(headings) == len(LAST_SECTIONS):
        yield "there should be sections before the takeaways"
    if not re.search(r"\*predict, then run", fenceless, re.IGNORECASE):
        yield "there should be a *Predict, then run.* question"
    quiz, references = _section(fenceless, "Quiz"), _section(fenceless, "References")
    if quiz.count("<details>") < 2 or quiz.count("<details>") != quiz.count("</details>"):
        yield "the quiz should have questions whose explained answers stand in <details>"
    entries = [line for line in re.split(r"\n(?=[-*\d])", references) if re.match(r"[-*\d]", line)]
    if not entries or not all(re.search(r"\b(19|20)\d\d\b", entry) for entry in entries):
        yield "every reference should be an item of a list and carry its year"


def _exercises(source: Path) -> Iterator[str]:
    """The parts of a lesson set, one after the other, what its package defines."""
    asked = {part: _asked(part) for part in parts_of(source)}
    everything = [exercise for part in asked.values() for exercise in part]
    for package, module in sorted({exercise.lesson.package: exercise.module for exercise in asked[source]}.items()):
        here = [exercise.name for exercise in everything if exercise.lesson.package == package]
        defined = [exercise.name for exercise in exercises_of(module)]
        if here != defined:
            yield f"exercises stand as {', '.join(here)} but {package} defines {', '.join(defined)}"
    for exercise in asked[source]:
        if exercise.number.partition(".")[0] != str(int(lesson_number(source))):
            yield f"{exercise.title} does not belong to lesson {lesson_number(source)}"


def _asked(source: Path) -> list[Exercise]:
    return [find_exercise(cell.text, source) for cell in read_source(source) if cell.kind == "exercise"]


def _section(text: str, name: str) -> str:
    return re.split(r"^## ", text.split(f"\n## {name}", 1)[-1], maxsplit=1, flags=re.M)[0].strip("\n")


def _start(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "").strip()
    return line if len(line) <= 60 else line[:57] + "..."
