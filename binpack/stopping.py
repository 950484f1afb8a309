"""The end of this process is announced: whatever trains writes a checkpoint and leaves.

A process that trains may be a worker of the one that hears of the end. So the announcement is a file, whose name is in
the environment, which processes that are started inherit; who trains looks for it between two rollouts.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from binpack.system import Interrupted

VARIABLE = "BINPACK_STOP_FILE"
"""The variable of the environment that names the file."""


@contextlib.contextmanager
def announced() -> Iterator[Callable[[], None]]:
    """Yield what announces the end to everything that trains inside the block, workers that are started there too."""
    with tempfile.TemporaryDirectory(prefix="binpack-") as folder:
        file = Path(folder) / "stop"
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(file)
        try:
            yield file.touch
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def asked() -> bool:
    """Say whether the end is announced."""
    file = os.environ.get(VARIABLE)
    return file is not None and Path(file).exists()


def leave() -> NoReturn:
    """Leave, now that the checkpoint is written, as SIGTERM does.

    A worker only waits: an error of it would count as its trial's, and who started it ends it in a moment.

    Raises:
        Interrupted: in the main thread of a process that is no worker.
    """
    if multiprocessing.parent_process() is None and threading.current_thread() is threading.main_thread():
        raise Interrupted("ended after a checkpoint", 128 + signal.SIGTERM)
    while True:
        time.sleep(1)
