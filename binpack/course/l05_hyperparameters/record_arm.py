"""Records ``arm.json``, the runs of the robot arm in lesson 05b.

    python -m binpack.course.l05_hyperparameters.record_arm

It trains on every core and can be killed and run again: what is finished is in the file beside it. A number of seeds
after the command records only so many.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from binpack.course.l05_hyperparameters.arm_runs import greedy, score, settings, train_arm
from binpack.course.l05_hyperparameters.by_seed import record
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("arm.json")
KEPT = ("approx_kl", "clip_fraction", "explained_variance", "entropy")


def run(job: Job) -> dict[str, Any]:
    """Train one arm and return what is recorded of it.

    Args:
        job: its key holds ``setting`` and ``seed``.

    Returns:
        The learning curve, diagnostics at its points, and for a run with ``VecNormalize`` under ``forgotten`` the
        return that the same agent gets where its statistics are left out.
    """
    setting = settings()[job.key["setting"]]
    trained = train_arm(setting, job.key["seed"])
    row = {
        "steps": trained.steps.tolist(),
        "return": trained.returns.tolist(),
        "distance": trained.distances.tolist(),
        **{name: trained.diagnostics[name].tolist() for name in KEPT},
    }
    if setting.normalize:
        row["forgotten"] = score(greedy(trained.model), setting)[0]
    return row


if __name__ == "__main__":
    record(FILE, "setting", settings(), run, *map(int, sys.argv[1:]))
