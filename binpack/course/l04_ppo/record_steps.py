"""Records what steps of growing length along one batch's gradient promise and bring, ten seeds: ``steps.json``.

    python -m binpack.course.l04_ppo.record_steps FOLDER

Each seed has an agent of its own, trained for a while, and a batch of its own. FOLDER keeps finished seeds.
"""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from binpack.course.l04_ppo.agent import Settings
from binpack.course.l04_ppo.exercises import REFERENCE
from binpack.course.l04_ppo.gradients import growing_step
from binpack.course.l04_ppo.loop import train
from binpack.course.l04_ppo.packing import SMALL, Packing
from binpack.course.records import about, kept, write_record

FILE = Path(__file__).with_name("steps.json")
SEEDS, ENVS = tuple(range(10)), 32
SETTINGS = Settings(total_steps=16_384)
LIBRARIES = ("numpy", "torch")


def one(seed: int) -> dict[str, Any]:
    """Train one agent and step along the gradient of one batch.

    Args:
        seed: of the run; the batch's items come from another.
    """
    agent = train(Packing(SMALL, ENVS, seed), SETTINGS, REFERENCE, seed)
    return {"seed": seed, "steps": growing_step(agent, REFERENCE, SETTINGS, 5_000 + seed)}


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [kept(folder / f"steps_{seed}.json", partial(one, seed)) for seed in SEEDS]
    made = {
        "about": about("python -m binpack.course.l04_ppo.record_steps FOLDER", LIBRARIES),
        "environment": SMALL.model_dump(mode="json"),
        "environments": ENVS,
        "settings": dataclasses.asdict(SETTINGS),
        "steps": "length, promised gain, true gain, mean KL divergence",
    }
    write_record(FILE, made | {"runs": rows})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    record(Path(sys.argv[1]))
