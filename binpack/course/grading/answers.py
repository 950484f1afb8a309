"""A learner's function out of a notebook, with what it needs and nothing else: no training cell runs for a grade.

Of the notebook's cells only those statements run that bind a name which the function uses, and those that bind what
these use, in the order of the notebook. Imports and definitions are nearly all of them. What other exercises ask for is
not among them: whoever grades has those functions already.
"""

from __future__ import annotations

import ast
import linecache
import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binpack.course.exercises._source import bound_by, outside_names
from binpack.files import first_line

_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)
"""A line that IPython reads and Python does not."""


class NoAnswer(Exception):
    """A notebook without the function that an exercise asks for; the message is one line, empty where it is missing."""


@dataclass(frozen=True)
class Statement:
    """A statement at the top of a cell.

    Attributes:
        cell: the number of its cell among the code cells.
        tree: the statement.
        binds: names that it binds.
        changes: names whose objects it changes in place, by an assignment to a part of them.
        needs: names that it takes from the notebook, also where it defines a function that takes them.
    """

    cell: int
    tree: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    needs: frozenset[str]

    @property
    def defines(self) -> bool:
        """Whether it is a definition, whose names are looked up only when it is called."""
        return isinstance(self.tree, ast.FunctionDef | ast.ClassDef)


class Answers:
    """The functions of one notebook.

    Args:
        cells: text of its code cells.
        exercises: names of the functions that its lesson asks for.
    """

    def __init__(self, cells: Sequence[str], exercises: Collection[str]) -> None:
        self._exercises = frozenset(exercises)
        self._cells = list(cells)
        self._broken: dict[int, str] = {}
        self._checked: dict[str, int] = {}
        self.statements: list[Statement] = []
        for number in range(len(cells)):
            for statement in self._read(number):
                asked = _asked(statement.tree)
                if asked in self._exercises:
                    self._checked.setdefault(asked, len(self.statements))
                else:
                    self.statements.append(statement)

    def define(self, name: str, namespace: dict[str, Any]) -> Any:
        """Run what an answer needs, and return the function.

        Args:
            name: of the exercise.
            namespace: where it runs; it has the functions of the other exercises, and is changed.

        Raises:
            NoAnswer: the notebook has no such function, or its cell is no Python.
        """
        for number in self.needed(name):
            statement = self.statements[number]
            file = self._file(statement.cell)
            # the flags of this module, its future annotations, are none of the notebook's
            exec(compile(ast.Module([statement.tree], []), file, "exec", dont_inherit=True), namespace)
        return namespace[name]

    def needed(self, name: str) -> list[int]:
        """List the statements that an answer needs, itself among them, in the order of the notebook.

        Args:
            name: of the exercise.

        Raises:
            NoAnswer: as for `define`.
        """
        answer = self._find(name)
        chosen, todo = {answer}, [answer]
        while todo:
            at = todo.pop()
            place = max(at, answer) if self.statements[at].defines else at
            for wanted in self.statements[at].needs - self._exercises:
                new = set(self._makers(wanted, place)) - chosen
                chosen |= new
                todo += new
        return sorted(chosen)

    def _find(self, name: str) -> int:
        """Find the statement that binds an answer: the last one above its check, as in a notebook that ran to there."""
        for number, error in self._broken.items():
            if re.search(rf"^\s*(?:async\s+)?def {name}\b", self._cells[number], re.MULTILINE):
                raise NoAnswer(f"its cell is no Python: {error}")
        binders = [number for number, each in enumerate(self.statements) if name in each.binds]
        if not binders:
            raise NoAnswer("")
        check = self._checked.get(name, len(self.statements))
        return max((number for number in binders if number < check), default=binders[0])

    def _makers(self, name: str, place: int) -> Iterator[int]:
        """Yield the statements that made the object of a name, as it stands at some place of the notebook."""
        binders = [number for number, each in enumerate(self.statements) if name in each.binds and number != place]
        if not binders:
            return
        maker = max((number for number in binders if number < place), default=binders[0])
        yield maker
        yield from (number for number in range(maker + 1, place) if name in self.statements[number].changes)

    def _read(self, number: int) -> list[Statement]:
        """Read a cell; where it is no Python, what is wrong is kept for the exercise that it belongs to."""
        text = self._cells[number]
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            text = self._cells[number] = _MAGIC.sub(r"\1pass", text)
        try:
            return [_statement(number, tree) for tree in ast.parse(text).body]
        except SyntaxError as error:
            self._broken[number] = f"{error.msg}, in line {error.lineno}"
        except (ValueError, RecursionError, MemoryError) as error:  # null bytes; a thousand brackets
            self._broken[number] = first_line(error)
        return []

    def _file(self, cell: int) -> str:
        """Give a cell the name of a file from which tracebacks and `inspect` read its lines."""
        name = str(Path(tempfile.gettempdir(), f"cell_{cell + 1}.py"))
        text = self._cells[cell]
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        return name


def _asked(tree: ast.stmt) -> str:
    """Return the exercise that a statement checks, `f = ex.check(f)`; empty where it is another statement."""
    call = tree.value if isinstance(tree, ast.Assign | ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "check":
        name = call.args[0] if call.args else None
        return name.id if isinstance(name, ast.Name) else ""
    return ""


def _statement(cell: int, tree: ast.stmt) -> Statement:
    needs = outside_names(ast.unparse(tree))
    if isinstance(tree, ast.AugAssign) and isinstance(tree.target, ast.Name):
        needs.add(tree.target.id)  # `x += 1`, which a table of symbols does not call a reference
    return Statement(cell, tree, frozenset(bound_by([tree])), frozenset(_changed(tree)), frozenset(needs))


def _changed(tree: ast.stmt) -> Iterator[str]:
    """Yield names of objects of which a statement sets a part: `table["x"] = 1`, `config.x = 1`."""
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            root: ast.expr = node
            while isinstance(root, ast.Subscript | ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id
