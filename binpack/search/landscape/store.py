"""The file of the recorded study: one row for each run, in arrays that load at once and hold no pickled objects.

A row has a key (group, config, task, seed), the scores of its run on validation streams at 20 points and on test
streams at the end, and at each point the steps taken, the seconds of processor time and the run's diagnostics. Point k
is the first end of a rollout at or after ``k * 2,048`` steps; where a rollout spans two points, both are its end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.agents.diagnostics import NAMES
from binpack.files import FileError, first_line, write_atomically

VERSION = 1
KEY = ("group", "config", "task", "seed")
CURVES = ("utilization", "steps", "seconds", *NAMES)
"""What a row holds for each point."""
_PRECISION = {"utilization": np.float32, "steps": np.uint32, "seconds": np.float32}


def write(path: str | Path, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], **arrays: NDArray) -> None:
    """Write the file, atomically.

    Args:
        path: the file.
        about: where it comes from; JSON.
        rows: key, ``test``, ``diverged`` and curves each; None in a curve is what there is no number for.
        **arrays: what else it holds, under their names.
    """
    columns: dict[str, NDArray] = {name: np.array([row[name] for row in rows]) for name in (*KEY, "diverged")}
    columns["config"], columns["seed"] = columns["config"].astype(np.uint16), columns["seed"].astype(np.uint16)
    columns["test"] = np.array([row["test"] for row in rows], float).astype(np.float32)
    for name in CURVES:
        values = np.array([row[name] for row in rows], float)
        columns[name] = values.astype(_PRECISION[name]) if name in _PRECISION else _short(values)
    said = np.array(json.dumps({**about, "version": VERSION}))
    write_atomically(path, lambda place: _save(place, {"about": said, **arrays, **columns}))


def _short(values: NDArray) -> NDArray:
    """Return float32 with 11 binary digits, more than three decimal ones: the rest are zeros, which compress well."""
    whole = values.astype(np.float32).view(np.uint32)
    cut = (whole + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)
    return np.where(np.isfinite(values), cut.view(np.float32), values).astype(np.float32)


def _save(place: Path, arrays: Mapping[str, NDArray]) -> None:
    with place.open("wb") as file:  # given a name, numpy adds an ending to it
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Read the file.

    Args:
        path: the file.

    Returns:
        What is under ``about``, and the arrays by name; a curve is (runs, 20), NaN where there is no number.

    Raises:
        FileError: one line: there is no such file, or it is not one of these.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        about = json.loads(str(arrays.pop("about")))
        missing = [name for name in (*KEY, "test", "diverged", *CURVES) if name not in arrays]
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except Exception as error:  # numpy and zipfile raise many kinds for a bad file
        raise FileError(f"{path}: not a recorded study ({first_line(error)})") from None
    if missing or about.get("version") != VERSION:
        what = f"it has no {missing[0]}" if missing else f"version {about.get('version')}, and this is {VERSION}"
        raise FileError(f"{path}: not a recorded study that can be read here ({what})")
    return about, arrays


def rows(arrays: Mapping[str, NDArray]) -> list[dict[str, Any]]:
    """Return the rows as `write` takes them.

    Args:
        arrays: what `read` returned.
    """
    names = (*KEY, "test", "diverged", *CURVES)
    columns = {name: arrays[name].tolist() for name in names}
    return [{name: columns[name][row] for name in names} for row in range(len(arrays["seed"]))]
