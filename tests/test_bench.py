"""The benchmark runs and its JSON is well formed; how fast it is, is no test's business."""

import json

import pytest

from binpack import bench
from binpack.__main__ import main


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(bench, "EFFORT", {True: (0.01, 2048), False: (0.01, 2048)})
    monkeypatch.setattr(bench, "BATCHES", (1, 4))
    monkeypatch.setattr(bench, "SITES", {"6x5x7": "random:2-3"})


@pytest.mark.parametrize("arguments", [["--quick"], []])
def test_the_json_has_every_figure(little, capsys, tmp_path, arguments):
    out = tmp_path / "bench.json"
    assert main(["bench", "--json", "--out", str(out), *arguments]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads(out.read_text()) == result
    for name in ("env_steps_per_s", "copy_floor_steps_per_s"):
        assert set(result[name]) == set(bench.RULES)
        assert all(set(figures) == {"1", "4"} for figures in result[name].values())
        assert all(value > 0 for figures in result[name].values() for value in figures.values())
    for name in ("train_steps_per_s", "constant_env_steps_per_s", "env_share"):
        assert set(result[name]) == {"mlp", "candidate"}
        assert all(value > 0 for value in result[name].values())
    for split in result["train_split"].values():
        assert sum(split.values()) == pytest.approx(1, abs=1e-3)
    assert {row["bin"] for row in result["masks"]} == {"6x5x7"}
    assert all(row["mask_us"] > 0 and row["copy_us"] > 0 for row in result["masks"])


def test_the_table_shows_them(little, capsys):
    assert main(["bench", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert all(rule in printed for rule in bench.RULES)
    assert "training steps/s" in printed


def test_a_bad_place_for_the_json_is_one_line(capsys, tmp_path):
    assert main(["bench", "--out", str(tmp_path)]) == 2
    assert "expected a file" in capsys.readouterr().err
