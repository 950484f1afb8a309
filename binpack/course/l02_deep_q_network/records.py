"""Lesson 02: what was recorded because it takes too long to be live, and how the lesson shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from numpy.typing import NDArray
from torch import nn

from binpack.course.l02_deep_q_network.agent import DQNConfig
from binpack.course.l02_deep_q_network.exercises.hunting import suggest
from binpack.course.l02_deep_q_network.films import animated_png
from binpack.course.records import read_record
from binpack.plots.figure import show_picture

DATA = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    """Load a record.

    Args:
        name: "cartpole", "lunar_lander", "defects" or "tuning"; `record_NAME.py` beside the file made it.

    Raises:
        binpack.files.FileError: there is no such record.
    """
    return read_record(DATA / f"{name}.json")


def published_and_mended(defect: str) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Read what a defect of the bug hunt did on CartPole, as `plots.curves_with_spread` wants it.

    Args:
        defect: "A" to "E".

    Returns:
        "published" and "mended", each with places on the x axis, (n,), and scores, (runs, n): validation returns by
        environment steps, and for D the scores of a study's trials by the trial's number.
    """
    record = load("defects")
    if defect == "D":
        arms = {name: [row["scores"] for row in record["studies"] if row["prepare"] == name] for name in _ARMS}
        return {name: (np.arange(1, len(rows[0]) + 1), np.array(rows)) for name, rows in arms.items()}
    if defect == "E":
        return {name: curve({"runs": [row for row in record["draws"] if row["ranges"] == name]}) for name in _ARMS}
    wanted = {"published": defect, "mended": "mended"}
    return {name: curve({"runs": [row for row in record["curves"] if row["defect"] == wanted[name]]}) for name in _ARMS}


_ARMS = ("published", "mended")


def reached(curves: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]], level: float) -> str:
    """Say in a line how many runs of each curve ever reach a level.

    Args:
        curves: what `published_and_mended` returned.
        level: the return to reach.
    """
    counts = {name: (int((rows.max(axis=1) >= level).sum()), len(rows)) for name, (_, rows) in curves.items()}
    return f"runs that ever reach {level:g}: " + ", ".join(f"{name} {n} of {of}" for name, (n, of) in counts.items())


def study(record: dict[str, Any]) -> optuna.Study:
    """Make an Optuna study out of recorded trials.

    Args:
        record: "tuning", as `load` returned it.
    """
    made = optuna.create_study(direction="maximize")
    for row in record["trials"]:
        trial = optuna.trial.FixedTrial(row["params"])
        suggest.reference(trial, DQNConfig())
        distributions, value = trial.distributions, row["value"]
        made.add_trial(optuna.trial.create_trial(params=row["params"], distributions=distributions, value=value))
    return made


def finals(record: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Read the mean test return of each fresh seed, (seeds,), for the default and the tuned settings.

    Args:
        record: "tuning", as `load` returned it.
    """
    return {
        name: np.array([row["mean"] for row in record["finals"] if row["settings"] == name])
        for name in ("default", "tuned")
    }


def curve(record: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Read the validation curves of all seeds.

    Args:
        record: what `load` returned; all its runs have the same length.

    Returns:
        Environment steps, (n,), and mean validation returns, (seeds, n).
    """
    steps = np.array([int(step) for step in record["runs"][0]["validation"]])
    return steps, np.array([list(run["validation"].values()) for run in record["runs"]])


def test_means(record: dict[str, Any]) -> NDArray[np.float64]:
    """Mean return of each seed's chosen checkpoint over its fresh test episodes, (seeds,)."""
    return np.array([np.mean(run["test"]) for run in record["runs"]])


def load_lander(network: nn.Module) -> nn.Module:
    """Put the shipped LunarLander weights into a network of 8 inputs and 4 actions, and return it.

    Args:
        network: changed in place.
    """
    network.load_state_dict(torch.load(DATA / "lunar_lander.pt", weights_only=True))
    return network


def film(stage: str) -> Path:
    """Path of the recorded film.

    Args:
        stage: "early" or "late".
    """
    return DATA / f"lunar_lander_{stage}.gif"


def show_film(path: Path, text: str) -> None:
    """Show an animation: as an animated PNG, which notebooks, GitHub and nbconvert display alike, and one line of text.

    Args:
        path: a GIF.
        text: what it shows.
    """
    show_picture(animated_png(*frames_of(path)), text)


def frames_of(path: Path) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Read the pictures of a GIF, uint8 (height, width, 3) each, and the milliseconds that each is shown.

    Args:
        path: the GIF.
    """
    from PIL import Image, ImageSequence

    with Image.open(path) as picture:
        frames, times = [], []
        for frame in ImageSequence.Iterator(picture):
            times.append(int(frame.info.get("duration", 0)) or 80)
            frames.append(np.asarray(frame.convert("RGB")))
    return frames, times
