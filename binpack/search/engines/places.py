"""Folders that hold trials' folders, and how a worker knows one again that another worker wrote to.

``place.json`` in it says which study it belongs to and has an id of its own: the same path on another machine is the
same folder where, and only where, the id is the same.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from binpack.files import FileError, read_json, write_json
from binpack.search._model import SearchError

_FILE = "place.json"


def claim_place(folder: Path, study: str) -> str:
    """Make a folder a study's, and return the id of the place.

    Args:
        folder: new, or this study's already; made if need be.
        study: an id that no other study has.

    Raises:
        SearchError: it is another study's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    if not path.is_file():
        own = folder / f".{_FILE}.{uuid.uuid4().hex}"
        write_json(own, {"study": study, "place": uuid.uuid4().hex})
        try:
            os.link(own, path)  # of two workers that come at the same time, one wins
        except FileExistsError:
            pass
        finally:
            own.unlink()
    stored = read_json(path, "a folder of trials")
    if stored.get("study") != study:
        raise SearchError(f"{folder} holds the trials of another study: choose another folder")
    return str(stored["place"])


def study_of(folder: Path) -> str | None:
    """Return the study of a folder that no trial was written to yet; None where there is none.

    A process that was killed while it made a study has left such a one.

    Raises:
        SearchError: there are trials in it.
    """
    if any(folder.glob("trial_*")):
        raise SearchError(f"{folder} holds the trials of another study: choose another folder")
    path = folder / _FILE
    return str(read_json(path, "a folder of trials")["study"]) if path.is_file() else None


def is_here(folder: Path, study: str, place: str | None) -> bool:
    """Say whether a folder is there and is the very place that another worker wrote to."""
    try:
        stored = read_json(folder / _FILE)
    except (FileError, OSError):
        return False
    return place is not None and (stored.get("study"), stored.get("place")) == (study, place)
