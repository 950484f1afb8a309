"""The folder of a training run: which run it holds, how far that is, and what came out of it.

It holds ``config.json`` and ``items.json``, which say what run it is, ``checkpoint.pt`` while it is not at its end,
and ``result.json`` once it is; the agent beside them is ``store``'s.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from binpack.agents.config import TrainConfig, differences, read_config
from binpack.agents.sameness import meaning
from binpack.files import (
    FileError,
    InputError,
    check_archive,
    first_line,
    read_json,
    read_sealed,
    write_bytes,
    write_json,
    write_sealed,
)

_INHERITED = "inherited.json"


@dataclass(frozen=True)
class TrainResult:
    """What a run achieved.

    Attributes:
        score: mean utilization on the validation streams at the last evaluation.
        history: (environment steps, mean utilization) of every evaluation.
        steps: environment steps taken.
        seconds: wall time, over all of the run's sessions.
        folder: where the agent is.
        diagnostics: what the run said of itself at each evaluation, see `diagnostics`; as long as ``history``, or
            empty for a run of a version that kept none.
    """

    score: float
    history: tuple[tuple[int, float], ...]
    steps: int
    seconds: float
    folder: Path
    diagnostics: tuple[Mapping[str, float], ...] = ()


@contextlib.contextmanager
def one_process(folder: Path) -> Iterator[None]:
    """Hold a run's folder for this process alone; the kernel lets go of it with the process, however that ends.

    The lock is the folder's own, whatever path leads to it. A file system that has no locks keeps nobody out.

    Args:
        folder: made if need be; one that is made here and stays empty is removed at the end.

    Raises:
        FileError: one line: another process trains in it.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileError(f"{folder}: another process trains in it: one at a time") from None
        except OSError:  # some file systems of networks
            pass
        yield
    finally:
        os.close(handle)
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def claim(folder: Path, config: TrainConfig, items: str) -> None:
    """Write into a folder which run it holds; one that it holds already may have got more steps.

    Args:
        folder: new, or seen by ``check_folder``.
        config: the run.
        items: their fingerprint.
    """
    path = folder / "config.json"
    if not path.exists():
        write_json(folder / "items.json", {"fingerprint": items})
        write_json(path, config.stored())
    elif (stored := read_config(path, "a run's config")).budget < config.budget:
        write_json(path, stored.model_copy(update={"total_steps": config.total_steps}).stored())


def check_folder(folder: Path, config: TrainConfig, items: str, resume: bool) -> None:
    """Make sure that a folder is new or holds the same run, perhaps with fewer steps.

    Args:
        folder: the run's.
        config: the run that is asked for.
        items: the fingerprint of its items.
        resume: whether the folder may hold a run.

    Raises:
        FileError: one line: it holds another run, or a damaged one.
    """
    path = folder / "config.json"
    if not path.exists():
        return
    if not resume:
        raise FileError(f"{folder} already holds a run; choose another folder")
    stored = read_config(path, "a run's config")
    before = folder / "items.json"
    known = read_json(before, "a run's items").get("fingerprint") if before.exists() else None
    for field, there, here in differences(meaning(stored), meaning(config)):
        # the same items may have another name now, and the same rollouts another number of steps
        if (field == "env.items" and known == items) or (field == "total_steps" and stored.budget <= config.budget):
            continue
        more = ", and steps can be raised, not lowered" if field == "total_steps" else ""
        raise FileError(
            f"{folder} holds a run with another config: {field} is {there!r} there and {here!r} here{more}; "
            "choose another folder"
        )
    if known not in (None, items):
        raise FileError(f"{folder} holds a run on other items than {config.env.items} has now; choose another folder")


def inherit(folder: Path, donor: Path, config: TrainConfig, items: str) -> None:
    """Make a folder that of a run which goes on where another was, with other hyperparameters and fresh items.

    It has the other's weights, moments of Adam, steps and evaluations. Whatever run was in the folder is gone.

    Args:
        folder: of the run that goes on.
        donor: the other's, with its checkpoint.
        config: the run that goes on; what the other started from is kept.
        items: the fingerprint of its items.

    Raises:
        FileError: one line: the other has no checkpoint, or a damaged one.
    """
    state = load_checkpoint(donor)
    if state is None:
        raise FileError(f"{donor} has no checkpoint to go on from")
    start = read_config(donor / "config.json", "a run's config").start_from
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(donor, partial)
    (partial / "result.json").unlink(missing_ok=True)
    # Environments and generators are those of the other's settings.
    save_checkpoint(partial, {**state, "run": None})
    write_json(partial / "items.json", {"fingerprint": items})
    write_json(partial / "config.json", config.model_copy(update={"start_from": start}).stored())
    write_json(partial / _INHERITED, {"from": str(donor)})
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def inherited(folder: Path) -> str | None:
    """Return the path of the run that a folder's run was given the state of last; None where it has its own."""
    path = folder / _INHERITED
    return str(read_json(path, "what a run inherited")["from"]) if path.exists() else None


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write a run's state, atomically."""
    write_bytes(folder / "checkpoint.pt", lambda file: torch.save(dict(state), file))


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Read a run's state; None where there is none.

    Raises:
        FileError: one line: it is damaged.
    """
    path = folder / "checkpoint.pt"
    if not path.exists():
        return None
    try:
        check_archive(path)
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds for a bad file
        why = f"cannot load the checkpoint ({first_line(error)})"
        raise FileError(f"{path}: {why}: delete it, and the run begins anew") from None


def drop_checkpoint(folder: Path) -> None:
    """Remove a run's state, if there is one."""
    (folder / "checkpoint.pt").unlink(missing_ok=True)


def write_result(result: TrainResult) -> None:
    """Keep a result in its folder."""
    write_sealed(
        result.folder / "result.json",
        {
            "score": result.score,
            "steps": result.steps,
            "seconds": round(result.seconds, 2),
            "history": [list(row) for row in result.history],
            "diagnostics": [dict(row) for row in result.diagnostics],
        },
    )


def read_result(folder: Path) -> TrainResult | None:
    """Read what `write_result` wrote; None where there is none.

    Raises:
        FileError: one line: it is damaged.
    """
    path = folder / "result.json"
    if not path.exists():
        return None
    stored = read_sealed(path, "a run's result", "delete it to train anew")
    try:
        history = tuple((int(step), float(score)) for step, score in stored["history"])
        said = tuple(dict(row) for row in stored.get("diagnostics", ()))
        result = TrainResult(
            float(stored["score"]), history, int(stored["steps"]), float(stored["seconds"]), folder, said
        )
        if not math.isfinite(result.score):
            raise InputError(f"score {result.score}")
        return result
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path}: not a run's result ({first_line(error)})") from None
