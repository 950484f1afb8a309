"""The journal of one writer: Optuna reads it, and a disk that is full spoils nothing."""

from __future__ import annotations

import multiprocessing
import resource
import signal

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend

from binpack.search.engines.journal import OneWriter, open_journal

fork = multiprocessing.get_context("fork")


def test_optuna_reads_what_was_written(tmp_path):
    path = tmp_path / "study.journal"
    study = optuna.create_study(storage=open_journal(path), study_name="study")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    again = optuna.load_study(storage=optuna.storages.JournalStorage(JournalFileBackend(str(path))), study_name="study")
    assert [trial.params for trial in again.trials] == [trial.params for trial in study.trials]
    assert not path.with_name("study.journal.lock").exists()


def fill(path, room, queue):
    """Write where there is room for a part of a line only."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = path.stat().st_size + room
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        OneWriter(path).append_logs([{"op_code": 0, "name": "x" * 100}])
    except OSError as error:
        queue.put(error.errno)


@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_line_that_does_not_fit_is_not_there(tmp_path, room):
    path = tmp_path / "study.journal"
    OneWriter(path).append_logs([{"op_code": 0, "name": "before"}])
    before, queue = path.read_bytes(), fork.Queue()
    process = fork.Process(target=fill, args=(path, room, queue))
    process.start()
    assert queue.get(timeout=60) > 0
    process.join()
    assert path.read_bytes() == before
    OneWriter(path).append_logs([{"op_code": 0, "name": "after"}])
    assert path.read_bytes().startswith(before) and path.read_bytes().count(b"\n") == 2
