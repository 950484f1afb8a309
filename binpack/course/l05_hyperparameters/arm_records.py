"""Reads ``arm.json``: curves and final returns of the settings of lesson 05b, and what they say when compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack.core.statistics import Verdict, verdict
from binpack.course.l05_hyperparameters.arm_runs import CHANGED, STEPS, settings
from binpack.course.l05_hyperparameters.record_arm import FILE
from binpack.course.records.store import read_record


class ArmRecord:
    """The recorded runs of the arm; only seeds that every setting has.

    Attributes:
        seeds: these seeds.

    Args:
        path: the record.
    """

    def __init__(self, path: Path = FILE) -> None:
        rows = read_record(path)["runs"]
        self._rows = {(row["setting"], row["seed"]): row for row in rows}
        self.seeds = sorted(
            seed for seed in {row["seed"] for row in rows} if all((name, seed) in self._rows for name in settings())
        )

    def curve(self, setting: str, steps: int = STEPS, what: str = "return") -> tuple[NDArray, NDArray]:
        """Return steps, (P,), and what was measured there, (seeds, P).

        Args:
            setting: its name in ``arm_runs.settings``.
            steps: up to which.
            what: "return", "distance" or a diagnostic.
        """
        rows = [self._rows[setting, seed] for seed in self.seeds]
        at = np.array(rows[0]["steps"])
        return at[at <= steps], np.array([row[what] for row in rows], float)[:, at <= steps]

    def final(self, setting: str, steps: int = STEPS, what: str = "return") -> NDArray:
        """Return what was measured at the last point of the curves, (seeds,).

        Args:
            setting: its name.
            steps: up to which.
            what: "return", "distance" or a diagnostic.
        """
        return self.curve(setting, steps, what)[1][:, -1]

    def spread(self, setting: str) -> float:
        """Return the standard deviation of the final return over the seeds; NaN for a single one.

        Args:
            setting: its name.
        """
        found = self.final(setting)
        return float(found.std(ddof=1)) if len(found) > 1 else float("nan")

    def forgotten(self, setting: str) -> NDArray:
        """Return the returns without the statistics of ``VecNormalize``, (seeds,).

        Args:
            setting: its name.
        """
        return np.array([self._rows[setting, seed]["forgotten"] for seed in self.seeds])

    def against(self, settings: Iterable[str], base: str, steps: int = STEPS) -> dict[str, Verdict]:
        """Return the verdict on each setting's final return, compared with another one's on the same seeds.

        Args:
            settings: names.
            base: what they are compared with.
            steps: of training.
        """
        return {name: verdict(self.final(name, steps), self.final(base, steps)) for name in settings}

    def one_at_a_time(self, base: str) -> dict[str, Verdict]:
        """Return what each change of one hyperparameter does to a configuration.

        Args:
            base: "current", whose changes are those to "stable", or the other way round.
        """
        found = self.against([f"{base}, but {name}" for name in CHANGED], base)
        return dict(zip(CHANGED, found.values(), strict=True))
