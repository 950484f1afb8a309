"""Records ``story.json``, the comparison that lesson 00 shows: random, best heuristic, default PPO and tuned PPO.

    python -m binpack.course.l00_start_here.story
    python -m binpack.course.l00_start_here.story RUNS

The first plays everything anew but the default agents, whose results are kept; the second trains the default agents in
the folder RUNS too, minutes of a core each.

All pack the same test streams, which nothing was trained, tuned or chosen on. The second command can be killed
and run again. The first takes a minute and is the one to run when the shipped agent has new weights.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.evaluation import Agent, evaluate, make_streams
from binpack.agents.store import SHIPPED, load_agent
from binpack.core.heuristics import HEURISTICS
from binpack.core.statistics import verdict
from binpack.course.records import about, read_record, write_record
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams
from binpack.search.seeds import SeedPlan

FILE = Path(__file__).with_suffix(".json")
COMMAND = "python -m binpack.course.l00_start_here.story runs"
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib")

TUNED = "cut_2_k1"
ENV = EnvConfig(items="cut_2", support="corners:0.95,0.85,0.50")
SEEDS = SeedPlan(tuning=(0,), final=(1000, 1001, 1002), tuning_streams=10_000, test_streams=50_000)
STREAMS = 1000
DEFAULT = TrainConfig(
    env=ENV,
    # Stable-Baselines3's own defaults, in a rollout of 2,048 transitions: 16 environments, 128 steps each. Precision is
    # of convolutions, which this policy has none of.
    ppo=PPOConfig(policy="mlp", n_epochs=10, precision="float32"),
    total_steps=300_000,
    n_envs=16,
    eval_every=50_000,
    eval_streams=STREAMS,
    eval_seed=SEEDS.tuning_streams,
    device="cpu",
    tensorboard=False,
)


def train_default(folder: Path, seeds: tuple[int, ...] = SEEDS.final) -> list[dict[str, Any]]:
    """Train the default agents, or go on with them, and play the test streams.

    Args:
        folder: where the runs go, a folder each.
        seeds: training seeds.

    Returns:
        One entry a seed, as in the file.
    """
    from binpack.agents.training import train

    entries: list[dict[str, Any]] = []
    for seed in seeds:
        config = DEFAULT.model_copy(update={"seed": seed})
        run = train(config, folder / f"default_{seed}")
        entry = {"seed": seed, "steps": run.steps, "seconds": round(run.seconds)}
        history = [[steps, round(score, 4)] for steps, score in run.history]
        shares = play(load_agent(run.folder))
        entries.append({**entry, "history": history, "utilization": shares})
        print(f"default PPO, seed {seed}: {np.mean(shares):.3f}", flush=True)
    return entries


def test_streams() -> Streams:
    """Draw the streams that everybody packs."""
    return make_streams(ENV, STREAMS, SEEDS.test_streams)


def play(agent: str | Agent, streams: Streams | None = None) -> list[float]:
    """Pack streams and return the utilization of each, rounded to a cell of the bin.

    Args:
        agent: the name of a heuristic or an agent.
        streams: the items; the test streams where they are left out.
    """
    result = evaluate(agent, test_streams() if streams is None else streams, ENV)
    return [round(float(share), 3) for share in result.utilization]


def best_heuristic() -> dict[str, float]:
    """Score every heuristic on the validation streams, best first; random placing is none."""
    streams = make_streams(ENV, STREAMS, SEEDS.tuning_streams)
    means = {name: round(evaluate(name, streams, ENV).mean, 4) for name in HEURISTICS if name != "random"}
    return dict(sorted(means.items(), key=lambda pair: -pair[1]))


def fingerprint(name: str = TUNED) -> str:
    """Return the SHA-256 of a shipped agent's weights, in hexadecimal."""
    return hashlib.sha256((SHIPPED / name / "weights.pt").read_bytes()).hexdigest()


def record(runs: Path | None, path: Path = FILE) -> dict[str, Any]:
    """Make the comparison and write the file.

    Args:
        runs: where default agents are trained, or None to keep those that the file has.
        path: the file to write.

    Returns:
        What was written.

    Raises:
        ValueError: there are no default agents to keep, or those of the file were made in another way.
    """
    if runs is None:
        default = kept(path)
    else:
        config = DEFAULT.model_dump(mode="json")
        default = {"about": about(COMMAND, LIBRARIES), "config": config, "runs": train_default(runs)}
    chosen = best_heuristic()
    heuristic = next(iter(chosen))
    agent = load_agent(TUNED)
    story = {
        "about": about(COMMAND, LIBRARIES),
        "seeds": SEEDS.model_dump(mode="json"),
        "streams": STREAMS,
        "default": default,
        "random": {"utilization": play("random")},
        "heuristic": {"name": heuristic, "validation": chosen, "utilization": play(heuristic)},
        "tuned": {
            "name": TUNED,
            "sha256": fingerprint(),
            "steps": agent.metadata["steps"],
            "continued": agent.config.start_from is not None,
            "utilization": play(agent),
        },
    }
    write_record(path, story)
    return story


def kept(path: Path = FILE) -> dict[str, Any]:
    """Return the default agents' part of a file.

    Args:
        path: a recorded story.

    Raises:
        ValueError: there is no such file, or another configuration, other seeds or other streams made it.
    """
    if not path.is_file():
        raise ValueError(f"{path.name} does not exist yet: name a folder to train the default agents in")
    story = load(path)
    # a field that is newer than the file has its default
    made = TrainConfig(**story["default"]["config"]), SeedPlan(**story["seeds"]), story["streams"]
    if made != (DEFAULT, SEEDS, STREAMS):
        raise ValueError(f"{path.name} was made with other settings: name a folder to train the default agents in")
    return story["default"]


def load(path: Path = FILE) -> dict[str, Any]:
    """Read a recorded story.

    Args:
        path: the file.
    """
    return read_record(path)


def packers(story: dict[str, Any]) -> dict[str, list[float]]:
    """Return the results that are compared: one a stream, or for the default agents one a training seed.

    Args:
        story: what `load` returned.
    """
    return {
        "random": story["random"]["utilization"],
        "best heuristic": story["heuristic"]["utilization"],
        "default PPO": [float(np.mean(run["utilization"])) for run in story["default"]["runs"]],
        "tuned PPO": story["tuned"]["utilization"],
    }


def comparisons(story: dict[str, Any]) -> list[str]:
    """Put into text how far the agents are from the heuristic, on the same streams.

    The difference is taken on each stream; for the default agents its mean over the streams is one result a seed. The
    interval and the verdict are over these results (see ``core.statistics``).

    Args:
        story: what `load` returned.
    """
    rule = np.array(story["heuristic"]["utilization"])
    gains = {
        "default PPO": [np.mean(np.array(run["utilization"]) - rule) for run in story["default"]["runs"]],
        "tuned PPO": np.array(story["tuned"]["utilization"]) - rule,
    }
    text = [f"utilization less that of the best heuristic, {story['heuristic']['name']}"]
    for name, differences in gains.items():
        found = verdict(differences)
        low, high = found.interval.low, found.interval.high
        text.append(
            f"{name:<12} {np.mean(differences):+.3f} on average, 95 % interval {low:+.3f} to {high:+.3f}: {found.word}"
        )
    return text


def budgets(story: dict[str, Any]) -> list[str]:
    """Put into text how long the agents were trained, and how the default ones did on validation streams meanwhile.

    Args:
        story: what `load` returned.
    """
    runs = story["default"]["runs"]
    curve = np.array([run["history"] for run in runs]).mean(axis=0)
    spans = {round(share * (len(curve) - 1)) for share in (1 / 3, 2 / 3, 1)}
    points = ", ".join(f"{curve[row, 1]:.3f} at {curve[row, 0]:,.0f}" for row in sorted(spans))
    tuned = f"tuned PPO: {story['tuned']['steps']:,} steps, 1 training"
    return [
        f"default PPO: {runs[0]['steps']:,} steps, {len(runs)} trainings",
        f"    mean on validation streams: {points}",
        tuned + ("; it went on from an earlier agent, whose steps come on top" if story["tuned"]["continued"] else ""),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("expected at most one argument: the folder of the default agents' runs")
    made = record(Path(sys.argv[1]) if len(sys.argv) == 2 else None)
    for part in ("random", "heuristic", "tuned"):
        print(f"{part}: {np.mean(made[part]['utilization']):.3f}")
