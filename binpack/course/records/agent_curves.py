"""Draws ``agent_curves.png``: how the shipped agents for one visible item learned.

    python -m binpack.course.records.agent_curves

The figure is drawn from the results beside the agents' weights; nothing is trained.
"""

from __future__ import annotations

from pathlib import Path

from binpack.agents.store import SHIPPED
from binpack.files import read_json
from binpack.plots import Figure, curves_with_spread, save

FILE = Path(__file__).with_suffix(".png")
AGENTS = ("random_k1", "cut_1_k1", "cut_2_k1")


def learning_curve(name: str) -> tuple[list[float], list[float]]:
    """Read an agent's validation scores, those of a second run behind those of the first.

    Args:
        name: of a shipped agent.

    Returns:
        Million environment steps, over both runs, and mean utilization of the validation streams.
    """
    steps, scores, before = [], [], 0
    for path in (SHIPPED / name / "first_result.json", SHIPPED / name / "result.json"):
        if path.exists():
            history = read_json(path, "a run's result")["history"]
            steps += [(before + step) / 1e6 for step, _ in history]
            scores += [score for _, score in history]
            before += history[-1][0]
    return steps, scores


def draw() -> Figure:
    """Draw the curves of `AGENTS`."""
    curves = {name: (steps, [scores]) for name, (steps, scores) in ((name, learning_curve(name)) for name in AGENTS)}
    return curves_with_spread(curves, x="million environment steps", y="mean utilization", spread="range")


if __name__ == "__main__":
    save(draw(), FILE)
