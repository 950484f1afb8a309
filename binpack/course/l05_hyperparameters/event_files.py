"""Reads what TensorBoard reads: the event files that a training run leaves in its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack.files import FileError
from binpack.system import checkout


def read_scalars(folder: str | Path) -> dict[str, tuple[NDArray, NDArray]]:
    """Return every curve in a folder of event files.

    Args:
        folder: searched with all folders in it; each that holds event files is a run of its own.

    Returns:
        Tag, such as "train/approx_kl", to steps, (n,), and values, (n,). Where there are several runs, the tag stands
        behind the run's folder.

    Raises:
        ValueError: there are no event files.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    runs = sorted({path.parent for path in Path(folder).rglob("events.out.tfevents.*")})
    if not runs:
        raise FileError(f"{folder}: there are no event files in it")
    curves = {}
    for run in runs:
        events = EventAccumulator(str(run), size_guidance={"scalars": 0})  # 0 keeps all of them
        events.Reload()
        for tag in events.Tags()["scalars"]:
            points = events.Scalars(tag)
            name = tag if len(runs) == 1 else f"{run.relative_to(folder)}/{tag}"
            curves[name] = np.array([point.step for point in points]), np.array([point.value for point in points])
    return curves


def server(folder: str | Path, port: int = 6006) -> str:
    """Return the command that starts TensorBoard for a folder, to be typed in the folder of the course.

    Args:
        folder: searched for event files, with all its folders; named from the course's folder where it lies in that.
        port: fixed, since a tunnel has to name it.
    """
    place, root = Path(folder).resolve(), checkout()
    named = place.relative_to(root) if place.is_relative_to(root) else place
    return f".venv/bin/python -m tensorboard.main --logdir {named} --host 127.0.0.1 --port {port}"
