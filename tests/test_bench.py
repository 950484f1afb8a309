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
    monkeypatch.setattr(bench, "AREAS", ("6x5", "9x9"))
    monkeypatch.setattr(bench, "EDGES", (2, 8))
    monkeypatch.setattr(bench, "EDGE_BIN", "20x30")


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
    assert all(row["mask_us"] > 0 and row["copy_us"] > 0 for row in result["masks"] + result["mask_curve"])
    points = {(row["sweep"], row["bin"], row["cells"], row["edge"]) for row in result["mask_curve"]}
    edge = bench.AREA_EDGE
    areas, edges = {("area", "6x5", 30, edge), ("area", "9x9", 81, edge)}, {("edge", "20x30", 600, e) for e in (2, 8)}
    assert points == areas | edges
    assert len(result["mask_curve"]) == len(points) * len(bench.RULES)


def test_masks_of_every_setting_are_timed_or_said_to_be_skipped(little, monkeypatch, capsys):
    monkeypatch.setattr(bench, "CELLS_AT_ONCE", 600)
    assert main(["bench"]) == 0
    printed = capsys.readouterr().out
    assert "6x5x7        k=1, all, B = 4: skipped, more than 600 cells at once" in printed
    settings = [(config.visible, config.rotation, batch) for config, batch in bench._mask_settings(quick=False)]
    assert settings == [(k, r, b) for _ in bench.RULES for k in (1, 5) for r in ("none", "all") for b in (1, 4)]


@pytest.mark.parametrize("name", ["curve.png", "deep/curve.html"])
def test_the_curve_is_drawn(little, tmp_path, name):
    assert main(["bench", "--quick", "--figure", str(tmp_path / name)]) == 0
    assert (tmp_path / name).stat().st_size > 5000


def test_the_table_shows_them(little, capsys):
    assert main(["bench", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert all(rule in printed for rule in bench.RULES)
    assert "training steps/s" in printed
    assert "| 20x30    |     600 |    8 |" in printed


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--out", "", "expected a file"),
        ("--figure", "", "expected a file"),
        ("--figure", "curve.pdf", "curve.pdf: expected a name that ends in .png or .html"),
    ],
)
def test_a_bad_place_for_a_file_is_one_line(capsys, tmp_path, option, name, message):
    assert main(["bench", option, str(tmp_path / name)]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
