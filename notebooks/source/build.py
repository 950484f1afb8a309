"""Make the notebooks from their sources: ``notebooks/source/NN_topic.py`` is the only text that people edit.

    python notebooks/source/build.py               build every lesson: notebooks/NN_topic.ipynb and its solved twin
    python notebooks/source/build.py 03_packing    build one (a name, or the start of one: 02 is 02 and 02b)
    python notebooks/source/build.py --text 03     only text changed: keep the outputs, run nothing
    python notebooks/source/build.py --check       say what is out of date, run nothing; exit 1 if something is

Both notebooks are executed in a fresh kernel of this interpreter, in the folder they are written to, and replaced only
once every cell has run. Building twice gives the same cells, ids and metadata. Lessons link to their neighbours, so a
new lesson or a new title changes the text of two others: it is brought up to date without running them.

How a source reads is told in ``lesson.py``, what a lesson must hold to (cells, lines, words, order of its parts) in
``lint.py``; a build ends with what that has to say.

What nbval compares must be the same everywhere: text on stdout and ``text/plain`` of results, never PNG, plotly JSON or
stderr (``pytest_course.py``). Show figures with ``binpack.plots.show``; assign a last expression that prints an object
to ``_``.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from kernels import again_where_it_died_early
from lesson import METADATA, BuildError, lesson_sources, render
from lint import lint
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from traitlets import default

from binpack.system import use_private_folders

FOLDER = Path(__file__).resolve().parent.parent
OWN_FOLDER = re.compile(r"(?<=\.cache/tmp/tmp)\w{8}\b")
"""What `tempfile` gives a folder of one kernel, and no reader of the notebook has."""
TIMEOUT = 300  # seconds a cell, as in nbval's setting in pyproject.toml


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
    again_where_it_died_early(client.execute)(
        stderr=subprocess.DEVNULL
    )  # the kernel's own log; what cells write to stderr is kept
    notebook.metadata = nbformat.from_dict(METADATA)  # nbclient adds the version of Python
    for output in (output for cell in _code(notebook) for output in cell.outputs if output.output_type == "stream"):
        output.text = OWN_FOLDER.sub("...", output.text)


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


def rewrite_text(source: Path) -> list[Path]:
    """Bring the text of a lesson's notebooks up to date, keeping the outputs of code that must not have changed.

    Args:
        source: ``.../source/NN_topic.py``.

    Returns:
        The notebooks that were written.

    Raises:
        BuildError: a notebook is missing, or its code changed; then neither is touched.
    """
    done = []
    for path, solved in targets(source):
        made = render(source, solved=solved)
        have = nbformat.read(path, as_version=4) if path.exists() else None
        if have is None or [_identity(cell) for cell in _code(have)] != [_identity(cell) for cell in _code(made)]:
            raise BuildError(
                f"{path.relative_to(source.parent.parent.parent)} is missing or its code changed: build it"
            )
        for cell, old in zip(_code(made), _code(have), strict=True):
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
        if made != have:
            done.append((made, path))
    for notebook, path in done:
        write(notebook, path)
    return [path for _, path in done]


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# -------------------------------------------------------------------------------------------------- what is out of date


def sources(folder: Path = FOLDER, names: Sequence[str] = ()) -> list[Path]:
    """List the sources, or those that some names choose.

    Args:
        folder: the notebooks' folder.
        names: names of lessons, or how they start, with or without a path and an ending; none means all.

    Raises:
        BuildError: a name chooses nothing.
    """
    everything = lesson_sources(folder / "source")
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
    for count, cell in enumerate(_code(nbformat.read(path, as_version=4)), start=1):
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
    parser.add_argument("--text", action="store_true", help="keep the outputs: only text changed since the last build")
    options = parser.parse_args(arguments)
    try:
        chosen = sources(folder, options.names)
        if options.check:
            return _check(chosen, folder)
        return _rewrite(chosen) if options.text else _build(chosen, folder)
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
    use_private_folders(folder.parent)
    for source in chosen:
        try:
            build(source)
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"{source.name}: {error}", file=sys.stderr)
            return 1
    _rewrite_neighbours(chosen, folder)
    _complain(chosen)
    return 0


def _rewrite(chosen: Sequence[Path]) -> int:
    for source in chosen:
        for path in rewrite_text(source):
            print(f"{path.relative_to(source.parent.parent.parent)} has its new text")
    _complain(chosen)
    return 0


def _rewrite_neighbours(chosen: Sequence[Path], folder: Path) -> None:
    """Bring the links of the lessons before and after the built ones up to date, where nothing else changed there."""
    everything = sources(folder)
    places = {everything.index(source) + step for source in chosen for step in (-1, 1)}
    for place in sorted(places & set(range(len(everything)))):
        if everything[place] not in chosen:
            with contextlib.suppress(BuildError):  # its code changed, too: its author builds it
                rewrite_text(everything[place])


def _complain(chosen: Sequence[Path]) -> None:
    """Print what the form of a lesson asks for: a warning, which fails nothing here."""
    for source in chosen:
        for fault in lint(source):
            print(f"warning: {source.name}: {fault}")


if __name__ == "__main__":
    sys.exit(main())
