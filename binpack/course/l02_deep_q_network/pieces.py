"""Lesson 02: what was recorded about the replay buffer and the target network, and the network that came out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from binpack.course.l02_deep_q_network.exercises import make_network
from binpack.course.records import read_record

FILE = Path(__file__).with_name("pieces.json")


def load() -> dict[str, Any]:
    """Load the record; `record_pieces.py` made it."""
    return read_record(FILE)


def trained() -> nn.Module:
    """Make the recorded network, which balances CartPole's pole: the reference's architecture and recorded weights."""
    network = make_network(4, 2)
    network.load_state_dict(torch.load(FILE.with_suffix(".pt"), weights_only=True))
    return network


def curves(
    *arms: str, what: Literal["validation", "values"] = "validation"
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Read learning curves.

    Args:
        *arms: which of the record's arms, "all parts" and so on.
        what: "validation" for the mean return of the validation episodes, "values" for the mean, over fixed
            observations, of the best Q-value.

    Returns:
        Arm to environment steps, (n,), and one curve a seed, (seeds, n).

    Raises:
        ValueError: there is no such arm.
    """
    record, found = load(), {}
    for arm in arms:
        runs = [run[what] for run in record["runs"] if run["arm"] == arm]
        if not runs:
            raise ValueError(f"there is no arm {arm!r}; there are {', '.join(record['arms'])}")
        steps = np.array([int(step) for step in runs[0]])
        found[arm] = steps, np.array([list(run.values()) for run in runs], float)
    return found


def chosen(arm: str = "all parts") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read how the chosen checkpoints did: on the validation episodes that chose them, and on fresh ones.

    Args:
        arm: which of the record's arms.

    Returns:
        Two means a seed, (seeds,) each.
    """
    runs = [run for run in load()["runs"] if run["arm"] == arm]
    return np.array([run["chosen_score"] for run in runs]), np.array([np.mean(run["test"]) for run in runs])
