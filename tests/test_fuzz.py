"""Configurations, spaces and run folders that nobody means: each is refused in one line, or runs; never a traceback."""

from __future__ import annotations

import copy
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from binpack.__main__ import main
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.training import train
from binpack.env.config import EnvConfig

NUMBERS = [0, 1, 2, 3, -1, 10**30, -(10**30), 2**63, 1e-320, 1e-30, 1e30, 1e38, 1e39, 1e300, 1e308, -1e308, 0.5]
OTHERS = [None, True, False, "", "x", "1", "linear", "cuda", "no:thing", [], [0], [4, 4], [10**9], {}, {"a": None}]
HUGE = ["NaN", "Infinity", "[" * 5000, "1" + "0" * 5000, "\ud800".encode("utf-8", "replace").decode()]
SMALL = TrainConfig(
    env=EnvConfig(bin_size=(3, 3, 3), items="random:1-2"),
    ppo=PPOConfig(n_steps=4, batch_size=4, n_epochs=1, channels=2, layers=1, net_arch=(2,)),
    total_steps=24,
    n_envs=2,
    eval_every=8,
    eval_streams=1,
    device="cpu",
    tensorboard=False,
)
# what would only take long is no error, and is not tried here
LONG = {"total_steps", "eval_streams", "n_steps", "n_epochs", "bin_size", "n_trials"}


def answered(capsys: pytest.CaptureFixture[str], line: list[str], case: object) -> int:
    """Run a command line; it may succeed, or end with one line on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        code = main(line)
    said = capsys.readouterr().err
    assert code in (0, 1, 2) and "Traceback" not in said, (case, said)
    assert code == 0 or (said.count("\n") == 1 and said.startswith("binpack: ")), (case, said)
    return code


def drawn(rng: np.random.Generator, long: bool) -> Any:
    """One of the values; one that makes a run long must be too large for it to begin."""
    values = [*NUMBERS, *OTHERS] if not long else [0, -1, 10**30, 2**63, 1e300, *OTHERS]
    return values[int(rng.integers(len(values)))]


@pytest.mark.parametrize("part", range(10))
def test_configurations(tmp_path, capsys, part):
    rng = np.random.default_rng([1, part])
    for case in range(8):
        stored = SMALL.stored()
        changed = []
        for _ in range(int(rng.integers(1, 3))):
            inner = [stored, stored["ppo"], stored["ppo"], stored["env"]][int(rng.integers(4))]
            name = sorted(inner)[int(rng.integers(len(inner)))]
            inner[name] = drawn(rng, name in LONG)
            changed.append((name, inner[name]))
        text = json.dumps(stored)
        if rng.random() < 0.1:
            text = text.replace("24", HUGE[int(rng.integers(len(HUGE)))], 1)
        path = tmp_path / "config.json"
        path.write_text(text, encoding="utf-8", errors="replace")
        answered(capsys, ["train", "--config", str(path), "--out", str(tmp_path / f"run{case}")], changed)


LIMITS = [
    ({"trials": "1" + "0" * 23}, "n_trials: Input should be less than or equal to 1000000"),
    ({"final-seeds": "1000000"}, "final_seeds: Input should be less than or equal to 1000"),
    ({"study": "a" * 300}, "study name aaaaaaaaaaaaaaaaaaaa...: 300 characters, expected at most 100"),
    ({"steps": "1" + "0" * 23}, "total_steps: Input should be less than or equal to 1000000000000"),
    (
        {"space": {"batch_size": {"type": "categorical", "choices": list(range(2, 100_002))}}},
        "100,000 choices, expected",
    ),
    ({"space": {"batch_size": {"type": "int", "low": 2, "high": 10**30}}}, "a number of 31 digits is too large"),
    ({"space": {"ent_coef": {"type": "float", "low": -1e308, "high": 1e308}}}, "wider than the largest number"),
]


@pytest.mark.parametrize(("given", "message"), LIMITS)
def test_what_is_beyond_all_measure_is_refused_before_anything_is_written(
    tmp_path, capsys, monkeypatch, given, message
):
    monkeypatch.chdir(tmp_path)
    line = ["tune", "--storage", "s.journal"]
    for name, value in given.items():
        if name == "space":
            (tmp_path / "space.json").write_text(json.dumps({"parameters": value}))
            value = "space.json"
        line += [f"--{name}", value]
    before = sorted(tmp_path.iterdir())
    assert main(line) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


SPACE = {
    "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    "n_epochs": {"type": "int", "low": 1, "high": 2},
    "batch_size": {"type": "categorical", "choices": [2, 4]},
}


@pytest.mark.parametrize("part", range(6))
def test_spaces(tmp_path, capsys, part):
    rng = np.random.default_rng([2, part])
    (tmp_path / "config.json").write_text(json.dumps(SMALL.stored()))
    for case in range(10):
        space = copy.deepcopy(SPACE)
        name = sorted(space)[int(rng.integers(3))]
        field = sorted(space[name])[int(rng.integers(len(space[name])))]
        space[name][field] = drawn(rng, False)
        if rng.random() < 0.2:
            space[name][field] = [space[name][field]] * int(rng.choice([1, 2, 100_000]))
        if rng.random() < 0.2:
            space[str(drawn(rng, False))] = space.pop(name)
        (tmp_path / "space.json").write_text(json.dumps({"parameters": space}))
        line = ["tune", "--config", str(tmp_path / "config.json"), "--space", str(tmp_path / "space.json")]
        line += ["--storage", str(tmp_path / f"{case}.journal"), "--trials", "1", "--seeds", "1", "--final-seeds", "0"]
        sampler = ["tpe", "random", "grid"][int(rng.integers(3))]
        answered(capsys, [*line, "--jobs", "1", "--sampler", sampler], (space, sampler))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run that kept its checkpoint."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(SMALL, folder, keep_checkpoint=True)
    return folder


@pytest.mark.parametrize("part", range(6))
def test_run_folders(tmp_path, capsys, finished, part):
    rng = np.random.default_rng([3, part])
    config = tmp_path / "more.json"
    config.write_text(json.dumps(SMALL.model_copy(update={"total_steps": 32}).stored()))
    for case in range(10):
        folder = tmp_path / str(case)
        shutil.copytree(finished, folder)
        path = sorted(folder.iterdir())[int(rng.integers(len(list(folder.iterdir()))))]
        what = damage(path, rng)
        answered(capsys, ["train", "--config", str(config), "--out", str(folder)], (path.name, what))
        answered(capsys, ["evaluate", "--agent", str(folder), "--n", "1"], (path.name, what))


def damage(path: Path, rng: np.random.Generator) -> object:
    """Take something away from a file, or put something else there; return what."""
    how = int(rng.integers(4))
    if how == 0 or path.suffix != ".json":
        content = bytearray(path.read_bytes())
        if how == 1:
            del content[int(rng.integers(len(content))) :]
        elif how == 2:
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        else:
            content[:] = b"" if how == 0 else content[::-1]
        path.write_bytes(content)
        return how
    stored = json.loads(path.read_text())
    name = sorted(stored)[int(rng.integers(len(stored)))]
    if how == 1:
        del stored[name]
    else:
        stored[name] = drawn(rng, name in LONG)
    path.write_text(json.dumps(stored))
    return name, stored.get(name, "nothing")
