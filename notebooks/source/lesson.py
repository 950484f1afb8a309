"""Reads a lesson's source and turns it into a notebook that has not run yet.

A source is jupytext's percent format::

    # %% [markdown]
    # # 03 The packing environment
    # *45 minutes. Builds on lesson 02.*

    # %%
    print("a code cell")

    # %% tags=["nbval-ignore-output"]
    train()                 # output differs from machine to machine: nbval runs the cell and compares nothing

    # %% [exercise packing_environment.landing_height]

    # %% tags=["learner"]   only in the learner's notebook: code to mend, say
    # %% tags=["solution"]  only in the solutions

An exercise line stands alone. It becomes three cells: a heading (number, first paragraph of the docstring, minutes,
difficulty, how to get a hint), then the stub (in ``solutions/`` the reference itself), then
``landing_height = ex.check(landing_height)``. So every lesson says ``from binpack.course import exercises as ex`` near
its top. Imports that the reference needs and that no earlier cell makes are put above the function, in both notebooks;
helpers that the reference uses are imported from its module, here
``binpack/course/l03_packing_environment/exercises.py``.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from binpack.course.exercises import Exercise, ExerciseError, find
from binpack.course.exercises.core import DIFFICULTY

_EXERCISE_LINE = re.compile(r"^# %% \[exercise\s+([\w.]+)\]\s*$", re.MULTILINE)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


class BuildError(ValueError):
    """A source that cannot be turned into a notebook."""


@dataclass(frozen=True)
class Cell:
    """One cell of a source.

    Attributes:
        kind: "markdown", "code" or "exercise".
        text: its text; for an exercise its name, "topic.function".
        tags: tags of the notebook's cell.
    """

    kind: str
    text: str
    tags: tuple[str, ...] = field(default=())


def read_source(path: Path) -> list[Cell]:
    """Read a lesson's source.

    Args:
        path: a file in jupytext's percent format with exercise lines.

    Raises:
        BuildError: text stands below an exercise line.
    """
    text = _EXERCISE_LINE.sub(r'# %% exercise="\1"', Path(path).read_text(encoding="utf-8"))
    cells = []
    for cell in jupytext.reads(text, fmt="py:percent").cells:
        tags = tuple(cell.metadata.get("tags", ()))
        if "exercise" not in cell.metadata:
            cells.append(Cell(cell.cell_type, cell.source, tags))
        elif cell.source.strip():
            name = cell.metadata["exercise"]
            raise BuildError(f"{Path(path).name}: text stands below [exercise {name}]; start a cell of its own for it")
        else:
            cells.append(Cell("exercise", cell.metadata["exercise"], tags))
    return cells


def render(path: Path, *, solved: bool) -> NotebookNode:
    """Turn a source into a notebook that has not run yet.

    Args:
        path: the lesson's source.
        solved: whether exercises hold their reference solution or their stub.

    Raises:
        BuildError: an exercise does not exist, or text stands below its line.
    """
    notebook = nbformat.v4.new_notebook(metadata=nbformat.from_dict(METADATA))
    bound: set[str] = set()
    for cell in read_source(path):
        if ("learner" if solved else "solution") in cell.tags:
            continue
        for made in _exercise_cells(cell, path, bound, solved) if cell.kind == "exercise" else [_plain_cell(cell)]:
            if made.cell_type == "code":
                bound |= bound_names(made.source)
            notebook.cells.append(made)
    _make_unique(notebook.cells)
    return notebook


def _plain_cell(cell: Cell) -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if cell.kind == "markdown" else nbformat.v4.new_code_cell
    metadata = {"tags": list(cell.tags)} if cell.tags else {}
    digest = hashlib.sha256(cell.text.encode()).hexdigest()[:12]
    return make(cell.text, id=f"{cell.kind}-{digest}", metadata=metadata)


def _exercise_cells(cell: Cell, path: Path, bound: set[str], solved: bool) -> list[NotebookNode]:
    exercise = find_exercise(cell.text, path)
    imports = exercise.imports(bound)
    above = "\n".join(imports) + "\n\n\n" if imports else ""
    function = exercise.source if solved else exercise.stub
    name = exercise.name
    label = name.replace("_", "-").strip("-")
    return [
        nbformat.v4.new_markdown_cell(_heading(exercise, solved), id=f"exercise-{label}"[:60]),
        nbformat.v4.new_code_cell((above + function).rstrip(), id=f"answer-{label}"[:60]),
        nbformat.v4.new_code_cell(f"{name} = ex.check({name})", id=f"check-{label}"[:60]),
    ]


def _heading(exercise: Exercise, solved: bool) -> str:
    level = f"{DIFFICULTY[exercise.difficulty]} ({exercise.difficulty} of {len(DIFFICULTY)})"
    number, name = exercise.number, exercise.name
    facts = f"{exercise.summary}\n\n*{exercise.minutes} minutes, {level}.*"
    if solved:
        return f"### Exercise {number}, solved: `{name}`\n\n{facts}"
    return (
        f"### Exercise {number}: `{name}`\n\n{facts} Write the function, then run its cell and the check below it. "
        f"`ex.hint({name})` gives one more hint at each call, `ex.solution({name})` a solution."
    )


def find_exercise(name: str, path: Path) -> Exercise:
    """Look up the exercise that a source names.

    Args:
        name: "topic.function".
        path: the source, for the message.

    Raises:
        BuildError: there is no such exercise.
    """
    if "." not in name:
        raise BuildError(f"{path.name}: [exercise {name}] should read [exercise topic.{name}]")
    try:
        return find(name)
    except ExerciseError as error:
        raise BuildError(f"{path.name}: [exercise {name}]: {error}") from None


def bound_names(source: str) -> set[str]:
    """Names that a cell binds in the notebook's namespace; none where it is not plain Python.

    Args:
        source: text of a code cell.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    names: set[str] = set()
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            todo += ast.iter_child_nodes(node)
    return names


def _make_unique(cells: Sequence[NotebookNode]) -> None:
    """Number the ids of cells with the same text."""
    seen: dict[str, int] = {}
    for cell in cells:
        seen[cell.id] = seen.get(cell.id, 0) + 1
        if seen[cell.id] > 1:
            cell.id = f"{cell.id}-{seen[cell.id]}"
