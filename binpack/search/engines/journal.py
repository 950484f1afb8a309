"""Optuna's journal as one process writes it that alone has it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage

from binpack.search.storage import NumberedJournal


class OneWriter(NumberedJournal):
    """The file of a journal, locked by its folder's lock and not for every line.

    Optuna waits for the disk after every line, some fifteen times a trial. Here it is waited for when a trial begins or
    ends: a process that is killed loses nothing, as what it wrote is with the system, and a machine whose power fails
    loses at most what it had of the trials that were running.

    Args:
        path: of the file, made if need be.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write lines behind what is there, all or none.

        Raises:
            OSError: they cannot be written.
        """
        lines = self.numbered(logs)
        left = memoryview("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode())
        with self._path.open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                while left:
                    left = left[file.write(left) :]
            except OSError:
                # A full disk: half a line would spoil the next one.
                file.truncate(before)
                raise
            # the entries that change a trial's state
            if any("state" in log for log in logs):
                os.fsync(file.fileno())


def open_journal(path: Path) -> JournalStorage:
    """Open a journal for the one process that writes to it; ``storage.refuse_other_files`` has looked at it before."""
    return JournalStorage(OneWriter(path))
