"""What a training run says about itself: the numbers that tell why it learns or does not.

They are Stable-Baselines3's, each a mean over the updates since the last evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

LOGGED = {
    "policy_loss": "train/policy_gradient_loss",
    "value_loss": "train/value_loss",
    "entropy": "train/entropy_loss",
    "approx_kl": "train/approx_kl",
    "clip_fraction": "train/clip_fraction",
    "explained_variance": "train/explained_variance",
}
"""Names here, and in the log. ``entropy`` is the policy's own; the log has it with a minus, as a loss."""
EPISODES = {"ep_rew_mean": "r", "ep_len_mean": "l"}
"""Means over the last 100 training episodes, and what `VecMonitor` calls the values."""
NAMES = (*LOGGED, *EPISODES)


class Diagnostics:
    """Collects the diagnostics of updates between two evaluations."""

    def __init__(self) -> None:
        self._updates: list[dict[str, float]] = []
        self._seen = -1

    @property
    def state(self) -> dict[str, Any]:
        """What was taken in since the last call of ``take``, as JSON knows it; can be set."""
        return {"updates": self._updates, "seen": self._seen}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._updates, self._seen = list(state["updates"]), state["seen"]

    def note(self, update: int, logged: Mapping[str, Any]) -> None:
        """Take in what an update has logged; once an update, and nothing before the first.

        Args:
            update: the number of the update.
            logged: names and values as the log has them.
        """
        if update == self._seen or "train/value_loss" not in logged:
            return
        self._seen = update
        row = {name: float(logged[key]) for name, key in LOGGED.items() if key in logged}
        if "entropy" in row:
            row["entropy"] = -row["entropy"]
        self._updates.append(row)

    def take(self, episodes: Iterable[Mapping[str, Any]]) -> dict[str, float]:
        """Return the means since the last call, and those over the last episodes; what there is none of is left out.

        Args:
            episodes: what `VecMonitor` says of the last episodes.
        """
        rows, self._updates = self._updates, []
        last = list(episodes)
        means = {name: _mean(row[name] for row in rows if name in row) for name in LOGGED}
        means |= {name: _mean(float(episode[key]) for episode in last) for name, key in EPISODES.items()}
        return {name: value for name, value in means.items() if value is not None}


def _mean(values: Iterable[float]) -> float | None:
    """Mean of the finite ones: the explained variance of a constant return is not a number."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else None
