"""Reads ``answers/lNN_topic.py``: what learners may write, right and wrong.

A file holds plain functions. ``td_update__by_hand`` is a correct alternative in another style;
``td_update__wrong_no_gamma`` is a wrong answer, whose docstring is a part of the message that it must get. A name that
belongs to no exercise is a helper. Each answer stands alone in a learner's cell, below the imports and helpers of its
file.
"""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from judging import run_cell

from binpack.course.exercises import Exercise

FOLDER = Path(__file__).parent / "answers"


@dataclass(frozen=True)
class Answer:
    """One answer of a file.

    Attributes:
        exercise: name of the exercise.
        label: what sets it apart from others, for example "wrong_no_gamma".
        says: the docstring: for a wrong answer a part of the message.
        source: the function under the exercise's name, without that docstring.
        head: imports and helpers of the file.
    """

    exercise: str
    label: str
    says: str
    source: str
    head: str

    @property
    def wrong(self) -> bool:
        """Whether the check must refuse it."""
        return self.label.startswith("wrong")

    @property
    def cell(self) -> str:
        """What a learner's cell would hold."""
        return f"{self.head}\n\n\n{self.source}"

    def function(self) -> object:
        """Run the cell and return the function."""
        return run_cell(self.cell)[self.exercise]


def read_answers(package: str, exercises: list[Exercise], folder: Path = FOLDER) -> list[Answer]:
    """Read the answers to a lesson's exercises.

    Args:
        package: name of the lesson's package, for example "l01_q_learning"; files that begin with its number count.
        exercises: the lesson's.
        folder: where the files lie.
    """
    names = {exercise.name for exercise in exercises}
    files = sorted(path for path in folder.glob("l[0-9]*.py") if re.match(r"l\d\d", path.name)[0] == package[:3])
    return list(itertools.chain.from_iterable(_read(path, names) for path in files))


def _read(path: Path, names: set[str]) -> list[Answer]:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    mine = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.partition("__")[0] in names]
    start = 1 if ast.get_docstring(tree) is not None else 0
    head = "\n".join(ast.get_source_segment(text, node) or "" for node in tree.body[start:] if node not in mine)
    return [_answer(node, head) for node in mine]


def _answer(node: ast.FunctionDef, head: str) -> Answer:
    exercise, _, label = node.name.partition("__")
    says = ast.get_docstring(node) or ""
    if says:
        node.body = node.body[1:] or [ast.Pass()]
    node.name = exercise
    return Answer(exercise, label, " ".join(says.split()), ast.unparse(node) + "\n", head)
