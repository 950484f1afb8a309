"""Records: results that take too long to make in a lesson, kept in a JSON file beside the script that makes them.

A record is a JSON object whose first entry, ``about``, says where it comes from (see `provenance`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from binpack import files


def write_record(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write a record: a line an entry, and a line for each row of its tables, which come last.

    Args:
        path: the file.
        record: values for JSON; a list of dicts is a table.
    """
    tables = {name: value for name, value in record.items() if _is_table(value)}
    files.write_record(path, {name: value for name, value in record.items() if name not in tables}, tables)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def read_record(path: str | Path) -> dict[str, Any]:
    """Read a record.

    Args:
        path: the file.

    Raises:
        binpack.files.FileError: there is no such file, or it holds something else.
    """
    return files.read_json(path, "a record")


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a file holds, and make it first if it is not there: so a recorder can be killed and run again.

    Args:
        path: a JSON file.
        make: makes its content.
    """
    if not path.exists():
        files.write_json(path, made := make(), indent=None)
        print(json.dumps(made), flush=True)
    return files.read_json(path, "what a recorder keeps")
