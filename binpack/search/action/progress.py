"""How far a job is, from how far its parts are."""

from __future__ import annotations

from collections.abc import Mapping

WEIGHTS: Mapping[str, int] = {"dataset": 20, "train": 75, "model_upload": 5, "trials": 90}
"""What a part is of the whole, in percent: the first three of a training run, ``trials`` of tuning, where the rest is
its end."""


class Progress:
    """Counts a job's progress.

        >>> progress = Progress(tuning=False)
        >>> progress.at("dataset", 1.0), progress.at("train", 0.5), progress.at("train", 0.2)
        (20.0, 57.5, 57.5)

    Args:
        tuning: whether the job tunes.
    """

    def __init__(self, *, tuning: bool) -> None:
        self._shares = dict.fromkeys(("trials",) if tuning else ("dataset", "train", "model_upload"), 0.0)

    def at(self, category: str, share: float) -> float:
        """Note how far a part is, 0 to 1, and return how far the whole is, in percent; it never goes back.

        A part that does not count here (a trial's own training) changes nothing.
        """
        if category in self._shares:
            self._shares[category] = max(self._shares[category], min(max(float(share), 0.0), 1.0))
        return sum(WEIGHTS[name] * each for name, each in self._shares.items())
