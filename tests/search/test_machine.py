"""A machine that fails makes no results: the study stops in one line, and goes on as if nothing had been."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import event
from sqlalchemy.engine import Engine
from test_study import Fake, config, facts, run

from binpack import files
from binpack.__main__ import main
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.files import FileError, MachineError
from binpack.items.units import InstanceError
from binpack.search._model import StudyStopped
from binpack.search.config import TuneConfig
from binpack.search.report import load_result
from binpack.search.space import Categorical, Space
from binpack.search.study import tune

FAULTS = {
    "disk full": lambda: OSError(errno.ENOSPC, "No space left on device", "run/checkpoint.pt"),
    "quota": lambda: OSError(errno.EDQUOT, "Disk quota exceeded"),
    "broken disk": lambda: OSError(errno.EIO, "Input/output error", "run"),
    "no rights": lambda: PermissionError(errno.EACCES, "Permission denied", "run"),
    "no text": lambda: OSError(),
    "damaged checkpoint": lambda: FileError("run/checkpoint.pt: cannot load the checkpoint"),
    "no memory": lambda: MemoryError("Unable to allocate 931. GiB for an array"),
    "no memory for torch": lambda: RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
    "no memory of a GPU": lambda: type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"),
    "items gone": lambda: InstanceError("boxes.csv: no such file"),
}


@dataclass
class Failing(Fake):
    """A training function on a machine that fails in the middle of one of its runs."""

    fault: Any = None
    at: int = 1
    calls: list[int] = field(default_factory=list)

    def __call__(self, train, folder, *, on_evaluation=None):
        self.calls.append(1)

        def report(step, score):
            on_evaluation(step, score)
            if len(self.calls) == self.at and step > train.eval_every:
                raise self.fault()

        return super().__call__(train, folder, on_evaluation=report)


@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_trial_fails_with_the_machine(tmp_path, fault, at):
    study = config(n_trials=3, final_seeds=0)
    run(study, tmp_path / "whole.journal")
    storage = tmp_path / "s.journal"
    with pytest.raises(StudyStopped, match="stopped: .+; nothing is lost: the same command goes on when") as stop:
        run(study, storage, Failing(fault=FAULTS[fault], at=at))
    assert isinstance(stop.value, MachineError) and "\n" not in str(stop.value)
    rows = load_result(storage).rows
    assert [row["state"] for row in rows] == ["complete"] * ((at - 1) // 2) + ["running"]
    run(study, storage)
    assert facts(storage) == facts(tmp_path / "whole.journal")


def test_what_a_configuration_does_is_its_result_still(tmp_path):
    result = run(
        config(n_trials=2, final_seeds=0), tmp_path / "s.journal", Failing(fault=lambda: ValueError("bad"), at=1)
    )
    assert [row["state"] for row in result.rows] == ["fail", "complete"]


@pytest.mark.parametrize("torn", [False, True])
def test_a_journal_without_room_at_any_write(tmp_path, monkeypatch, torn):
    study = config(n_trials=2, include_default=None, final_seeds=0)
    run(study, tmp_path / "whole.journal")
    writes = len((tmp_path / "whole.journal").read_text().splitlines())
    append = JournalFileBackend.append_logs
    for write in range(1, writes + 1, 2):
        left = write

        def full(backend, logs):
            nonlocal left
            left -= 1
            if left:
                return append(backend, logs)
            if torn:
                with Path(backend._file_path).open("ab") as file:
                    file.write(json.dumps(logs[0]).encode()[:-5])
            raise OSError(errno.ENOSPC, "No space left on device")

        storage = tmp_path / f"{write}.journal"
        monkeypatch.setattr(JournalFileBackend, "append_logs", full)
        with pytest.raises((StudyStopped, OSError)) as stop:
            run(study, storage)
        assert files.is_machines(stop.value) and "No space left" in str(stop.value)
        monkeypatch.setattr(JournalFileBackend, "append_logs", append)
        run(study, storage)
        assert facts(storage) == facts(tmp_path / "whole.journal"), f"no room at write {write}"


@pytest.mark.parametrize("name", ["best.json", "study.json", "final.json", "held_out.json"])
def test_no_room_for_what_lies_beside_the_storage(tmp_path, monkeypatch, name):
    study = config(n_trials=2)
    run(study, tmp_path / "whole.journal")
    write = files.write_atomically

    def full(path, content):
        if Path(path).name == name:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content)

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises((StudyStopped, OSError)) as stop:
        run(study, tmp_path / "s.journal")
    assert files.is_machines(stop.value) and name in str(stop.value)
    monkeypatch.setattr(files, "write_atomically", write)
    result = run(study, tmp_path / "s.journal")
    assert result.comparison is not None and facts(tmp_path / "s.journal") == facts(tmp_path / "whole.journal")


def test_an_sqlite_database_without_room(tmp_path):
    study, url = config(n_trials=25, final_seeds=0), f"sqlite:///{tmp_path}/s.db"
    run(config(n_trials=1, final_seeds=0), url)

    def limit(connection, record):
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA max_page_count = 1")  # which means: no more than there are

    event.listen(Engine, "connect", limit)
    try:
        with pytest.raises(StudyStopped, match="database or disk is full") as stop:
            run(study, url)
    finally:
        event.remove(Engine, "connect", limit)
    assert "\n" not in str(stop.value)
    assert "fail" not in {row["state"] for row in load_result(url).rows}
    assert [row["state"] for row in run(study, url).rows] == ["complete"] * 25


SMALL = TrainConfig(
    env=EnvConfig(bin_size=(4, 4, 4), items="random:1-2"),
    ppo=PPOConfig(n_steps=16, batch_size=32, n_epochs=1, channels=4, layers=1),
    total_steps=128,
    n_envs=4,
    eval_streams=4,
    device="cpu",
    tensorboard=False,
)


def small(**changes: Any) -> TuneConfig:
    space = Space(parameters={"learning_rate": Categorical(choices=(1e-3, 1e-2))})
    return TuneConfig(train=SMALL, space=space, sampler="grid", n_trials=None, seeds=1, final_seeds=0, **changes)


def test_a_damaged_checkpoint_is_named_and_the_trial_goes_on_without_it(tmp_path):
    study, storage = small(), tmp_path / "s.journal"
    damaged = tmp_path / "s.runs" / "trial_0000" / "seed_0" / "checkpoint.pt"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"nothing of the kind")
    (tmp_path / "s.runs" / "trial_0000").rename(tmp_path / "kept")
    with pytest.raises(StudyStopped):
        tune(study, storage, train=Failing(fault=FAULTS["quota"]), progress=False)
    shutil.rmtree(tmp_path / "s.runs" / "trial_0000")
    (tmp_path / "kept").rename(tmp_path / "s.runs" / "trial_0000")
    seen = r"checkpoint.pt: cannot load the checkpoint \(.*\): delete it, and the run begins anew; nothing is lost"
    with pytest.raises(StudyStopped, match=seen):
        tune(study, storage, progress=False)
    damaged.unlink()
    assert {row["state"] for row in tune(study, storage, progress=False).rows} == {"complete"}


def test_a_real_training_without_room_stops_with_one_line_and_goes_on(tmp_path):
    """A limit of the size of files is a full disk that needs no disk."""
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "from binpack.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    (tmp_path / "space.json").write_text(small().space.to_json())
    line = ["tune", "--bin", "4x4x4", "--items", "random:1-2", "--n-envs", "4", "--steps", "64", "--jobs", "1"]
    line += ["--set", "n_steps=16", "--set", "batch_size=32", "--set", "channels=4", "--set", "layers=1"]
    line += [
        "--seeds",
        "1",
        "--final-seeds",
        "0",
        "--sampler",
        "grid",
        "--space",
        "space.json",
        "--storage",
        "s.journal",
    ]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", limited, *line]
    ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.startswith("binpack: error: study study in s.journal stopped: ")
    assert "File too large; nothing is lost: the same command goes on when that is mended" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert [row["state"] for row in load_result(tmp_path / "s.journal").rows] == ["running"]


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 1), (errno.EACCES, 2)])
def test_the_machines_errors_end_any_command_with_1(monkeypatch, capsys, number, code):
    def fail(*args, **more):
        raise OSError(number, os.strerror(number), "out/a.html")

    monkeypatch.setattr("binpack.agents.evaluation.evaluate", fail)
    line = ["evaluate", "--agent", "first_fit", "--bin", "4x4x4", "--items", "random:1-2", "--n", "2"]
    assert main(line) == code
    assert capsys.readouterr().err == f"binpack: error: out/a.html: {os.strerror(number)}\n"


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("final.json", {"best": None}),
        ("final.json", {"best": [1.0]}),
        ("final.json", {"seeds": None}),
        ("final.json", {"streams": None}),
        ("final.json", {"default": [None, None, None]}),
        ("held_out.json", {"score": None}),
        ("held_out.json", {"score": "0.9"}),
    ],
)
def test_an_edited_comparison_is_named_and_made_anew_when_it_is_deleted(tmp_path, capsys, name, edit):
    study, storage = config(n_trials=2), tmp_path / "s.journal"
    before = run(study, storage).comparison
    folder = tmp_path / "s.runs"
    path = next(folder.rglob(name))
    whole = json.loads(path.read_text())
    for content in ({**whole, **edit}, {key: value for key, value in {**whole, **edit}.items() if key != "checksum"}):
        path.write_text(json.dumps(content))
        if name == "final.json":
            assert main(["show", str(storage)]) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1 and "delete final.json, and tune compares anew" in said
        else:
            (folder / "final.json").unlink(missing_ok=True)
            with pytest.raises(StudyStopped, match="held_out.json: .*delete it to score anew; nothing is lost"):
                run(study, storage)
    path.unlink()
    assert run(study, storage).comparison == before
