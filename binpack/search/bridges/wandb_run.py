"""A training run logged to Weights & Biases: the numbers that TensorBoard gets, offline unless one asks for more.

Offline is W&B's own mode for machines without an account or a network: everything is written to a folder, and
``wandb sync FOLDER`` uploads it later, or never. Nobody is asked for a key: where the mode wants one and there is none,
it is refused before training begins. What W&B would tell of the machine, of the code and of its packages is left out.
"""

from __future__ import annotations

import contextlib
import netrc
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from stable_baselines3.common.logger import KVWriter

from binpack.files import read_json, write_json
from binpack.search._model import SearchError
from binpack.search.bridges.optional import needed
from binpack.system import say

_NO_KEY = {"offline", "dryrun", "disabled"}
"""W&B's modes that reach no server."""


class WandbWriter(KVWriter):
    """Stable-Baselines3's way out to a run of W&B: the scalars that TensorBoard's writer writes, at the same steps.

    Training does not depend on it: what W&B refuses is told once, and the rest of the run is not logged.
    """

    def __init__(self, run: Any) -> None:
        self._run: Any | None = run

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Log the numbers of one step."""
        numbers = {
            name: float(value)
            for name, value in key_values.items()
            if "tensorboard" not in (key_excluded.get(name) or ())
            and isinstance(value, np.ScalarType)
            and not isinstance(value, str | bytes | complex)
        }
        self.log(numbers, step)

    def log(self, numbers: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers by their names."""
        if self._run is None or not numbers:
            return
        try:
            self._run.log(dict(numbers), step=step)
        except Exception as error:  # W&B may fail in any way
            self._run = None
            say(f"binpack: W&B takes no more of this run ({' '.join(str(error).split())})")

    def close(self) -> None:
        """Do nothing: the run is closed by who opened it."""


@contextlib.contextmanager
def wandb_run(folder: str | Path, config: Mapping[str, Any], project: str = "binpack") -> Iterator[WandbWriter]:
    """Open a run of W&B for a training run, and close it in the end.

    Args:
        folder: the training run's. W&B's files go to ``wandb`` in it, unless ``WANDB_DIR`` says otherwise, and a run
            that goes on in it goes on with its W&B run.
        config: what W&B keeps as the run's configuration.
        project: where W&B shows the run; ``WANDB_PROJECT`` goes before it.

    Yields:
        What to hand to ``train`` as one of its ``writers``.

    Raises:
        SearchError: W&B is not installed, has no key for a mode that needs one, or fails; one line.
    """
    folder = Path(folder)
    mode = _mode()
    with _variables(_kept_in(folder)):
        run = _open(needed("wandb", "logging to Weights & Biases"), folder, mode, config, project)
        code = 1
        try:
            yield WandbWriter(run)
            code = 0
        finally:
            try:
                run.finish(exit_code=code)
            except Exception as error:  # W&B may fail in any way
                say(f"binpack: W&B could not close its run ({' '.join(str(error).split())})")


def _kept_in(folder: Path) -> dict[str, str]:
    """Variables that keep W&B's own log with the run, and its errors from its makers."""
    return {"WANDB_ERROR_REPORTING": "false", "WANDB_CACHE_DIR": str(folder.resolve() / "wandb" / "cache")}


@contextlib.contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment that are not set, for the length of the block."""
    mine = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


def _open(wandb: Any, folder: Path, mode: str, config: Mapping[str, Any], project: str) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT", project),
            id=os.environ.get("WANDB_RUN_ID") or _identity(folder),
            resume="allow" if mode not in _NO_KEY else None,
            mode=mode,
            # its other process may have another working directory
            dir=os.environ.get("WANDB_DIR") or str(folder.resolve()),
            config=dict(config),
            settings=wandb.Settings(
                silent=True,
                console="off",
                save_code=False,
                disable_code=True,
                disable_git=True,
                disable_job_creation=True,
                init_timeout=60,
                login_timeout=1,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )
    except Exception as error:  # W&B raises several kinds, and its settings others
        raise SearchError(f"W&B cannot open a run: {' '.join(str(error).split())}") from None


def _mode() -> str:
    """Return the mode: what ``WANDB_MODE`` says, online in a sweep whose agent has a key, and offline else."""
    asked = os.environ.get("WANDB_MODE")
    if asked is None:
        return "online" if os.environ.get("WANDB_SWEEP_ID") and _has_key() else "offline"
    if asked not in _NO_KEY and not _has_key():
        raise SearchError(
            f"WANDB_MODE={asked} needs a key, of `wandb login` or in WANDB_API_KEY; without WANDB_MODE a run is kept "
            "offline, for `wandb sync` later"
        )
    return asked


def _has_key() -> bool:
    """Say whether W&B will find a key without asking for one."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    with contextlib.suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc(os.environ.get("NETRC") or Path.home() / ".netrc").authenticators(host) is not None
    return False


def _identity(folder: Path) -> str:
    """Return the id of the folder's W&B run, the same when the training goes on."""
    path = folder / "wandb.json"
    if not path.is_file():
        write_json(path, {"id": uuid.uuid4().hex[:8]})
    return str(read_json(path, "a W&B run's id").get("id"))


def sweep_run_id() -> str:
    """Return the id that W&B's agent gives the run that it starts.

    Raises:
        SearchError: there is none, as no agent has started this.
    """
    found = os.environ.get("WANDB_RUN_ID", "")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", found):
        raise SearchError(f"WANDB_RUN_ID is {found!r}: an agent of W&B sets it for the runs that it starts")
    return found
