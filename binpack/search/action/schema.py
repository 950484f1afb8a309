"""The JSON Schema of a job, for editors and for whoever writes jobs by program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from binpack.search.action.job import Job

PUBLISHED = Path(__file__).with_name("job.schema.json")
"""The schema as a file; it is what ``schema`` returns."""


def schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a job, with what ``is_tune`` requires.

    What depends on several fields beyond that (a range that is empty, what a search algorithm samples) is said when a
    job is read, and not here.
    """
    found = Job.model_json_schema()
    for name in ("search_alg", "scheduler"):
        part = found["$defs"]["TuneSettings"]["properties"][name]
        shape = {key: part.pop(key) for key in ("$ref", "oneOf", "discriminator") if key in part}
        part["anyOf"] = [{"type": "string", "enum": _names(found, name)}, shape]
    given = {"properties": {"is_tune": {"const": True}}, "required": ["is_tune"]}
    found["$defs"]["Params"] |= {
        "if": given,
        "then": {"required": ["hyperparameters", "tune_config"]},
        "else": {"required": ["hyperparameter"]},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "A job of the train action"}


def _names(found: dict[str, Any], name: str) -> list[str]:
    from binpack.search.action.schedulers import SCHEDULERS
    from binpack.search.action.support import SUPPORT

    return list(SUPPORT if name == "search_alg" else SCHEDULERS)
