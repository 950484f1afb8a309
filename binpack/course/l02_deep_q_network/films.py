"""Lesson 02: films of an agent at work, made while one waits or recorded."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from binpack.plots.figure import show_picture

if TYPE_CHECKING:
    from PIL import Image

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


def animated_png(frames: Sequence[NDArray[np.uint8]], milliseconds: Sequence[int] | None = None) -> bytes:
    """Turn pictures into an animation that is small: one palette for all of them, as a PNG can hold only one.

    Args:
        frames: uint8, (height, width, 3) each.
        milliseconds: how long each is shown; None plays them in real time, and holds the last for a second and a half.
    """
    from PIL import Image

    if milliseconds is None:
        milliseconds = [1000 * EVERY // FRAMES_PER_SECOND] * (len(frames) - 1) + [1500]
    pictures = [Image.fromarray(frame) for frame in frames]
    palette = _palette(pictures)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    made = io.BytesIO()
    more: dict[str, Any] = {"save_all": True, "append_images": flat[1:], "duration": list(milliseconds), "loop": 0}
    flat[0].save(made, "png", optimize=True, **more)
    return made.getvalue()


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """Colours that fit a whole film: all where they are few, else those of its first, middle and last picture."""
    from PIL import Image

    found: set[Any] = set()
    for picture in pictures:
        colours = picture.getcolors(COLORS)
        if colours is None or len(found) > COLORS:
            break
        found |= {colour for _, colour in colours}
    else:
        if len(found) <= COLORS:
            row = Image.new("RGB", (len(found), 1))
            row.putdata(sorted(found))
            return row.quantize(COLORS, dither=Image.Dither.NONE)
    some = [np.asarray(pictures[place]) for place in (0, len(pictures) // 2, -1)]
    return Image.fromarray(np.concatenate(some)).quantize(COLORS, dither=Image.Dither.NONE)
