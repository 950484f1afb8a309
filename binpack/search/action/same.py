"""Whether two jobs are the same one, whose trials can be gone on with: what is kept of a job says it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binpack.agents.config import check_version, differences
from binpack.search._model import SearchError
from binpack.search.action.job import Params

ACTION_VERSION = 1
"""Version of the format of ``job.json``, and of the same object in a study on a server."""


def facts_of(params: Params, dataset: str) -> dict[str, Any]:
    """Return what makes a job: ``params``, ``dataset``, and ``items``, which changes when a file of items does."""
    return {"params": params.model_dump(mode="json"), "dataset": dataset, "items": digest(dataset)}


def digest(dataset: str) -> str:
    """Return what changes when a file of items does."""
    path = Path(dataset.partition("#")[0])
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else dataset


def check_readable(stored: Mapping[str, Any], where: str) -> None:
    """Refuse what a later version wrote.

    Raises:
        SearchError: one line.
    """
    try:
        check_version(stored.get("version"), ACTION_VERSION)
    except ValueError as error:
        raise SearchError(f"{where}: {error}") from None


def difference(stored: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """Say in words what a job that was begun has otherwise; None where it is the same.

    More samples, more or fewer at a time, and where Ray's cluster is are no difference.

    Args:
        stored: the one that was begun, see ``facts_of``.
        facts: the one that is asked for.
    """
    for field, before, now in differences({name: stored.get(name) for name in facts}, facts):
        if field in ("params.tune_config.max_concurrent_trials", "params.ray_address"):
            continue
        if field == "params.tune_config.num_samples" and before is not None and now >= before:
            continue
        return "other items" if field == "items" else f"{field} {json.dumps(before)}, not {json.dumps(now)}"
    return None
