"""Ids of models that stay the same when the result is put together again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def model_id(trial_id: str | None, metrics: Mapping[str, Any], artifact: str | Path | None) -> str | None:
    """Return a model's id: the engine's trial id, else one that the metrics name, else a hash of the artifact's path.

        >>> model_id(None, {"model_id": "v7"}, "runs/a"), model_id(None, {}, "runs/a")
        ('v7', '7c3ea9470122')

    Args:
        trial_id: the engine's, where it has one.
        metrics: of the trial; ``model_id`` and ``trial_id`` count, in this order.
        artifact: where the model is.

    Returns:
        The id; None where there is nothing that it could be made of.
    """
    for given in (trial_id, metrics.get("model_id"), metrics.get("trial_id")):
        if given is not None and str(given):
            return str(given)
    if artifact is None:
        return None
    return hashlib.sha256(Path(artifact).as_posix().encode()).hexdigest()[:12]
