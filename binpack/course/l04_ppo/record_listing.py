"""Records what the two mistakes of the published listing do on the small bin, ten seeds each: ``listing.json``.

    python -m binpack.course.l04_ppo.record_listing FOLDER

FOLDER keeps finished runs: killed and started again it goes on.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from binpack.agents.evaluation import make_streams
from binpack.course.l04_ppo import exercises
from binpack.course.l04_ppo.agent import Agent, Settings
from binpack.course.l04_ppo.listing import Rows, listing_loss, train_listing
from binpack.course.l04_ppo.packing import SMALL, STREAMS, VALIDATION_SEED, Packing, flat, judge
from binpack.course.records import about, kept, write_record
from binpack.env.batch import PackingBatch

FILE = Path(__file__).with_name("listing.json")
SEEDS, ENVS, POINTS = tuple(range(10)), 32, 10
SETTINGS = Settings()
LIBRARIES = ("numpy", "torch")


def end_mended(rows: Rows, settings: Settings) -> Tensor:
    """The listing's loss with no future after the end; the entropy's sign is still wrong."""
    return listing_loss(rows._replace(next_values=rows.next_values * ~rows.terminated), settings)


def entropy_mended(rows: Rows, settings: Settings) -> Tensor:
    """The listing's loss with the entropy's right sign; the future after the end still counts."""
    return listing_loss(rows, settings.replace(ent_coef=-settings.ent_coef))


ARMS: dict[str, Callable[[Rows, Settings], Tensor]] = {
    "as published": listing_loss,
    "end mended": end_mended,
    "entropy mended": entropy_mended,
    "both mended": exercises.listing_loss.reference,
}


class Watch:
    """Notes, after each tenth of the steps, what an agent packs, expects of an empty bin, and how open it still is.

    Attributes:
        rows: [steps, mean utilization, mean value, mean entropy in nats] for each point.
    """

    def __init__(self) -> None:
        """Prepare the first observation of each validation stream."""
        bins = PackingBatch(SMALL, STREAMS)
        bins.load(make_streams(SMALL, STREAMS, VALIDATION_SEED))
        self._seen, self._masks = torch.from_numpy(flat(bins.observation())), torch.from_numpy(bins.masks())
        self.rows: list[list[float]] = []

    def __call__(self, steps: int, agent: Agent) -> None:
        """Look at the agent where a point is due."""
        if steps % (SETTINGS.total_steps // POINTS):
            return
        with torch.no_grad():
            logits, values = agent.network(self._seen)
            open_still = exercises.entropy.reference(exercises.masked_log_probs.reference(logits, self._masks))
        found = judge(agent).mean, float(values.mean()), float(open_still.mean())
        self.rows.append([steps, *(round(number, 4) for number in found)])


def one(arm: str, seed: int) -> dict[str, Any]:
    """Train one seed with one loss.

    Args:
        arm: of `ARMS`.
        seed: of the run.
    """
    watch = Watch()
    train_listing(Packing(SMALL, ENVS, seed), SETTINGS, exercises.REFERENCE, ARMS[arm], seed, watch)
    return {"arm": arm, "seed": seed, "curve": watch.rows}


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [(arm, seed) for seed in SEEDS for arm in ARMS]
    rows = [
        kept(folder / f"listing_{arm.replace(' ', '_')}_{seed}.json", partial(one, arm, seed)) for arm, seed in pairs
    ]
    made = {
        "about": about("python -m binpack.course.l04_ppo.record_listing FOLDER", LIBRARIES),
        "environment": SMALL.model_dump(mode="json"),
        "environments": ENVS,
        "settings": dataclasses.asdict(SETTINGS),
        "streams": STREAMS,
        "validation_seed": VALIDATION_SEED,
        "curve": "steps, mean utilization, mean value of an empty bin, mean entropy there in nats",
    }
    write_record(FILE, made | {"runs": rows})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    record(Path(sys.argv[1]))
