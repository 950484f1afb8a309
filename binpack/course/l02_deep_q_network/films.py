"""Lesson 02: films of an agent at work, made while one waits or recorded."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from binpack.plots.figure import show_picture

SIZE = (300, 200)
EVERY = 2  # environment steps from one picture to the next
FRAMES_PER_SECOND = 50  # of both environments, played in real time
COLORS = 32


@dataclass(frozen=True)
class Film:
    """One episode.

    Attributes:
        frames: uint8, (height, width, 3) each.
        total: return of the episode.
        steps: its length.
    """

    frames: list[NDArray[np.uint8]]
    total: float
    steps: int


def play(name: str, act: Callable[[NDArray[np.float32]], int], seed: int) -> Film:
    """Play one episode and keep its pictures.

    Args:
        name: of a gymnasium environment that can draw itself.
        act: observation -> action.
        seed: of the environment.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window
    env = gym.make(name, render_mode="rgb_array")
    observation, _ = env.reset(seed=seed)
    frames, total, steps, over = [_picture(env)], 0.0, 0, False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(act(observation))
        total, steps, over = total + float(reward), steps + 1, terminated or truncated
        if steps % EVERY == 0 or over:
            frames.append(_picture(env))
    env.close()
    return Film(frames, total, steps)


def _picture(env: gym.Env) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(np.asarray(env.render())).resize(SIZE, Image.Resampling.BOX))


def show(film: Film, text: str) -> None:
    """Show a film as an animated PNG, which notebooks, GitHub and nbconvert play alike.

    Args:
        film: what `play` returned.
        text: what it shows; stands for the film where there are no pictures.
    """
    show_picture(animated_png(film.frames), text)


def animated_png(frames: Sequence[NDArray[np.uint8]]) -> bytes:
    """Turn pictures into an animation that is small: one palette for all of them, as a PNG can hold only one.

    Args:
        frames: uint8, (height, width, 3) each; the last one stays for a second and a half.
    """
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in frames]
    # a palette that fits the whole film: taken from its first, middle and last picture side by side
    some = np.concatenate([frames[0], frames[len(frames) // 2], frames[-1]])
    palette = Image.fromarray(some).quantize(COLORS, dither=Image.Dither.NONE)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    made = io.BytesIO()
    times = [1000 * EVERY // FRAMES_PER_SECOND] * (len(flat) - 1) + [1500]
    more: dict[str, Any] = {"save_all": True, "append_images": flat[1:], "duration": times, "loop": 0}
    flat[0].save(made, "png", optimize=True, **more)
    return made.getvalue()
