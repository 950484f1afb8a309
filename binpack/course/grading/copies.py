"""Learners' copies of the notebooks: where they are, whose they are, and which lesson each is.

A copy is known by what is in it, for learners rename files: it belongs to the notebook of the course with whose
exercises it has the most functions and checks in common.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binpack.course import working_copy
from binpack.files import FileError, InputError, read_json

LARGEST = 100
"""MiB of a notebook that is still read; the course's largest has some 3."""
_CHECK = re.compile(r"\bex\.check\((\w+)\)")
_DEFINITION = re.compile(r"^def (\w+)\(", re.MULTILINE)
_PASSED_OVER = {"solutions", "source"}
"""Folders whose notebooks are not the learner's work; hidden ones are passed over as well."""


@dataclass(frozen=True)
class Sheet:
    """What a notebook of the course asks for.

    Attributes:
        number: of the lesson with its part, "02b".
        stem: name of the notebook without its ending.
        exercises: names of the functions to write, in order.
    """

    number: str
    stem: str
    exercises: tuple[str, ...]


@dataclass(frozen=True)
class Copy:
    """A learner's copy of a notebook.

    Attributes:
        learner: whose it is, as the folder or the file's name says.
        sheet: which lesson it is.
        path: the file.
        cells: text of its code cells, in order.
    """

    learner: str
    sheet: Sheet
    path: Path
    cells: tuple[str, ...]


def sheets(root: Path) -> list[Sheet]:
    """List what each notebook of a checkout asks for, in the order of the course.

    Args:
        root: the checkout.

    Raises:
        InputError: there are no notebooks.
    """
    found = []
    for number, path in working_copy.lessons(root).items():
        asked = [name for cell in read_cells(path) for name in _CHECK.findall(cell)]
        found.append(Sheet(number, path.stem, tuple(dict.fromkeys(asked))))
    if not found:
        raise InputError(f"{root} has no notebooks: run the command in a checkout of the course")
    return found


def notebooks_in(folder: Path) -> list[Path]:
    """List the notebooks to grade in a folder, or the one that a file is.

    Args:
        folder: a folder of notebooks or of a folder for each learner, or one notebook.

    Raises:
        FileError: there is nothing of that name, or no notebook in it.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder")
    found = [path for path in sorted(folder.rglob("*.ipynb")) if path.is_file() and _is_work(path.relative_to(folder))]
    if not found:
        raise FileError(f"{folder}: no notebooks in it (*.ipynb; solutions/ and hidden folders do not count)")
    return found


def _is_work(path: Path) -> bool:
    return not any(part in _PASSED_OVER or part.startswith(".") for part in path.parts)


def read_copy(path: Path, folder: Path, known: Sequence[Sheet]) -> Copy:
    """Read a learner's copy.

    Args:
        path: the notebook.
        folder: where the copies of the class are.
        known: what the notebooks of the course ask for.

    Raises:
        FileError: it is no notebook, one of an older format, or none of the course.
    """
    cells = read_cells(path)
    sheet = _sheet_of(path, cells, known)
    return Copy(_learner(path, folder, sheet), sheet, path, cells)


def read_cells(path: Path) -> tuple[str, ...]:
    """Read the text of a notebook's code cells.

    Args:
        path: the notebook.

    Raises:
        FileError: it is not a notebook, or one of another format than 4.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    if size > LARGEST * 2**20:
        raise FileError(f"{path}: {size / 2**20:.0f} MiB, more than the {LARGEST} of a notebook; clear its outputs")
    content = read_json(path, "a notebook")
    version, cells = content.get("nbformat"), content.get("cells")
    if isinstance(version, int) and version != 4:
        raise FileError(f"{path}: notebook format {version}, expected 4; open and save it in JupyterLab")
    if version != 4 or not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise FileError(f"{path}: not a notebook (it needs nbformat 4 and a list of cells)")
    return tuple(_text(path, cell.get("source", "")) for cell in cells if cell.get("cell_type") == "code")


def _text(path: Path, source: Any) -> str:
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    if isinstance(source, str):
        return source
    raise FileError(f"{path}: not a notebook (the source of a cell is no text)")


def _sheet_of(path: Path, cells: Sequence[str], known: Sequence[Sheet]) -> Sheet:
    """Find the notebook of the course that a copy is one of; its file's name decides where its content does not."""
    text = "\n\n".join(cells)
    mentioned = {*_CHECK.findall(text), *_DEFINITION.findall(text)}

    def likeness(sheet: Sheet) -> tuple[int, bool, float]:
        common = len(mentioned & set(sheet.exercises))
        return common, sheet.stem in path.stem, common / max(len(sheet.exercises), 1)

    best = max(known, key=likeness)
    if likeness(best)[:2] == (0, False):
        raise FileError(f"{path}: no lesson's notebook (it has none of the course's exercises)")
    return best


def _learner(path: Path, folder: Path, sheet: Sheet) -> str:
    """Name whose a copy is: by the folder below the class's, or else by what its name has beside the lesson's."""
    if path != folder:
        inside = path.relative_to(folder)
        if len(inside.parts) > 1:
            return inside.parts[0]
    left = path.stem.replace(sheet.stem, "")
    left = re.sub(r"_mine_\d+$|-Copy\d+$|\s*\(\d+\)$", "", left).strip("_- .")
    return left or path.resolve().parent.name
