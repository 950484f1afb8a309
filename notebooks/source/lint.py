"""What every lesson must hold to, checked on its source and on the notebooks that it makes.

A lesson reads: title, minutes and what it builds on, what a reader will be able to do, the parts, then the sections of
`LAST_SECTIONS` in that order. A lesson may be as long as its stated minutes allow, a code cell may not: it shows one
idea. What its prose must hold to is in ``lint_prose.py``.

Two exercises never touch. The cell above an exercise is text of its own that says what the piece is for, of at least
`REASON_WORDS` words of paragraphs below the last heading. Below it, before the next exercise, a code cell uses what the
learner wrote, by its name; ``ex.hint(name)`` and the like do not count.

A visible cell is no test. It has no ``assert``, and it prints no verdict on itself ("returns are below 0: True"), typed
or computed: it shows the numbers, or a figure. What CI must hold goes to the tests or into a cell with the tag
``hide-cell``, which prints nothing: JupyterLab opens a folded output when its cell runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from lesson import Cell, find_exercise, lesson_number, part_number, parts_of, read_source, render
from lint_prose import beginning, link_faults, minute_faults, plain_prose, stated_minutes, term_faults, word_faults
from nbformat import NotebookNode

from binpack.course.exercises import Exercise, exercises_of

LINES = 25
REASON_WORDS = 20
LAST_SECTIONS = ("Takeaways", "Quiz", "What comes next", "References")

_VERDICTS = {"bool", "all", "any", "isinstance", "allclose", "array_equal", "isclose"}
"""Functions and methods that answer yes or no."""


def lint(source: Path) -> list[str]:
    """Say what is wrong with a lesson.

    Args:
        source: ``.../source/NN_topic.py``.

    Returns:
        One line a fault; none where all is well.
    """
    learner, solved = render(source, solved=False).cells, render(source, solved=True).cells
    seen = [cell for cell in read_source(source) if "solution" not in cell.tags]
    prose = "\n\n".join(cell.source for cell in learner if cell.cell_type == "markdown")
    return [
        *_long_cells(learner),
        *_long_solutions(solved),
        *_tests(learner),
        *word_faults(learner),
        *term_faults([cell.text for cell in seen if cell.kind == "markdown"]),
        *link_faults(learner, source, solved=False),
        *link_faults(solved, source, solved=True),
        *_opening(learner, source),
        *minute_faults(learner, sum(exercise.minutes for exercise in exercises_in(source))),
        *_sections(prose),
        *_exercises(source),
        *_touching(seen),
    ]


def _long_cells(learner: Sequence[NotebookNode]) -> Iterator[str]:
    for cell in learner:
        lines = len(cell.source.splitlines())
        if cell.cell_type == "code" and lines > LINES:
            yield f"a code cell of {lines} lines, at most {LINES}: {beginning(cell.source)}"


def _long_solutions(solved: Sequence[NotebookNode]) -> Iterator[str]:
    """A solution may be longer than other cells by its docstring, which the learner's cell has counted already."""
    for cell in solved:
        lines = len(re.sub(r'""".*?"""\n', "", cell.source, count=1, flags=re.DOTALL).splitlines())
        if cell.id.startswith("answer-") and lines > LINES:
            yield f"a solution of {lines} lines without its docstring, at most {LINES}: {beginning(cell.source)}"


# --------------------------------------------------------------------------------------------- cells that pose as tests


def _tests(learner: Sequence[NotebookNode]) -> Iterator[str]:
    for cell in learner:
        if cell.cell_type != "code" or cell.id.startswith(("answer-", "check-")):
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:  # a magic command
            continue
        if "hide-cell" in cell.metadata.get("tags", ()):
            if any(isinstance(node, ast.Name) and node.id == "print" for node in ast.walk(tree)):
                yield f"a folded cell prints nothing, its output would open when it runs: {beginning(cell.source)}"
            continue
        if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            yield f"an assert belongs into the tests, or into a cell with the tag hide-cell: {beginning(cell.source)}"
        if any(map(_prints_a_verdict, ast.walk(tree))) or _ends_in_a_verdict(tree):
            yield f"a cell shows numbers or a figure, not that something is True: {beginning(cell.source)}"


def _prints_a_verdict(node: ast.AST) -> bool:
    """Tell whether a node prints a bool alone, or a text ending in a colon and then a bool or what compares."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"):
        return False
    if len(node.args) == 1 and _is_verdict(node.args[0]):
        return True
    pieces: list[ast.expr] = []
    for argument in node.args:
        pieces += argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    texts = [str(piece.value) if isinstance(piece, ast.Constant) else "" for piece in pieces]
    if any(re.search(r":\s*(?:True|False)\s*$", text) for text in texts):
        return True
    values = [piece.value if isinstance(piece, ast.FormattedValue) else piece for piece in pieces]
    return any(
        text.rstrip().endswith(":") and (_is_verdict(value) or isinstance(value, ast.Compare))
        for text, value in zip(texts, values[1:], strict=False)
    )


def _ends_in_a_verdict(tree: ast.Module) -> bool:
    last = tree.body[-1] if tree.body else None
    return isinstance(last, ast.Expr) and _is_verdict(last.value)


def _is_verdict(value: ast.expr) -> bool:
    """Tell whether an expression is sure to be a bool; a comparison need not be: of an array it is a mask."""
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name in _VERDICTS
    if isinstance(value, ast.BoolOp):
        return all(_is_verdict(each) or isinstance(each, ast.Compare) for each in value.values)
    if isinstance(value, ast.UnaryOp):
        return isinstance(value.op, ast.Not)
    return isinstance(value, ast.Constant) and isinstance(value.value, bool)


# ---------------------------------------------------------------------------------------------------- order of a lesson


def _opening(learner: Sequence[NotebookNode], source: Path) -> Iterator[str]:
    number = part_number(source)
    first = learner[0].source if learner and learner[0].cell_type == "markdown" else ""
    if not re.match(rf"# {number} \S", first):
        yield f"the first cell should start with '# {number} Title'"
    head = "\n".join(cell.source for cell in learner[:3] if cell.cell_type == "markdown")
    if stated_minutes(learner) is None:
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


def _section(text: str, name: str) -> str:
    return re.split(r"^## ", text.split(f"\n## {name}", 1)[-1], maxsplit=1, flags=re.M)[0].strip("\n")


# ------------------------------------------------------------------------------------------------------------ exercises


def _exercises(source: Path) -> Iterator[str]:
    """The parts of a lesson set, one after the other, what its package defines."""
    asked = {part: exercises_in(part) for part in parts_of(source)}
    everything = [exercise for part in asked.values() for exercise in part]
    for package, module in sorted({exercise.lesson.package: exercise.module for exercise in asked[source]}.items()):
        here = [exercise.name for exercise in everything if exercise.lesson.package == package]
        defined = [exercise.name for exercise in exercises_of(module)]
        if here != defined:
            yield f"exercises stand as {', '.join(here)} but {package} defines {', '.join(defined)}"
    for exercise in asked[source]:
        if exercise.number.partition(".")[0] != str(int(lesson_number(source))):
            yield f"{exercise.title} does not belong to lesson {lesson_number(source)}"


def exercises_in(source: Path) -> list[Exercise]:
    """List the exercises that a source sets, in order.

    Args:
        source: ``.../source/NN_topic.py``.

    Raises:
        BuildError: there is no exercise of a name.
    """
    return [find_exercise(cell.text, source) for cell in read_source(source) if cell.kind == "exercise"]


def _touching(seen: Sequence[Cell]) -> Iterator[str]:
    """Each exercise has its reason above it and its use below it."""
    places = [place for place, cell in enumerate(seen) if cell.kind == "exercise"]
    for place, end in pairwise([*places, len(seen)]):
        name = seen[place].text.rpartition(".")[2]
        above = seen[place - 1] if place else None
        if above is None or above.kind != "markdown" or _words_of_paragraphs(above.text) < REASON_WORDS:
            yield f"exercise {name}: the cell above it should say in {REASON_WORDS} words or more what it is for"
        visible = [cell.text for cell in seen[place + 1 : end] if cell.kind == "code" and "hide-cell" not in cell.tags]
        if not any(_uses(text, name) for text in visible):
            where = "before the next exercise" if end < len(seen) else "below it"
            yield f"exercise {name}: a code cell {where} should use it"


def _words_of_paragraphs(text: str) -> int:
    """Count the words of the paragraphs below the last heading; lists, tables and formulas are none."""
    blocks = re.split(r"\n\s*\n", re.split(r"^#+ .*$", plain_prose(text), flags=re.MULTILINE)[-1])
    return sum(len(block.split()) for block in blocks if not re.match(r"\s*(?:[-*|>]\s|\d+\.\s)", block))


def _uses(code: str, name: str) -> bool:
    """Tell whether code reads a name other than to ask `ex` about it."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a magic command
        return bool(re.search(rf"\b{name}\b", code))
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            return True
        of_ex = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if not (of_ex and isinstance(node.func.value, ast.Name) and node.func.value.id == "ex"):
            todo += ast.iter_child_nodes(node)
    return False
