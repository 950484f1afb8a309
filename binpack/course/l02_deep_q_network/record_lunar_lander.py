"""Records ``lunar_lander.json``, its weights and its two GIFs: the long runs that lesson 02 shows.

    python -m binpack.course.l02_deep_q_network.record_lunar_lander FOLDER [SEED ...]

Each seed's result is kept in FOLDER, and one that is there is not run again, so the command may be killed and repeated,
and several may share a FOLDER with seeds of their own. The command that finds all seeds there writes the files beside
this script: JSON (settings, curves, returns), the weights of the seed in the middle, and an early and a late episode.
"""

from __future__ import annotations

import dataclasses
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Validation, greedy_action, sizes
from binpack.course.records import about, read_record, write_record
from binpack.files import write_json

FILE = Path(__file__).with_name("lunar_lander.json")
WEIGHTS = FILE.with_suffix(".pt")
EARLY, LATE = (FILE.with_name(f"{FILE.stem}_{name}.gif") for name in ("early", "late"))
ENV = "LunarLander-v3"
SEEDS = tuple(range(10))
CONFIG = DQNConfig(
    total_steps=200_000,
    learning_rate=3e-4,
    gamma=0.99,
    batch_size=128,
    buffer_size=100_000,
    learning_starts=1_000,
    train_every=1,
    target_update=1_000,
    epsilon_last=0.05,
    epsilon_steps=30_000,
)
EVERY, VALIDATION_EPISODES, TEST_EPISODES = 10_000, 10, 100
TEST_SEED = 2_000_000  # training seeds lie far below, and below VALIDATION_SEED
EARLY_STEP = 10_000
LIBRARIES = ("numpy", "torch", "gymnasium", "box2d")
FRAME_SIZE, FRAME_EVERY, FRAMES_PER_SECOND = (300, 200), 4, 50


def record_seed(seed: int, folder: Path) -> None:
    """Train, choose the checkpoint on the validation episodes, test it on fresh ones, and keep all that.

    Args:
        seed: of the run.
        folder: gets ``seed_N.json`` and ``seed_N.pt``.
    """
    start = time.process_time()
    validation = Validation(
        dqn.evaluate, gym.make(ENV), EVERY, VALIDATION_EPISODES, VALIDATION_SEED, keep=(EARLY_STEP,)
    )
    run = dqn.train(gym.make(ENV), CONFIG, dqn.REFERENCE, seed, validation)
    step, score, weights = validation.best
    network = run.agent.network
    network.load_state_dict(weights)
    row: dict[str, Any] = {
        "seed": seed,
        "validation": {str(at): round(mean, 2) for at, mean in validation.scores.items()},
        "chosen_step": step,
        "chosen_score": round(score, 2),
        "test": [round(float(r), 2) for r in dqn.evaluate(network, gym.make(ENV), TEST_EPISODES, TEST_SEED)],
        "episodes": len(run.returns),
        "cpu_seconds": round(time.process_time() - start),
    }
    torch.save({"late": weights, "early": validation.kept[EARLY_STEP]}, folder / f"seed_{seed}.pt")
    write_json(folder / f"seed_{seed}.json", row, indent=None)
    print(f"seed {seed}: checkpoint of step {step}, mean test return {np.mean(row['test']):.1f}", flush=True)


def write_files(folder: Path) -> None:
    """Write what ships, from the results of all seeds.

    Args:
        folder: where `record_seed` left them.
    """
    rows = [read_record(folder / f"seed_{seed}.json") for seed in SEEDS]
    middle = sorted(rows, key=lambda row: np.mean(row["test"]))[len(rows) // 2]
    weights = torch.load(folder / f"seed_{middle['seed']}.pt", weights_only=True)
    torch.save(weights["late"], WEIGHTS)
    films = {}
    for path, stage in ((EARLY, "early"), (LATE, "late")):
        films[stage] = write_film(weights[stage], path)
    record = {
        "about": about("python -m binpack.course.l02_deep_q_network.record_lunar_lander FOLDER", LIBRARIES),
        "environment": ENV,
        "config": dataclasses.asdict(CONFIG),
        "validation_episodes": VALIDATION_EPISODES,
        "validation_seed": VALIDATION_SEED,
        "test_seed": TEST_SEED,
        "shipped_seed": middle["seed"],
        "early_step": EARLY_STEP,
        "films": films,
        "runs": rows,
    }
    write_record(FILE, record)


def write_film(weights: dict[str, torch.Tensor], path: Path) -> dict[str, float]:
    """Play one greedy episode, the first of the test, and write it as a GIF.

    Args:
        weights: of the network.
        path: the file.

    Returns:
        The episode's return and its length in steps.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window
    env = gym.make(ENV, render_mode="rgb_array")
    network = dqn.make_network(*sizes(env))
    network.load_state_dict(weights)
    observation, _ = env.reset(seed=TEST_SEED)
    frames, total, steps, over = [np.asarray(env.render())], 0.0, 0, False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(greedy_action(network, observation))
        total, steps, over = total + float(reward), steps + 1, terminated or truncated
        if steps % FRAME_EVERY == 0 or over:
            frames.append(np.asarray(env.render()))
    env.close()
    path.write_bytes(gif(frames, FRAME_SIZE, 1000 * FRAME_EVERY // FRAMES_PER_SECOND))
    return {"return": round(total, 2), "steps": steps}


def gif(frames: Sequence[NDArray], size: tuple[int, int], milliseconds: int) -> bytes:
    """Turn pictures into an animation that is small: one palette of 32 colours for all of them.

    Args:
        frames: uint8, (height, width, 3) each.
        size: width and height of the animation, in pixels.
        milliseconds: time from one frame to the next; the last one stays for a second.
    """
    from PIL import Image

    pictures = [Image.fromarray(frame).resize(size, Image.Resampling.BOX) for frame in frames]
    palette = pictures[len(pictures) // 2].quantize(32, dither=Image.Dither.NONE)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    made = io.BytesIO()
    times = [milliseconds] * (len(flat) - 1) + [1000]
    flat[0].save(made, "gif", save_all=True, append_images=flat[1:], duration=times, loop=0, optimize=True)
    return made.getvalue()


def main(arguments: Sequence[str]) -> None:
    """Record what is missing, and write the files once nothing is.

    Args:
        arguments: the folder, then seeds; none means all.
    """
    torch.set_num_threads(1)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in map(int, arguments[1:] or SEEDS):
        if not (folder / f"seed_{seed}.json").exists():
            record_seed(seed, folder)
    if all((folder / f"seed_{seed}.json").exists() for seed in SEEDS):
        write_files(folder)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("expected a folder, then seeds if not all of them")
    main(sys.argv[1:])
