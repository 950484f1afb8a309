"""``sweep`` writes what its runs need to read the items as they were meant."""

from __future__ import annotations

import json

import pytest
import yaml

from binpack.__main__ import main

pytest.importorskip("sweeps")


def test_the_unit_of_bare_numbers_travels_to_the_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "items.csv").write_text("name,length,width,height,quantity\na,200,200,100,9\nb,100,100,100,9\n")
    space = {"parameters": {"gamma": {"type": "float", "low": 0.9, "high": 0.99}}}
    (tmp_path / "space.json").write_text(json.dumps(space))
    line = ["sweep", "space.json", "--items", "items.csv", "--bin", "40x40x40", "--cell", "10cm", "--out", "sweep.yaml"]
    assert main([*line, "--unit", "mm"]) == 2, "a bin of 40 mm has no cell of 10 cm"
    assert "40" in capsys.readouterr().err
    line[line.index("40x40x40")] = "400x400x400"
    assert main([*line, "--unit", "mm"]) == 0, capsys.readouterr().err
    assert "--unit=mm" in yaml.safe_load((tmp_path / "sweep.yaml").read_text())["command"]
