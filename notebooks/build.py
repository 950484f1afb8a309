"""Make the notebooks from their sources: ``notebooks/source/NN_topic.py`` is the only text that people edit.

    python notebooks/build.py                  build every lesson: notebooks/NN_topic.ipynb and notebooks/solutions/
    python notebooks/build.py 03_packing       build one (a name, or the start of one)
    python notebooks/build.py --check          say what is out of date, without running anything; exit 1 if something is

Both notebooks are executed in a fresh kernel of this interpreter, in the folder they are written to, and replaced only
once every cell has run. Building twice gives the same cells, ids and metadata.

A source is jupytext's percent format::

    # %% [markdown]
    # # 03 The packing environment
    # *45 minutes. Builds on lesson 02.*

    # %%
    print("a code cell")

    # %% tags=["nbval-ignore-output"]
    train()                 # output differs from machine to machine: nbval runs the cell and compares nothing

    # %% [exercise packing.landing_height]

    # %% tags=["learner"]   only in the learner's notebook: code to mend, say
    # %% tags=["solution"]  only in the solutions

An exercise line stands alone. It becomes three cells: a heading (number, first paragraph of the docstring, minutes,
difficulty, how to get a hint), then the stub (in ``solutions/`` the reference itself), then
``landing_height = ex.check(landing_height)``. So every lesson says ``from binpack import exercises as ex`` near its
top. Imports that the reference needs and that no earlier cell makes are put above the function, in both notebooks;
helpers that the reference uses are imported from its module, here ``binpack/exercises/packing.py``.

What nbval compares must be the same everywhere: text on stdout and ``text/plain`` of results, never PNG, plotly JSON or
stderr. Show figures with ``binpack.plots.show``; assign a last expression that prints an object to ``_``. Everything
that a lesson must hold to (cells, lines, words, order of its parts) is in ``lesson_lint.py``; a build ends with what it
has to say.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from traitlets import default

from binpack.course.exercises import Exercise, ExerciseError, find
from binpack.course.exercises.core import DIFFICULTY
from binpack.system import use_private_folders

FOLDER = Path(__file__).resolve().parent
TIMEOUT = 300  # seconds a cell, as in nbval's setting in pyproject.toml
_EXERCISE_LINE = re.compile(r"^# %% \[exercise\s+([\w.]+)\]\s*$", re.MULTILINE)
_METADATA = {
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


# ------------------------------------------------------------------------------------------------ source -> notebook


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
    notebook = nbformat.v4.new_notebook(metadata=nbformat.from_dict(_METADATA))
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
    topic, _, function = name.rpartition(".")
    if not topic:
        raise BuildError(f"{path.name}: [exercise {name}] should read [exercise topic.{name}]")
    try:
        importlib.import_module(f"binpack.exercises.{topic}")
        return find(f"{topic}.{function}")
    except ModuleNotFoundError as error:
        if error.name != f"binpack.exercises.{topic}":
            raise
        raise BuildError(f"{path.name}: [exercise {name}]: there is no binpack/exercises/{topic}.py") from None
    except ExerciseError:
        where = f"binpack/exercises/{topic}.py"
        raise BuildError(f"{path.name}: [exercise {name}]: {where} defines no exercise {function!r}") from None


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


# ------------------------------------------------------------------------------------------------- running and writing


class _OwnKernel(KernelSpecManager):
    """Finds one kernel only: the interpreter that runs this, whatever kernels the machine has."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        from ipykernel.kernelspec import RESOURCES, get_kernel_dict

        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


class _OwnManager(AsyncKernelManager):
    """Starts that kernel."""

    @default("kernel_spec_manager")
    def _own(self) -> KernelSpecManager:
        return _OwnKernel(parent=self)


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run a notebook in a fresh kernel, in place.

    Args:
        notebook: what `render` made.
        folder: working directory of the kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
        nbclient.exceptions.CellTimeoutError: a cell took longer than `TIMEOUT`.
    """
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_manager_class=_OwnManager,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log; what cells write to stderr is kept
    notebook.metadata = nbformat.from_dict(_METADATA)  # nbclient adds the version of Python


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook so that a reader never sees half of it.

    Args:
        notebook: what to write.
        path: where to write it.
    """
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    unfinished.replace(path)


def targets(source: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the two notebooks of a source, each with whether its exercises are solved.

    Args:
        source: ``.../source/NN_topic.py``.
    """
    folder = source.parent.parent
    yield folder / f"{source.stem}.ipynb", False
    yield folder / "solutions" / f"{source.stem}.ipynb", True


def build(source: Path) -> None:
    """Build both notebooks of a lesson; neither is touched unless both run.

    Args:
        source: ``.../source/NN_topic.py``.
    """
    done = []
    for path, solved in targets(source):
        notebook = render(source, solved=solved)
        path.parent.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        execute(notebook, path.parent)
        print(f"{path.relative_to(source.parent.parent.parent)} ran in {time.perf_counter() - start:.0f} s")
        done.append((notebook, path))
    for notebook, path in done:
        write(notebook, path)


# -------------------------------------------------------------------------------------------------- what is out of date


def sources(folder: Path = FOLDER, names: Sequence[str] = ()) -> list[Path]:
    """List the sources, or those that some names choose.

    Args:
        folder: the notebooks' folder.
        names: names of lessons, or how they start, with or without a path and an ending; none means all.

    Raises:
        BuildError: a name chooses nothing.
    """
    everything = sorted(folder.glob("source/[0-9][0-9]_*.py"))
    chosen = []
    for name in names:
        found = [path for path in everything if path.stem.startswith(Path(name).stem)]
        if not found:
            raise BuildError(
                f"no source starts with {name!r}; there are: {', '.join(p.stem for p in everything) or '-'}"
            )
        chosen += found
    return sorted(set(chosen)) if names else everything


def out_of_date(source: Path) -> list[str]:
    """Say where the notebooks of a source are not what `build` would write, leaving outputs aside.

    Args:
        source: ``.../source/NN_topic.py``.

    Returns:
        One line a fault; none where all is well.
    """
    faults = []
    for path, solved in targets(source):
        name = path.relative_to(source.parent.parent.parent)
        if not path.exists():
            faults.append(f"{name} is missing")
            continue
        have, want = nbformat.read(path, as_version=4), render(source, solved=solved)
        if list(map(_identity, have.cells)) != list(map(_identity, want.cells)) or have.metadata != want.metadata:
            faults.append(f"{name} is out of date with {source.name}")
    return faults


def orphans(folder: Path = FOLDER) -> list[str]:
    """Say which notebooks have no source.

    Args:
        folder: the notebooks' folder.
    """
    known = {path for source in sources(folder) for path, _ in targets(source)}
    found = [*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")]
    return [f"{path.relative_to(folder.parent)} has no source" for path in sorted(found) if path not in known]


def not_executed(path: Path) -> list[str]:
    """Say which code cells of a notebook did not run, or not in order, or failed.

    Args:
        path: a notebook.
    """
    faults = []
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        where = f"{path.name}: code cell {count}"
        if cell.execution_count is None:
            faults.append(f"{where} was not executed")
        elif cell.execution_count != count:
            faults.append(f"{where} was executed as number {cell.execution_count}")
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"{where} ended in {output.ename}")
            elif output.get("name") == "stderr":
                faults.append(f"{where} wrote to stderr: {output.text.strip().splitlines()[-1]}")
    return faults


def _identity(cell: NotebookNode) -> tuple[str, str, str, dict]:
    return cell.cell_type, cell.get("id", ""), cell.source, dict(cell.metadata)


# ------------------------------------------------------------------------------------------------------- command line


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Build notebooks or check them.

    Args:
        arguments: the command line's; None takes the process's own.
        folder: the notebooks' folder.

    Returns:
        Exit status: 0 fine, 1 out of date or a cell failed, 2 wrong arguments.
    """
    parser = argparse.ArgumentParser(prog="build.py", description="Make the notebooks from notebooks/source/.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="lessons to build, for example 03_packing; default all"
    )
    parser.add_argument(
        "--check", action="store_true", help="say what is out of date, run nothing, exit 1 if something is"
    )
    options = parser.parse_args(arguments)
    try:
        chosen = sources(folder, options.names)
        return _check(chosen, folder) if options.check else _build(chosen, folder)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 2


def _check(chosen: Sequence[Path], folder: Path) -> int:
    faults = [fault for source in chosen for fault in out_of_date(source)] + orphans(folder)
    for path in (path for source in chosen for path, _ in targets(source) if path.exists()):
        faults += not_executed(path)
    print("\n".join(faults) if faults else "every notebook is up to date")
    return 1 if faults else 0


def _build(chosen: Sequence[Path], folder: Path) -> int:
    from lesson_lint import lint

    use_private_folders(folder.parent)
    for source in chosen:
        try:
            build(source)
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"{source.name}: {error}", file=sys.stderr)
            return 1
        for complaint in lint(source):
            print(f"{source.name}: {complaint}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
