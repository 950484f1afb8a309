"""Whether two configurations are the same run, however they are spelt."""

from __future__ import annotations

from typing import Any

import torch

from binpack.agents.config import TrainConfig
from binpack.agents.store import agent_folder
from binpack.items.units import millimetres

_NO_MATTER = {"eval_every", "tensorboard"}
"""Fields that change nothing in what is learnt."""


def meaning(config: TrainConfig) -> dict[str, Any]:
    """Return what a run is, as nested values that are equal where the runs are.

    Lengths are in millimetres, the agent to start from is the place where it lies, ``auto`` is the device that it is
    here, and fields of which a run does not depend are left out. What items a text stands for is not looked up:
    ``ItemSource.fingerprint`` tells that.

    Args:
        config: the run.
    """
    # A field may have been set in another spelling ("corners", "corners:0.95,..."), without being checked.
    fields = TrainConfig.model_validate(config.model_dump()).model_dump(mode="json", exclude=_NO_MATTER)
    # last: another cell makes other items, and is what should be named then
    fields["env"]["items"] = fields["env"].pop("items")
    if (cell := config.env.cell) is not None:
        fields["env"]["cell"] = f"{millimetres(cell, 'cell')} mm"
    if config.start_from is not None:
        fields["start_from"] = str(agent_folder(config.start_from).resolve())
    if config.device == "auto":
        fields["device"] = "cuda" if torch.cuda.is_available() else "cpu"
    return fields
