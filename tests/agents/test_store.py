"""The trained agents that come with the package: found by name, small, better than heuristics, and played."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from binpack.__main__ import main
from binpack.agents import store as agents
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.store import load_agent, shipped
from binpack.agents.training import train
from binpack.core.heuristics import HEURISTICS
from binpack.env.config import EnvConfig
from binpack.files import FileError

SEED = 30_000
NAMES = agents.shipped()
FILES = ["agent.json", "config.json", "result.json", "weights.pt"]
FIELDS = ["utilization_mean", "utilization_ci", "items_mean", "streams", "seconds"]


def test_the_agents_for_one_visible_item_are_shipped():
    assert {"random_k1", "cut_1_k1", "cut_2_k1"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_is_small_and_says_how_it_was_made(name):
    folder = agents.SHIPPED / name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
    parts = ("config", "agent", "result")
    config, about, result = (json.loads((folder / f"{part}.json").read_text()) for part in parts)
    # a field that is newer than the agent has its default
    assert TrainConfig(**config) == TrainConfig(**about["config"])
    assert (result["steps"], result["score"]) == (about["steps"], about["score"])
    assert result["history"][-1] == [result["steps"], result["score"]]
    assert about["seconds"] > 0 and about["machine"]
    kind, visible = name.rsplit("_k", 1)
    assert (config["env"]["items"], config["env"]["visible"]) == (kind, int(visible))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_beats_the_heuristics_on_fresh_streams(name):
    agent = agents.load_agent(name)
    env = agent.config.env
    streams = make_streams(env, 400, SEED)
    gain = evaluate(agent, streams, env).utilization
    for heuristic in ("heightmap_sum", "touching_area", "deepest_bottom_left"):
        difference = gain - evaluate(heuristic, streams, env).utilization
        # one-sided, paired by stream: the mean lies clearly above 0
        assert difference.mean() > 2 * difference.std() / np.sqrt(len(difference)), heuristic


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """The folder of an agent with two visible items, after 256 steps."""
    env = EnvConfig(bin_size=(5, 5, 5), items="random:2-3", visible=2, rotation="z", support="corners:0.95,0.85,0.50")
    ppo = PPOConfig(n_steps=16, batch_size=32, n_epochs=1, channels=4, layers=2)
    run = TrainConfig(env=env, ppo=ppo, total_steps=256, n_envs=4, eval_streams=5, device="cpu", tensorboard=False)
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    train(run, folder)
    return folder


@pytest.fixture
def store(tiny, tmp_path, monkeypatch) -> Path:
    """An empty working folder; the tiny agent is shipped, as "tiny"."""
    folder = tmp_path / "agents"
    (folder / "tiny").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name in FILES:
        shutil.copy(tiny / name, folder / "tiny")
    monkeypatch.setattr(agents, "SHIPPED", folder)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


def test_a_shipped_name_means_that_agent_and_a_path_the_folder(store, tiny):
    assert shipped() == ("tiny",)
    stored = load_agent("tiny")
    assert stored.config.env.visible == 2 and stored.metadata["steps"] == 256
    shutil.copytree(tiny, "tiny")
    description = json.loads(Path("tiny/agent.json").read_text())
    Path("tiny/agent.json").write_text(json.dumps({**description, "steps": 7}))
    assert load_agent("tiny").metadata["steps"] == 256
    assert load_agent("./tiny").metadata["steps"] == load_agent(Path("tiny")).metadata["steps"] == 7


def test_the_command_line_takes_names_and_what_is_not_given_is_the_agents(store, capsys):
    streams = make_streams(EnvConfig(bin_size=(5, 5, 5), items="random:2-3"), 6, 1)
    streams.save("streams.npz")
    line = ["evaluate", "--agent", "tiny", "--streams", "streams.npz", "--json"]
    answers = []
    for more in ([], ["--support", "corners:0.95,0.85,0.50"], ["--support", "none"], ["--visible", "1"]):
        assert main([*line, *more]) == 0
        shown = capsys.readouterr().out
        assert shown.count("\n") == 1 and list(json.loads(shown)) == FIELDS
        answers.append({**json.loads(shown), "seconds": 0})
    assert answers[0] == answers[1]
    assert answers[0] not in answers[2:]
    assert main(["evaluate", "--agent", "tiny", "--n", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["streams"] == 3
    Path("items.csv").write_text("length,width,height\n2,2,2\n3,2,1\n")
    assert main(["pack", "items.csv", "--bin", "5x5x5", "--agent", "tiny"]) == 0
    assert "2 of 2 items packed" in capsys.readouterr().out


def test_an_unknown_name_is_answered_with_those_that_exist(store, capsys):
    for line in (["evaluate", "--agent", "nobody"], ["evaluate", "--agent", "empty"]):
        assert main(line) == 2
        shown = capsys.readouterr().err
        assert shown.count("\n") == 1
        assert all(name in shown for name in [*HEURISTICS, "first_fit_decreasing", "tiny"])
    with pytest.raises(ValueError, match=r"nobody: no agent here \(agent.json is missing\)$"):
        load_agent("nobody")


def test_looking_ahead_prints_the_same_fields_and_needs_an_agent(store, capsys):
    streams = make_streams(EnvConfig(bin_size=(5, 5, 5), items="random:2-3"), 3, 1)
    streams.save("streams.npz")
    for more in (["--streams", "streams.npz"], ["--n", "3"]):
        assert main(["evaluate", "--agent", "tiny", "--lookahead", "--json", *more]) == 0
        shown = capsys.readouterr()
        assert list(json.loads(shown.out)) == FIELDS and shown.err == ""
    assert main(["evaluate", "--agent", "first_fit", "--lookahead"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert "--lookahead: needs a trained agent, first_fit is a heuristic" in shown.err


def test_a_shipped_configuration_trains_an_agent_again(store, capsys):
    line = ["train", "--config", str(store / "tiny" / "config.json"), "--out", "tiny"]
    assert main(line) == 0
    assert "evaluate --agent ./tiny)" in capsys.readouterr().out
    one, two = (json.loads((folder / "result.json").read_text()) for folder in (store / "tiny", Path("tiny")))
    assert one["history"] == two["history"]


def test_weights_that_are_no_numbers_are_said(tmp_path):
    shutil.copytree(agents.SHIPPED / NAMES[0], tmp_path / "mine")
    weights = torch.load(tmp_path / "mine" / "weights.pt", weights_only=True)
    for value in (float("nan"), float("inf")):
        name = sorted(weights)[-1]
        torch.save({**weights, name: torch.full_like(weights[name], value)}, tmp_path / "mine" / "weights.pt")
        with pytest.raises(
            FileError, match="weights.pt: holds weights that are no finite numbers: train the agent anew"
        ):
            load_agent(tmp_path / "mine")


def test_a_flipped_bit_in_the_weights_is_found(tmp_path):
    shutil.copytree(agents.SHIPPED / NAMES[0], tmp_path / "mine")
    path = tmp_path / "mine" / "weights.pt"
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        stored = max(archive.infolist(), key=lambda each: each.file_size)
    content = whole.index(zipfile.ZipFile(path).read(stored))
    for place in np.random.default_rng(0).integers(content, content + stored.file_size, size=20):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1
        path.write_bytes(spoilt)
        with pytest.raises(FileError, match=r"cannot load the weights \(damaged since it was written: the checksum of"):
            load_agent(tmp_path / "mine")
