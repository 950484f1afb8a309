"""A training run logs to W&B what it logs to TensorBoard, offline, and reaches nothing and nobody."""

from __future__ import annotations

import http.server
import json
import struct
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto import wandb_internal_pb2

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.training import train
from binpack.env.config import EnvConfig
from binpack.search._model import SearchError
from binpack.search.bridges.wandb_run import WandbWriter, wandb_run

SMALL = TrainConfig(
    env=EnvConfig(bin_size=(4, 4, 4), items="random:1-2"),
    ppo=PPOConfig(policy="mlp", n_steps=16, batch_size=32, n_epochs=1),
    total_steps=192,
    n_envs=4,
    eval_every=64,
    eval_streams=4,
)


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path, monkeypatch):
    """A home without a key, and none in the environment."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def records(content: bytes) -> Iterator[bytes]:
    """Take a file of W&B apart: LevelDB's log format behind a header of 7 bytes.

    A block has 32 KiB; a part of a record has a checksum (4 bytes), its length (2) and whether it is whole (1),
    first (2), in the middle (3) or last (4).
    """
    at, record = 7, b""
    while at < len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        record += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield record
            record = b""


def logged(folder) -> dict[str, dict[int, float]]:
    """Return what an offline run holds: name to step to value."""
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = {}
    for data in records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
            for name, value in row.items():
                if not name.startswith("_"):
                    found.setdefault(name, {})[row["_step"]] = value
    return found


def test_w_and_b_gets_what_tensorboard_gets_and_no_server_hears_of_it(tmp_path, monkeypatch, nobodys_home):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle(self):
            asked.append(self.client_address)

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    try:
        with wandb_run(tmp_path / "run", SMALL.stored()) as writer:
            train(SMALL, tmp_path / "run", writers=[writer])
    finally:
        server.shutdown()
        server.server_close()
    assert asked == [] and not [path for path in nobodys_home.rglob("*") if path.is_file()]
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "run_1"))
    board.Reload()
    wanted = {name: {each.step: each.value for each in board.Scalars(name)} for name in board.Tags()["scalars"]}
    found = logged(tmp_path / "run")
    assert set(found) == set(wanted) and len(found["eval/utilization"]) == 3
    for name, values in wanted.items():
        assert found[name] == pytest.approx(values, rel=1e-5), name


class Fake(SimpleNamespace):
    """W&B as far as a run of it is opened, with what it was opened with."""

    def __init__(self):
        super().__init__(opened=[], closed=[], Settings=lambda **settings: settings)

    def init(self, **given):
        self.opened.append(given)
        return SimpleNamespace(finish=lambda exit_code: self.closed.append(exit_code), log=lambda *a, **k: None)


@pytest.fixture
def fake(monkeypatch):
    made = Fake()
    monkeypatch.setitem(sys.modules, "wandb", made)
    return made


def test_a_run_that_goes_on_is_the_same_run_of_w_and_b(tmp_path, fake):
    with pytest.raises(KeyboardInterrupt), wandb_run(tmp_path / "run", {}):
        raise KeyboardInterrupt
    for folder in ("run", "other"):
        with wandb_run(tmp_path / folder, {}):
            pass
    first, again, other = (given["id"] for given in fake.opened)
    assert first == again != other and fake.closed == [1, 0, 0]


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "x" * 40}, "offline"),
        ({"WANDB_SWEEP_ID": "s"}, "offline"),
        ({"WANDB_SWEEP_ID": "s", "WANDB_API_KEY": "x" * 40}, "online"),
        ({"WANDB_SWEEP_ID": "s", "WANDB_API_KEY": "x" * 40, "WANDB_MODE": "offline"}, "offline"),
        ({"WANDB_MODE": "disabled"}, "disabled"),
        ({"WANDB_MODE": "online", "WANDB_API_KEY": "x" * 40}, "online"),
    ],
)
def test_the_mode_is_offline_unless_asked_or_an_agent_has_a_key(tmp_path, monkeypatch, fake, variables, mode):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with wandb_run(tmp_path, {}):
        pass
    assert [given["mode"] for given in fake.opened] == [mode]


def test_a_key_in_netrc_is_a_key(tmp_path, monkeypatch, fake, nobodys_home):
    (nobodys_home / ".netrc").write_text("machine api.wandb.ai login user password " + "x" * 40 + "\n")
    monkeypatch.setenv("WANDB_MODE", "online")
    with wandb_run(tmp_path, {}):
        pass
    monkeypatch.setenv("WANDB_BASE_URL", "https://elsewhere.example")
    with pytest.raises(SearchError, match=r"^WANDB_MODE=online needs a key, of `wandb login` or in WANDB_API_KEY;"):
        wandb_run(tmp_path, {}).__enter__()


def test_what_is_missing_or_fails_is_one_line(tmp_path, monkeypatch, fake):
    fake.init = lambda **given: (_ for _ in ()).throw(RuntimeError("no\nway"))
    with pytest.raises(SearchError, match=r"^W&B cannot open a run: no way$"):
        wandb_run(tmp_path, {}).__enter__()
    monkeypatch.setitem(sys.modules, "wandb", None)
    expected = r"^logging to Weights & Biases needs the package wandb: pip install wandb$"
    with pytest.raises(SearchError, match=expected):
        wandb_run(tmp_path, {}).__enter__()


def test_training_goes_on_where_w_and_b_takes_no_more(capsys):
    calls = []

    def log(numbers, step):
        calls.append(numbers)
        raise OSError("no\nspace")

    writer = WandbWriter(SimpleNamespace(log=log))
    values = {"loss": 0.5, "name": "x", "time/total": 3, "none": None}
    writer.write(values, {"time/total": ("tensorboard",)}, 10)
    writer.write(values, {}, 20)
    assert calls == [{"loss": 0.5}]
    assert capsys.readouterr().err == "binpack: W&B takes no more of this run (no space)\n"
