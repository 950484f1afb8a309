"""Makes the README's small pictures, from what the lessons themselves show: ``python notebooks/source/pictures.py``.

A picture of a lesson is one of the figures that its notebook holds, made smaller. The animation shows one stream of
items, packed at random and by an agent that comes with the package.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.store import load_agent
from binpack.files import write_atomically
from binpack.plots.viewer import rgb_array

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tutorials" / "images"
WIDE, TALL = 220, 150
SHOWN = {
    "00_start_here": "packings: random",
    "01_q_learning": "300 episodes, epsilon 1 to 0.05",
    "02_deep_q_network": "return by environment steps",
    "02b_lunar_lander": "mean return of 10 episodes by environment steps",
    "03_packing_environment": "packing: 12 boxes",
    "04_ppo": "packings: untrained",
    "04b_ppo_at_work": "utilization by environment steps (10 runs each): PPO",
    "05_hyperparameters": "final utilization by learning_rate",
    "05b_reading_a_run": "the arm, and its target",
    "06_grid_and_random": "worth of the leader by trials (1000 runs each): grid",
    "07_tpe": "a Gaussian process searches the learning rate",
    "08_optuna": "suggest_float(0, 1)",
    "08b_reading_a_study": "contour: learning_rate x n_epochs",
    "09_scaling_out": "with leases of",
    "10_capstone": "packings: ",
    "10b_your_own_environment": "cells as it is",
}
"""Notebook to how the text of its figure begins, the first that does."""
AGENT, STREAMS, SEED = "cut_2_k1", 21, 0


def picture_of(notebook: Path, begins: str) -> bytes:
    """Return a figure of a notebook, small: a PNG, `WIDE` x `TALL` pixels at most.

    Args:
        notebook: executed.
        begins: how the figure's text begins.

    Raises:
        ValueError: it has no such figure.
    """
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data and "".join(data.get("text/plain", "")).startswith(begins):
                return small(base64.b64decode("".join(data["image/png"])))
    raise ValueError(f"{notebook.name} has no figure whose text begins with {begins!r}")


def small(picture: bytes) -> bytes:
    """Make a PNG smaller.

    Args:
        picture: its bytes.
    """
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail((WIDE, TALL), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
    return out.getvalue()


def animation() -> bytes:
    """Pack one stream at random and with the agent, a box of each a frame: the bytes of a GIF."""
    env = load_agent(AGENT).config.env
    streams = make_streams(env, STREAMS, SEED)
    played = {name: evaluate(name, streams, env, seed=0) for name in ("random", AGENT)}
    shares = played[AGENT].utilization
    shown = int(np.argsort(shares, kind="stable")[len(shares) // 2])  # neither its best nor its worst
    titles = {"random": "at random", AGENT: "a trained agent"}
    frames = []
    for count in range(1 + max(len(each.boxes[shown]) for each in played.values())):
        sides = []
        for name, each in played.items():
            boxes = each.boxes[shown][:count]
            share = boxes[:, 3:].prod(axis=1).sum() / env.volume
            title = f"{titles[name]}: {len(boxes)} boxes, {share:.0%}"
            sides.append(rgb_array(boxes, env.bin_size, title=title, size=(320, 320)))
        frames.append(Image.fromarray(np.concatenate(sides, axis=1)).quantize(128, dither=Image.Dither.NONE))
    out = io.BytesIO()
    times = [250] * (len(frames) - 1) + [2500]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, disposal=1)
    return out.getvalue()


def main() -> None:
    """Write all pictures."""
    made = {f"lesson_{name.partition('_')[0]}.png": picture_of(ROOT / "notebooks" / f"{name}.ipynb", begins)
            for name, begins in SHOWN.items()}  # fmt: skip
    made["packing.gif"] = animation()
    for name, content in made.items():
        write_atomically(FOLDER / name, lambda temporary, content=content: temporary.write_bytes(content))
        print(f"{name}: {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    main()
