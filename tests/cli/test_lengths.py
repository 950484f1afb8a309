"""Which units are assumed and said, and shares in true volumes beside those of cells, against exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binpack.__main__ import main
from binpack.agents.config import TrainConfig
from binpack.cli import lengths, options
from binpack.cli.packed import Packed
from binpack.env.config import EnvConfig
from binpack.files import InputError
from binpack.items.catalogue import Catalogue, read_catalogue
from binpack.items.units import MILLIMETRES, bin_lengths, millimetres, parse_bin


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with files whose numbers carry no unit, one of their own, or both."""
    (tmp_path / "bare.csv").write_text("length,width,height,quantity\n12.5,6.25,4,10\n9,9,3.5,6\n")
    (tmp_path / "cm.csv").write_text("Length (cm),Width (cm),Height (cm)\n12.5,6.25,4\n")
    (tmp_path / "mixed.csv").write_text("length,width,height\n125mm,6.25,4\n")
    (tmp_path / "mm.json").write_text('{"unit": "mm", "items": [{"length": 125, "width": 60, "height": 40}]}')
    (tmp_path / "problem.txt").write_text("1\n1 101\n100 80 60\n1\n1 20 1 15 1 10 1 12\n")
    np.savez(tmp_path / "mm.npz", edges=np.array([[125, 60, 40]]), unit="mm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


NOTHING = "as nothing else is said (--unit does)"


@pytest.mark.parametrize(
    ("line", "assumed", "edges"),
    [
        ("bare.csv --bin 36x24x24in --cell 1in", "numbers of bare.csv are in, as in --bin", [13, 7, 4]),
        ("bare.csv --bin 36x24x24 --cell 1cm", f"numbers of bare.csv and of --bin are cm, {NOTHING}", [13, 7, 4]),
        (
            "bare.csv --bin 400x300x300mm --cell 5mm --unit cm",
            "numbers of bare.csv are cm, those of --bin mm",
            [25, 13, 8],
        ),
        ("bare.csv --bin 36x24x24 --cell 1in --unit in", None, [13, 7, 4]),
        ("bare.csv --bin 36x24x24in --cell 1in --unit in", None, [13, 7, 4]),
        ("bare.csv --bin 4x3x3dm --cell 1dm --unit mm", "numbers of bare.csv are mm, those of --bin dm", [1, 1, 1]),
        ("cm.csv --bin 36x24x24cm --cell 1cm", None, [13, 7, 4]),
        ("cm.csv --bin 36x24x24 --cell 1cm", None, [13, 7, 4]),
        ("cm.csv --bin 36x24x24in --cell 1cm", "cm.csv says cm, --bin says in", [13, 7, 4]),
        ("mm.json --bin 36x24x24 --cell 1cm", f"mm.json says mm, --bin is cm, {NOTHING}", [13, 6, 4]),
        ("mm.json --bin 360x240x240 --cell 1cm --unit mm", None, [13, 6, 4]),
        ("mm.npz --bin 360x240x240mm --cell 1cm", None, [13, 6, 4]),
        ("mm.npz --bin 36x24x24in --cell 1cm", "mm.npz says mm, --bin says in", [13, 6, 4]),
        ("mixed.csv --bin 36x24x24in --cell 1in", "numbers of mixed.csv are in, as in --bin", [5, 7, 4]),
        ("problem.txt --cell 5cm", f"numbers of problem.txt are cm, {NOTHING}", [4, 3, 2]),
        ("problem.txt --cell 5mm --unit mm", None, [4, 3, 2]),
        ("korea_post --bin 110x110x100 --cell 5cm", None, None),
    ],
)
def test_the_first_line_says_what_was_assumed(folder, capsys, line, assumed, edges):
    assert main(["pack", *line.split(), "--heuristic", "first_fit", "--rotation", "none"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == (f"assumed: {assumed}" if assumed else shown[0])
    assert shown[0].startswith("assumed: ") == (assumed is not None)
    rows = [line.split()[3] for line in shown if line.startswith("1  ")]
    assert edges is None or rows == ["x".join(map(str, edges))]


def test_without_a_cell_nothing_is_assumed(folder, capsys):
    (folder / "cells.csv").write_text("length,width,height\n2,2,2\n")
    assert main(["pack", "cells.csv", "--bin", "4x4x4"]) == 0
    shown = capsys.readouterr().out
    assert "assumed" not in shown and "utilization 0.1250 of a bin of 4x4x4 cells\n" in shown


def test_evaluate_takes_the_unit_of_the_bin_for_a_file(folder):
    settings = options.env_settings(items="bare.csv", bin_size="36x24x24in", cell="1in")
    assert options.environment(settings).source().catalogue.edges[0].tolist() == [13, 7, 4]
    settings = options.env_settings(items="bare.csv", bin_size="36x24x24", cell="1in")
    assert options.environment(settings).source().catalogue.edges[0].tolist() == [5, 3, 2]


def packed(edges_mm: list[list[Fraction]], cell: str, room: str) -> Packed:
    """Items that are all said to be packed; where they lie plays no part."""
    size = millimetres(cell, "cell")
    edges = np.array([[math.ceil(edge / size) for edge in each] for each in edges_mm])
    catalogue = Catalogue(edges, lengths=np.array([[float(edge) for edge in each] for each in edges_mm]))
    config = EnvConfig(bin_size=parse_bin(room, cell), items="random:1-1", cell=cell)
    kinds = np.arange(len(edges))
    boxes = np.concatenate([np.zeros_like(edges), edges], axis=1)
    return Packed(
        boxes, kinds, np.ones(len(edges), bool), catalogue, config, catalogue.quantity, bin_lengths(room, cell)
    )


sizes = st.lists(st.lists(st.integers(30, 900), min_size=3, max_size=3), min_size=1, max_size=8)
cells = st.sampled_from(["5mm", "1cm", "2cm", "1.5cm", "5cm", "1in", "2in", "0.5dm"])


@given(sizes, cells, st.sampled_from(["120x80x100", "1203x801x999mm", "47.5x31x40in", "1.2x0.8x1m"]))
def test_true_shares_are_those_of_exact_fractions(edges, cell, room):
    exact = [[Fraction(edge) for edge in each] for each in edges]
    done = packed(exact, cell, room)
    unit = next((unit for unit in ("mm", "in", "m") if room.endswith(unit)), "cm")
    volume = math.prod(Fraction(edge) * MILLIMETRES[unit] for edge in room.removesuffix(unit).split("x"))
    true = sum(math.prod(each) for each in exact) / volume
    assert done.true_utilization == pytest.approx(float(true), rel=1e-9)
    warning = lengths.too_coarse(done)
    if abs(done.utilization - float(true)) < 0.0499:
        assert warning is None
    elif abs(done.utilization - float(true)) > 0.0501:
        assert (
            warning
            and f"edges in whole cells of {cell} make {done.utilization:.1%} of a true {float(true):.1%}" in warning
        )
        finer = lengths.finer_cell(done, done.true_utilization)
        assert finer is not None and millimetres(finer[0], "cell") < millimetres(cell, "cell")
        again = packed(exact, finer[0], room)
        assert again.utilization == pytest.approx(finer[1], rel=1e-9)
        assert abs(again.utilization - float(true)) <= 0.05 + 1e-9 or max(again.config.bin_size) > 400
        assert f"--cell {finer[0]} makes {finer[1]:.1%}" in warning


@pytest.mark.parametrize(("cell", "share"), [("2cm", "84.8%"), ("5mm", "35.8%"), ("2mm", None)])
def test_a_true_quarter_that_looks_full_is_said(tmp_path, monkeypatch, capsys, cell, share):
    (tmp_path / "items.csv").write_text("Length (mm),Width (mm),Height (mm),qty\n28,28,28,106\n")
    monkeypatch.chdir(tmp_path)
    line = ["pack", "items.csv", "--bin", "200x200x200mm", "--cell", cell, "--rotation", "none", "--heuristic"]
    assert main([*line, "first_fit_decreasing"]) == 0
    output = capsys.readouterr()
    assert "utilization 0.2909 in true volumes, " in output.out and "106 of 106 items packed" in output.out
    told = f"edges in whole cells of {cell} make {share} of a true 29.1% of the bin: --cell 2mm makes 29.1%"
    assert output.err == (f"binpack: warning: {told}\n" if share else "")


def test_the_catalogue_keeps_real_lengths_and_what_the_file_says(folder):
    catalogue = read_catalogue("mixed.csv", cell="1cm", unit="in")
    np.testing.assert_allclose(catalogue.lengths, [[125, 158.75, 101.6]])
    assert catalogue.units == ("mm",) and catalogue.bare
    catalogue = read_catalogue("problem.txt", cell="3cm")
    assert catalogue.container == (33, 26, 20) and catalogue.container_lengths == (1000.0, 800.0, 600.0)
    catalogue = read_catalogue("mm.json", cell="1cm")
    assert catalogue.units == ("mm",) and not catalogue.bare
    catalogue = read_catalogue("problem.txt")
    assert catalogue.lengths is None and catalogue.container_lengths is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "bare.csv --bin 5x5x5in --cell 1in",
            "item 13x7x4 cells of 1in (12.5x6.25x4 in) fits the bin 5x5x5 in no",
        ),
        ("bare.csv --bin 36x24x24 --cell 50cm", "edge '36' has 0 cells of 500mm, expected 1 to 1000 cells"),
        ("bare.csv --bin 36x24x24m --cell 1cm", "edge '36' has 3600 cells of 10mm, expected 1 to 1000 cells"),
        ("bare.csv --bin 36x24x24 --cell 1cm --unit ft", "--unit: unit 'ft': expected mm, cm, dm, m or in"),
    ],
)
def test_errors_speak_in_lengths_and_name_the_cell(folder, capsys, line, told):
    assert main(["pack", *line.split()]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "assumed", "unit", "edges"),
    [
        ("--items bare.csv --bin 36x24x24 --cell 1cm", f"numbers of bare.csv and of --bin are cm, {NOTHING}", "cm", 13),
        ("--items bare.csv --bin 36x24x24in --cell 1in", "numbers of bare.csv are in, as in --bin", "in", 13),
        ("--items bare.csv --bin 360x240x240 --cell 1cm --unit mm", None, "mm", 2),
        (
            "--items bare.csv --bin 4x4x4dm --cell 1cm --unit in",
            "numbers of bare.csv are in, those of --bin dm",
            "in",
            32,
        ),
        ("--items korea_post --bin 110x110x100 --cell 5cm", None, "cm", 5),
        ("--items random:2-5 --bin 10x10x10", None, "cm", None),
    ],
)
@pytest.mark.parametrize("command", ["train --out run", "tune --storage s.journal", "evaluate --agent first_fit --n 1"])
def test_the_other_commands_say_and_take_units_as_pack_does(
    folder, capsys, monkeypatch, command, line, assumed, unit, edges
):
    made = []

    def stop(config, *args, **more):
        made.append(config)
        raise InputError("far enough")

    monkeypatch.setattr("binpack.agents.training.train", stop)
    monkeypatch.setattr("binpack.search.study.tune", lambda declared, *args, **more: stop(declared.train))
    monkeypatch.setattr("binpack.cli.filling.play", lambda player, streams, config, *more: stop(config))
    assert main([*command.split(), *line.split(), "--rotation", "all"]) == 2
    output = capsys.readouterr()
    told = output.err if command.startswith("evaluate") else output.out
    assert told.splitlines()[:1] == ([f"assumed: {assumed}"] if assumed else told.splitlines()[:1])
    assert told.startswith("assumed: ") == (assumed is not None)
    env = getattr(made[0], "env", made[0])
    assert env.unit == unit
    assert edges is None or env.source().catalogue.edges[0, 0] == edges


@pytest.mark.parametrize("bin_size", ["10x8x6", "100x80x60 --cell 10cm"])
@pytest.mark.parametrize("command", ["train --out run", "evaluate --agent first_fit --n 1"])
def test_the_other_commands_say_what_was_passed_over(folder, capsys, monkeypatch, command, bin_size):
    def stop(*args, **more):
        raise InputError("far enough")

    monkeypatch.setattr("binpack.agents.training.train", stop)
    monkeypatch.setattr("binpack.cli.filling.play", stop)
    (folder / "list.csv").write_text("Packing list,,,\nname,L,W,H,qty\na,3,2,1,1\nb,3,2,1,0\n#c,3,2,1,1\n")
    assert main([*command.split(), "--items", "list.csv", "--bin", *bin_size.split()]) == 2
    output = capsys.readouterr()
    told = output.err if command.startswith("evaluate") else output.out
    assert [line for line in told.splitlines() if line.startswith("note: ")] == [
        "note: list.csv: skipped 'Packing list' above the header in line 2",
        "note: list.csv: line 5: a comment, as it begins with # (in quotation marks it is an item)",
        "note: list.csv: line 4 (b): skipped, its quantity is 0",
    ]


@pytest.mark.parametrize("command", ["train --out run", "tune --storage s.journal", "evaluate --agent first_fit"])
def test_the_other_commands_name_the_lengths_of_what_fits_no_bin(folder, capsys, command):
    (folder / "pole.csv").write_text("name,L,W,H\npole,300,5,5\n")
    assert main([*command.split(), "--items", "pole.csv", "--bin", "120x80x100", "--cell", "5cm"]) == 2
    told = "pole.csv: line 2 (pole): item 60x1x1 cells of 5cm (300x5x5 cm) fits the bin 24x16x20 in no permitted"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "cell", "told"),
    [
        ("L (mm),W (mm),H (mm)\n3000,50,50\n", "5cm", "cells of 5cm (3000x50x50 mm) fits"),
        ("L,W,H\n300cm,50mm,5cm\n", "50mm", "cells of 50mm (3000x50x50 mm) fits"),
        ("L,W,H\n300,5,5\n", "5cm", "cells of 5cm (300x5x5 cm) fits"),
    ],
)
def test_what_fits_no_bin_is_named_in_the_unit_of_its_file_or_else_of_the_cell(folder, capsys, lines, cell, told):
    (folder / "pole.csv").write_text(lines)
    assert main(["evaluate", "--items", "pole.csv", "--bin", "120x80x100cm", "--cell", cell, "--agent", "random"]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("unit", ["in", "inch", "Inches", '"', "″"])
def test_units_are_taken_in_their_spellings(folder, capsys, unit):
    (folder / "one.csv").write_text("L,W,H\n12,8,4\n")
    line = ["pack", "one.csv", "--bin", f"12x8x4{unit}", "--cell", f"1{unit}", "--seconds", "0", "--out", "out"]
    assert main(line) == 0 and "1 of 1 items packed" in capsys.readouterr().out
    assert main([*line[:3], "12x8x4", "--unit", unit, *line[4:]]) == 0
    assert "1.0000 in true volumes" in capsys.readouterr().out


def test_a_stored_configuration_brings_its_unit_and_nothing_is_assumed(folder, capsys, monkeypatch):
    monkeypatch.setattr("binpack.agents.training.train", lambda *args, **more: (_ for _ in ()).throw(InputError("end")))
    env = options.environment(options.env_settings(items="bare.csv", bin_size="36x24x24in", cell="1in", rotation="all"))
    (folder / "c.json").write_text(TrainConfig(env=env).model_dump_json())
    assert main(["train", "--config", "c.json", "--out", "run"]) == 2
    assert capsys.readouterr() == ("", "binpack: error: end\n")


def test_a_unit_that_is_none_is_answered(folder, capsys):
    for command in ("train --out run", "tune --storage s.journal", "evaluate --agent first_fit"):
        line = f"{command} --items bare.csv --bin 9x9x9 --cell 1cm --unit ell"
        assert main(line.split()) == 2
        assert "Invalid value for --unit: unit 'ell'" in capsys.readouterr().err
