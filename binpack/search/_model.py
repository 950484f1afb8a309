"""What the search's data classes share: pydantic models whose errors are one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from binpack.agents.config import check_version
from binpack.core.registry import without_imports
from binpack.files import InputError, MachineError, read_json

STUDY_VERSION = 1
"""Version of the format of what a study writes: its entry in the storage, ``study.json`` and ``final.json``.

1: what has no version is of this one. A field that is new, and whose default is what was done before it, needs no other
version; a field that goes or changes its meaning does.
"""
_UNION_TAGS = {"float", "int", "categorical"}


class SearchError(InputError):
    """A search space, a configuration or a storage that cannot be used; the message is one line."""


class StudyStopped(SearchError, MachineError):
    """A study cannot go on here and now: a full disk, a damaged file, a database that stopped.

    It is no result of a configuration, so that the trial under way is left to be taken up again.
    """


def check_stored(stored: Mapping[str, Any], what: str) -> None:
    """Refuse what a later version wrote, before anything in it is misunderstood.

    Args:
        stored: what was read.
        what: where from, for the message.

    Raises:
        SearchError: one line.
    """
    try:
        check_version(stored.get("version", 1), STUDY_VERSION)
    except InputError as error:
        raise SearchError(f"{what}: {error}") from None


def one_line(error: ValidationError) -> str:
    """Turn the first problem of a pydantic error into ``field: what is wrong``."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in _UNION_TAGS)
    what = " ".join(first["msg"].replace("Value error, ", "").split())
    if first["type"] == "extra_forbidden":
        what = "there is no such field"
    return f"{where}: {what}" if where else what


class Model(BaseModel):
    """An immutable model that refuses unknown fields and answers bad input with one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **data: Any) -> None:
        """Validate ``data``.

        Raises:
            SearchError: the first problem, on one line.
        """
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise SearchError(one_line(error)) from None

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the model from JSON text.

        Raises:
            SearchError: not JSON, or not this model.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise SearchError(f"not valid JSON: {error}") from None
        if not isinstance(data, dict):
            raise SearchError(f"expected a JSON object, got {type(data).__name__}")
        return cls(**data)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the model from a JSON file; what it names is not imported for it (see ``core.registry``).

        Raises:
            InputError: the file's name and what is wrong with it, on one line.
        """
        data = read_json(path)
        try:
            with without_imports():
                return cls(**data)
        except SearchError as error:
            raise SearchError(f"{path}: {error}") from None

    def to_json(self) -> str:
        """The model as indented JSON text, which ``from_json`` reads back to an equal model."""
        return json.dumps(self.model_dump(mode="json"), indent=2)
