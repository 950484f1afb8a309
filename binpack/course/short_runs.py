"""A short real run of a configuration of the recorded study, for lessons that search live."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any

from binpack.agents.config import PPOConfig
from binpack.agents.training import train
from binpack.search.landscape import task

STEPS = 3 * task.EVERY
"""Environment steps of a short run: a seventh of a recorded one."""


def score(
    values: Mapping[str, Any], seed: int = 0, network: Mapping[str, Any] | None = None, *, threads: int = 1
) -> float:
    """Train a configuration for a short while, and return its mean utilization on the validation streams.

    Args:
        values: of all eleven hyperparameters.
        seed: of the run.
        network: fields of `PPOConfig` that shape another network than the recorded study's.
        threads: of torch.
    """
    config = task.train_config(values, seed, steps=STEPS).model_copy(update={"threads": threads})
    if network:
        config = config.model_copy(update={"ppo": PPOConfig(**{**config.ppo.model_dump(), **network})})
    with tempfile.TemporaryDirectory() as folder:
        return train(config, folder).score
