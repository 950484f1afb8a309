"""Everything that is wrong with a job, found at once, each fault with its place in the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from binpack.search._model import SearchError

_PLAIN = {
    "Input should be a valid dictionary or instance of SearchAlg": "expected a name or an object",
    "Input should be a valid dictionary or object to extract fields from": "expected an object",
    "Input should be a valid dictionary": "expected an object",
    "Input should be a valid tuple": "expected a list",
    "Input should be a valid ": "expected a ",
    "Input should be ": "expected ",
    "String should have at least 1 character": "expected text that is not empty",
}
"""What pydantic says, in words of JSON."""


class Fault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        place: where in the JSON, such as ``params.hyperparameters[2].max``; empty for the whole.
        what: what is wrong, and what is expected.
    """

    place: str
    what: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.place}: {self.what}" if self.place else self.what


class JobError(SearchError):
    """A job that cannot be run; nothing has been started.

    Attributes:
        faults: everything that is wrong with it.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Put the faults on one line."""
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("; ".join(map(str, self.faults)))


def place(path: Sequence[str | int]) -> str:
    """Write a path of names and numbers as a place in JSON.

    >>> place(("params", "hyperparameters", 2, "max"))
    'params.hyperparameters[2].max'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def faults_of(error: ValidationError, tags: Iterable[str] = ()) -> list[Fault]:
    """Turn pydantic's errors into faults.

    Args:
        error: pydantic's.
        tags: what pydantic puts into a path to say which member of a union it means; no part of the JSON.
    """
    return [Fault(place(_path(each["loc"], frozenset(tags))), _what(each)) for each in error.errors(include_url=False)]


def _path(loc: tuple[str | int, ...], tags: frozenset[str]) -> list[str | int]:
    # A tag follows the number of a list's member or the field that holds the union: a field of that name does not.
    return [part for before, part in zip((None, *loc), loc, strict=False) if not (part in tags and _is_union(before))]


def _is_union(before: str | int | None) -> bool:
    return isinstance(before, int) or before in {"search_alg", "scheduler"}


def _what(error: Any) -> str:
    kind, given = error["type"], error.get("input")
    if kind == "missing":
        return f"{error['loc'][-1]} is required"
    if kind == "extra_forbidden":
        return "there is no such field"
    what = " ".join(error["msg"].removeprefix("Value error, ").split())
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        # pydantic quotes the field's name
        field, tag = error["ctx"]["discriminator"].strip("'"), error["ctx"].get("tag")
        return f"{field} is required" if tag is None else f"{tag!r} is not one of {error['ctx']['expected_tags']}"
    for said, plain in _PLAIN.items():
        what = what.replace(said, plain)
    if kind == "value_error" or isinstance(given, dict | list):
        return what
    return f"{what}, got {given!r:.60}"
