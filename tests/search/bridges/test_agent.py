"""The file that ``sweep`` writes, run as W&B's agent runs it, with W&B's own engine in place of its server."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from binpack.__main__ import main
from binpack.files import read_json
from binpack.search.bridges.local_sweep import run_sweep
from binpack.search.bridges.sweep import check_sweep
from binpack.search.space import Categorical, Float, Int, Space

SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=1e-2, log=True),
        "n_epochs": Int(low=1, high=2),
        "net_arch": Categorical(choices=((8,), (8, 8))),
        "normalize_advantage": Categorical(choices=(True, False)),
        "target_kl": Categorical(choices=(None, 0.05)),
    }
)
FIXED = ["--bin", "4x4x4", "--items", "random:1-2", "--n-envs", "4", "--steps", "64"]
SET = ["--set", "n_steps=16", "--set", "batch_size=32", "--set", "policy=mlp"]


class Agent:
    """Starts runs as ``wandb_agent.Agent._command_run`` does, but in this process."""

    def __init__(self, config, monkeypatch):
        self._config, self._monkeypatch, self._count = config, monkeypatch, 0

    def __call__(self, values, report):
        self._count += 1
        given = create_sweep_command_args({"args": {name: {"value": value} for name, value in values.items()}})
        Path("args.json").write_text(given["args_json"][0])
        given |= {"interpreter": ["python"], "program": [self._config["program"]], "env": ["/usr/bin/env"]}
        given["args_json_file"] = ["args.json"]
        line = []
        for part in map(str, create_sweep_command(list(self._config["command"]))):
            line += given.get(part[2:-1], []) if part.startswith("${") and part.endswith("}") else [part]
        assert line[:4] == ["/usr/bin/env", "python", "-m", "binpack"]
        self._monkeypatch.setenv("WANDB_SWEEP_ID", "mine")
        self._monkeypatch.setenv("WANDB_RUN_ID", f"run{self._count}")
        assert main(line[4:]) == 0
        return read_json(f"sweep_runs/run{self._count}/result.json")["score"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "space.json").write_text(SPACE.to_json())
    return tmp_path


def test_an_agent_trains_what_the_engine_says(folder, monkeypatch, capsys):
    assert main(["sweep", "space.json", "--method", "bayes", "--out", "sweep.yaml", *FIXED, *SET]) == 0
    assert capsys.readouterr().out.startswith("sweep: sweep.yaml (bayes, 5 parameters)\n")
    config = yaml.safe_load((folder / "sweep.yaml").read_text())
    check_sweep(config)
    study = run_sweep(config, SPACE, Agent(config, monkeypatch), 2, np.random.default_rng(0))
    assert [trial.user_attrs.get("error") for trial in study.trials] == [None, None]
    for number, trial in enumerate(study.trials, start=1):
        run = folder / "sweep_runs" / f"run{number}"
        stored = read_json(run / "config.json")
        assert {name: stored["ppo"][name] for name in SPACE.names} == SPACE.decode(trial.params)
        assert (stored["total_steps"], stored["ppo"]["n_steps"], stored["env"]["bin_size"]) == (64, 16, [4, 4, 4])
        assert len(list(run.glob("wandb/offline-run-*/*.wandb"))) == 1


def test_a_grid_and_early_stopping_are_in_the_file(folder, capsys):
    (folder / "two.json").write_text(SPACE.only("learning_rate", "n_epochs").to_json())
    line = ["sweep", "two.json", "--method", "grid", "--points", "2", "--hyperband", "3", "--out", "grid.yaml"]
    assert main([*line, *FIXED, *SET]) == 0
    assert capsys.readouterr().out.startswith("sweep: grid.yaml (grid, 4 cells, 2 parameters)\n")
    config = yaml.safe_load((folder / "grid.yaml").read_text())
    assert config["early_terminate"] == {"type": "hyperband", "min_iter": 3}
    assert config["parameters"]["learning_rate"] == {"values": [1e-4, 1e-2]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ["sweep", "space.json", "--out", "s.yaml", "--method", "tpe"],
            "method 'tpe' is not one of grid, random, bayes",
        ),
        (["sweep", "other.json", "--out", "s.yaml"], "space: gama is no field of PPOConfig"),
        (["train", "--out", "run", "--wandb-args", "none.json"], "none.json: no such file"),
        (["train", "--out", "run", "--wandb-args", "gama.json"], "gama.json: 'gama' is not one of learning_rate, "),
        (
            ["train", "--out", "run", "--wandb-args", "args.json"],
            "--wandb-args: WANDB_RUN_ID is '': an agent of W&B sets",
        ),
    ],
)
def test_what_is_wrong_is_answered_with_one_line_and_nothing_is_written(folder, monkeypatch, capsys, line, message):
    monkeypatch.delenv("WANDB_RUN_ID", raising=False)
    (folder / "other.json").write_text(json.dumps({"parameters": {"gama": {"type": "float", "low": 0, "high": 1}}}))
    (folder / "args.json").write_text("{}")
    (folder / "gama.json").write_text('{"gama": 0.9}')
    before = sorted(folder.iterdir())
    assert main(line) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and sorted(folder.iterdir()) == before
