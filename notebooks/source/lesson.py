"""Reads a lesson's source and turns it into a notebook that has not run yet.

A source is called ``NN_topic.py``, or ``NNb_topic.py`` where it is the second part of lesson NN. The parts of a lesson
share one package, ``binpack/course/lNN_topic/``, and their exercises are numbered through. A source is
jupytext's percent format::

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

    # %% tags=["hide-cell"]
    assert returns.mean() < 0   # folded away in JupyterLab: for what CI must hold and no learner needs to read

``hide-input`` folds the code alone, ``hide-output`` the output alone; the names are Jupyter Book's, the folding is
JupyterLab's own (``metadata.jupyter``), and each can be opened there. An output opens by itself when its cell runs, so
what is to stay out of sight prints nothing.

An exercise line stands alone. It becomes three cells: a heading (number, first paragraph of the docstring, minutes,
difficulty, how to get a hint), then the stub (in ``solutions/`` the reference itself), then
``landing_height = ex.check(landing_height)``. So every lesson says ``from binpack.course import exercises as ex`` near
its top. Imports that the reference needs and that no earlier cell makes are put above the function, in both notebooks;
helpers that the reference uses are imported from its module, here
``binpack/course/l03_packing_environment/exercises.py``.

The links to the lesson before, to the next one and to the solutions are made here as well, under the title and at the
end of "What comes next": a source does not write them.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from binpack.course.exercises import Exercise, ExerciseError, find
from binpack.course.exercises._source import bound_by
from binpack.course.exercises.core import DIFFICULTY

NEXT = "What comes next"
"""The section at whose end the way on is shown."""

HIDES = {
    "hide-cell": {"source_hidden": True, "outputs_hidden": True},
    "hide-input": {"source_hidden": True},
    "hide-output": {"outputs_hidden": True},
}
"""Tags to the metadata by which JupyterLab folds a cell."""

_SOURCE = re.compile(r"(\d\d)([a-z]?)_\w+")
_EXERCISE_LINE = re.compile(r"^# %% \[exercise\s+([\w.]+)\]\s*$", re.MULTILINE)
_RESTART = "# NameError after a restart? Run > Run All Above Selected Cell"
"""Stands where the error of a restarted kernel shows it: in the line that raised."""
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


def lesson_sources(folder: Path) -> list[Path]:
    """List the sources of lessons in a folder, in the order of the course.

    Args:
        folder: ``notebooks/source``.
    """
    return sorted(path for path in folder.glob("*.py") if _SOURCE.fullmatch(path.stem))


def lesson_number(source: Path) -> str:
    """Return a lesson's number without its part: "02" for ``02_deep_q_network.py`` and ``02b_lunar_lander.py``."""
    return source.stem[:2]


def part_number(source: Path) -> str:
    """Return a lesson's number with its part: "02b" for ``02b_lunar_lander.py``."""
    return source.stem.partition("_")[0]


def parts_of(source: Path) -> list[Path]:
    """List the sources of the same lesson in order, this one among them.

    One in ``drafts`` counts: its text and exercises are there, and its notebooks wait for a record.
    """
    every = [*lesson_sources(source.parent), *lesson_sources(source.parent / "drafts")]
    return sorted((path for path in every if lesson_number(path) == lesson_number(source)), key=lambda path: path.name)


def title_of(source: Path) -> str:
    """Return a lesson's title with its number, "02b LunarLander"; its file's name where there is none yet."""
    found = re.search(r"^# # +(\S.*?) *$", source.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else source.stem


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
    _add_links(notebook.cells, path, solved)
    return notebook


def _plain_cell(cell: Cell) -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if cell.kind == "markdown" else nbformat.v4.new_code_cell
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    hidden = {key: value for tag in cell.tags for key, value in HIDES.get(tag, {}).items()}
    if hidden:
        metadata["jupyter"] = hidden
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
        nbformat.v4.new_code_cell(f"{name} = ex.check({name})  {_RESTART}", id=f"check-{label}"[:60]),
    ]


def _heading(exercise: Exercise, solved: bool) -> str:
    level = f"{DIFFICULTY[exercise.difficulty]} ({exercise.difficulty} of {len(DIFFICULTY)})"
    number, name = exercise.number, exercise.name
    facts = f"{exercise.summary}\n\n*{exercise.minutes} minutes, {level}.*"
    if solved:
        return f"### Exercise {number}, solved: `{name}`\n\n{facts}"
    begin = "Write" if exercise.start is None else "Mend"
    return (
        f"### Exercise {number}: `{name}`\n\n{facts} {begin} the function, then run its cell and the check below it. "
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
        return bound_by(ast.parse(source).body)
    except SyntaxError:
        return set()


def _make_unique(cells: Sequence[NotebookNode]) -> None:
    """Number the ids of cells with the same text."""
    seen: dict[str, int] = {}
    for cell in cells:
        seen[cell.id] = seen.get(cell.id, 0) + 1
        if seen[cell.id] > 1:
            cell.id = f"{cell.id}-{seen[cell.id]}"


def _add_links(cells: Sequence[NotebookNode], path: Path, solved: bool) -> None:
    """Put the way to the other notebooks under the title and at the end of "What comes next"."""
    everything = lesson_sources(path.parent)
    here = everything.index(path)
    before = everything[here - 1] if here else None
    after = everything[here + 1] if here + 1 < len(everything) else None
    twin = f"[The lesson](../{path.stem}.ipynb)" if solved else f"[Solutions](solutions/{path.stem}.ipynb)"
    line = [f"Before: {_link(before)}"] if before else []
    line += [f"Next: {_link(after)}"] if after else []
    mark = ": solutions" if solved else ""  # both may be open, in tabs that bear the same file name
    top, bottom = " | ".join([*line, twin]), f"{_way_on(path, after)} {_twin_at_the_end(path, solved)}"
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\A(# .+)$", lambda found: f"{found[1]}{mark}\n\n{top}", cell.source, flags=re.M)
            cell.source = re.sub(
                rf"^## {NEXT} *\n.*?(?=\n+## |\Z)",
                lambda found: f"{found[0].rstrip()}\n\n{bottom}",
                cell.source,
                count=1,
                flags=re.MULTILINE | re.DOTALL,
            )


def _link(source: Path) -> str:
    return f"[{title_of(source)}]({source.stem}.ipynb)"


def _way_on(path: Path, after: Path | None) -> str:
    """Say where to go on, and which lessons between are still to be written."""
    if after is None:
        return "This is the last lesson."
    missing = range(int(lesson_number(path)) + 1, int(lesson_number(after)))
    if not missing:
        return f"Go on with {_link(after)}."
    first, last = f"{missing[0]:02}", f"{missing[-1]:02}"
    between = "and" if len(missing) == 2 else "to"
    gap = f"Lesson {first} is" if first == last else f"Lessons {first} {between} {last} are"
    return f"{gap} still being written; go on with {_link(after)}."


def _twin_at_the_end(path: Path, solved: bool) -> str:
    if solved:
        return f"To do the exercises yourself, open [the lesson](../{path.stem}.ipynb)."
    return f"Every exercise of this lesson is solved in its [solutions](solutions/{path.stem}.ipynb)."
