"""What pack did, in each form: nothing is lost in JSON and CSV, and a terminal is not flooded."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from binpack.__main__ import main
from binpack.cli import packed
from binpack.cli.packed import Packed
from binpack.env.config import EnvConfig
from binpack.items.catalogue import Catalogue, fits


def made(count: int, rng: np.random.Generator, *, boxes: int = 3, name: str = "item") -> Packed:
    """A row of boxes along x, of the first kinds of a catalogue in a turn of their own; the rest is left over."""
    edges = rng.integers(1, 5, (count, 3))
    edges[-1] = 2000  # fits nowhere
    names = tuple(f"{name} {number}" for number in range(count))
    catalogue = Catalogue(edges, rng.integers(1, 3, count), names)
    config = EnvConfig(bin_size=(1000, 9, 9), items="random:1-1", rotation="all", cell="5cm")
    kinds = np.arange(min(boxes, count - 1))
    turned = edges[kinds][:, [1, 2, 0]]
    starts = np.cumsum(turned[:, 0]) - turned[:, 0]
    placed = np.concatenate([np.stack([starts, starts * 0, starts * 0], axis=1), turned], axis=1)
    fitting = fits(edges, None, config.bin_size, "all")
    return Packed(placed, kinds, fitting, catalogue, config, catalogue.quantity)


@given(st.integers(2, 3000), st.integers(0, 2**32), st.integers(60, 250), st.sampled_from(["item", "상자", "n" * 70]))
def test_a_terminal_shows_some_dozens_of_lines_that_fit_it(count, seed, width, name):
    done = made(count, np.random.default_rng(seed), boxes=200, name=name)
    lines = list(packed.lines([done], width))
    assert len(lines) <= max(packed.MANY_BOXES, 43) + 30
    table = [line for line in lines if line[:1].isdigit() and "utilization" not in line and " left over" not in line]
    assert all(cell_len(line) <= width for line in table if not line.split(":")[0].endswith("orientation"))
    # what is left over is counted in full, however it is folded
    start = next(number for number, line in enumerate(lines) if " left over" in line)
    left = int(np.where(done.fitting, done.left, 0).sum())
    assert f", {left} left over" in lines[start]
    if lines[start].endswith(":"):
        rows = [line.split() for line in lines[start + 1 :] if line.startswith("  ")]
        assert sum(int(row[0]) for row in rows) == left


def test_without_a_terminal_each_box_has_its_line_and_its_whole_name():
    done = made(400, np.random.default_rng(0), boxes=300, name="n" * 80)
    lines = list(packed.lines([done]))
    assert [line.split()[0] for line in lines[1:301]] == [str(number) for number in range(1, 301)]
    assert all(name in line for name, line in zip(done.labels, lines[1:], strict=False))


@given(st.integers(2, 60), st.integers(0, 2**32))
def test_json_says_where_every_item_is(count, seed):
    done = made(count, np.random.default_rng(seed))
    told = json.loads(json.dumps(packed.as_json([done])))
    assert told["packed"] == len(told["boxes"]) == len(done.boxes)
    assert [box["position"] + box["edges"] for box in told["boxes"]] == done.boxes.tolist()
    for box in told["boxes"]:
        edges = done.catalogue.edges[box["item"] - 1].tolist()
        assert [edges["LWH".index(letter)] for letter in box["turn"]] == box["edges"]
        assert done.catalogue.names[box["item"] - 1] == box["name"]
    found = np.zeros(count, int)
    for box in told["boxes"]:
        found[box["item"] - 1] += 1
    for rest in [*told["left_over"], *told["fits_no_bin"]]:
        found[rest["item"] - 1] += rest["quantity"]
    assert found.tolist() == done.catalogue.quantity.tolist()
    assert [rest["item"] for rest in told["fits_no_bin"]] == [count]


@pytest.mark.parametrize(
    ("unit", "cell", "scale"), [("cm", "5cm", 5), ("mm", "5cm", 50), ("in", "1in", 1), ("m", "5cm", 0.05)]
)
def test_placements_are_in_the_users_unit_and_in_loading_order(tmp_path, unit, cell, scale):
    done = made(9, np.random.default_rng(1), boxes=8)
    done = replace(done, config=done.config.model_copy(update={"cell": cell}))
    packed.write_placements(tmp_path / "p.csv", [done], unit)
    text = (tmp_path / "p.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["bin", "order", "item", "name", "place", "turn"] + [
        f"{name}_{unit}" for name in ("x", "y", "z", "along_x", "along_y", "along_z")
    ]
    assert [int(row["order"]) for row in rows] == list(range(1, 9))
    assert [row["name"] for row in rows] == done.labels
    lengths = [[float(value) for value in list(row.values())[6:]] for row in rows]
    np.testing.assert_allclose(lengths, done.boxes * scale, rtol=1e-9)


@pytest.mark.parametrize("name", ["=1+1", "@x", "two\nlines", "\x1b[31mred", 'a "quoted", name', "상자"])
def test_a_name_in_placements_is_one_cell_that_computes_nothing(tmp_path, name):
    config = EnvConfig(bin_size=(2, 2, 2), items="random:1-1")
    catalogue = Catalogue(np.array([[1, 1, 1]]), names=(name,))
    done = Packed(np.array([[0, 0, 0, 1, 1, 1]]), np.array([0]), np.array([True]), catalogue, config, np.array([1]))
    packed.write_placements(tmp_path / "p.csv", [done], "cm")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text(encoding="utf-8-sig")))
    assert row["name"][:1] not in ("=", "@") and row["name"].isprintable() and row["x_cells"] == "0"


ITEMS = "length,width,height,quantity,name\n2,2,2,3,cube\n4,2,1,2,plank\n9,9,9,1,tower\n"


@pytest.fixture
def items(tmp_path, monkeypatch):
    """A file of items in the working folder, one of which fits no bin of 4x4x4."""
    (tmp_path / "items.csv").write_text(ITEMS)
    monkeypatch.chdir(tmp_path)
    return ["pack", "items.csv", "--bin", "4x4x4"]


def test_pack_prints_one_json_object(items, tmp_path, capsys):
    assert main([*items, "--json", "--placements", "list/p.csv"]) == 0
    output = capsys.readouterr()
    told = json.loads(output.out)
    assert output.out.count("\n") == 1
    assert told["pictures"] == ["packed_bin.html", "packed_bin.png"] and told["placements"] == "list/p.csv"
    assert len((tmp_path / "list" / "p.csv").read_text().splitlines()) == 1 + told["packed"]
    assert told["bin"] == {"edges": [4, 4, 4], "cell": None, "lengths_mm": None}
    assert told["fits_no_bin"] == [{"item": 3, "name": "tower", "place": "line 4", "quantity": 1, "edges": [9, 9, 9]}]


def test_an_item_that_fits_no_bin_is_listed_and_the_rest_is_packed(items, tmp_path, capsys):
    assert main(items) == 0
    output = capsys.readouterr()
    assert "5 of 6 items packed, 0 left over\n1 fits the empty bin in no permitted orientation: 1 x tower" in output.out
    problem = "1 item fits the empty bin in no permitted orientation and is left out (--strict refuses this)"
    assert output.err == f"binpack: warning: {problem}\n"
    for file in tmp_path.glob("packed*"):
        file.unlink()
    assert main([*items, "--strict"]) == 2
    assert "items.csv: line 4 (tower): item 9x9x9 fits the bin 4x4x4 in no" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["items.csv"]


def test_pack_takes_the_columns_that_are_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "items.csv").write_text("A;B;C;n\n2;2;2;3\n")
    monkeypatch.chdir(tmp_path)
    line = ["pack", "items.csv", "--bin", "4x4x4"]
    assert main(line) == 2
    assert "pack --columns length=HEADING" in capsys.readouterr().err
    assert main([*line, "--columns", "length=A,width=B,height=C,quantity=n"]) == 0
    assert "3 of 3 items packed" in capsys.readouterr().out
    assert main([*line, "--columns", "length=A,width=B,depth=C"]) == 2
    assert "--columns: columns 'length=A,width=B,depth=C': 'depth' is not one of length" in capsys.readouterr().err


def test_placements_need_a_place(items, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    assert main([*items, "--placements", "folder"]) == 2
    assert "--placements: folder is a folder, expected a file" in capsys.readouterr().err
    assert main([*items, "--placements", "items.csv/p.csv"]) == 2
    assert "--placements: items.csv is a file, expected a folder" in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "items.csv"]


@pytest.mark.parametrize("option", ["--out", "--placements"])
def test_a_place_that_may_not_be_written_to_is_refused_before_any_work(items, tmp_path, monkeypatch, capsys, option):
    monkeypatch.setattr("binpack.cli.packing.read_catalogue", lambda *args, **more: pytest.fail("it began"))
    monkeypatch.setattr("binpack.cli.options.os.access", lambda place, mode: str(place) != "folder")
    (tmp_path / "folder").mkdir()
    assert main([*items, option, "folder/new/place"]) == 2
    assert f"{option}: folder: no permission to write there, choose another" in capsys.readouterr().err
    assert not list((tmp_path / "folder").iterdir())


PROBLEMS = "2\n1 101\n4 4 4\n1\n1 2 1 2 1 2 1 8\n2 102\n6 3 3\n1\n1 3 1 3 1 3 1 2\n"


@pytest.mark.parametrize(("number", "packed_items"), [(1, 8), (2, 2)])
def test_evaluate_takes_the_bin_of_its_problem(tmp_path, monkeypatch, capsys, number, packed_items):
    (tmp_path / "two.txt").write_text(PROBLEMS)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "--agent", "first_fit", "--items", f"two.txt#{number}", "--n", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["utilization_mean"], told["items_mean"]) == (1.0, packed_items)


BRICKS = "length,width,height,quantity,name\n2,2,2,19,cube\n4,4,2,3,slab\n"


@pytest.fixture
def bricks(tmp_path, monkeypatch):
    """A command line that packs 248 cells of items into bins of 64."""
    (tmp_path / "bricks.csv").write_text(BRICKS)
    monkeypatch.chdir(tmp_path)
    return ["pack", "bricks.csv", "--bin", "4x4x4"]


@pytest.mark.parametrize(("bins", "used", "left"), [("all", 4, 0), ("9", 4, 0), ("4", 4, 0), ("3", 3, 7), ("1", 1, 20)])
@pytest.mark.parametrize("seed", [None, 3])
def test_bin_after_bin_is_filled_with_what_is_left_over(bricks, tmp_path, capsys, bins, used, left, seed):
    more = ["--bins", bins, "--placements", "p.csv", *([] if seed is None else ["--seed", str(seed)])]
    assert main([*bricks, *more, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["bins"]) == used and sum(each["packed"] for each in told["bins"]) == told["packed"]
    found = {1: 0, 2: 0}
    for box in told["boxes"]:
        found[box["item"]] += 1
    rest = {each["item"]: each["quantity"] for each in told["left_over"]}
    assert {item: found[item] + rest.get(item, 0) for item in found} == {1: 19, 2: 3}
    if seed is None:
        assert sum(rest.values()) == left
        volume = sum(np.prod(box["edges"]) for box in told["boxes"])
        assert told["utilization"] == pytest.approx(volume / (64 * used), abs=1e-6)
    # no two boxes of a bin share a cell
    for number in range(1, used + 1):
        cells = np.zeros((4, 4, 4), int)
        for box in told["boxes"]:
            if box["bin"] == number:
                (x, y, z), (long, wide, tall) = box["position"], box["edges"]
                cells[x : x + long, y : y + wide, z : z + tall] += 1
        assert cells.max() == 1
        assert told["bins"][number - 1]["utilization"] == pytest.approx(cells.mean(), abs=1e-6)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text(encoding="utf-8-sig"))))
    assert [int(row["bin"]) for row in rows] == [box["bin"] for box in told["boxes"]]
    names = [f"packed_bin_{number}" for number in range(1, used + 1)] if used > 1 else ["packed_bin"]
    assert told["pictures"] == [name + ending for name in names for ending in (".html", ".png")]
    assert all((tmp_path / name).stat().st_size > 1000 for name in told["pictures"])


def test_each_bin_and_the_total_are_reported(bricks, capsys):
    assert main([*bricks, "--bins", "all"]) == 0
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if line.startswith("bin ")] == [f"bin {n} of 4" for n in (1, 2, 3, 4)]
    assert "total: utilization 0.9688 of 4 bins of 4x4x4 cells\n22 of 22 items packed, 0 left over\n" in shown
    assert shown.count("\nutilization 1.0000 of a bin of 4x4x4 cells") == 3


def test_a_terminal_shows_many_bins_in_a_line_each():
    done = made(400, np.random.default_rng(0), boxes=300)
    lines = list(packed.lines([done, done, done], 80))
    assert len(lines) < 40 and lines[0].split() == ["bin", "items", "utilization"]
    assert lines[1].split()[:2] == ["1", "300"] and lines[4].startswith("the boxes: --placements")


@pytest.mark.parametrize("bins", ["0", "-1", "many", "1.5", ""])
def test_a_number_of_bins_that_is_none_is_answered(bricks, tmp_path, capsys, bins):
    assert main([*bricks, "--bins", bins]) == 2
    assert f"--bins: {bins!r}: expected a number from 1 up, or all" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["bricks.csv"]


def test_pictures_of_more_bins_than_there_are_now_do_not_stay(bricks, tmp_path, capsys):
    mine = ["packed_bin_0.png", "packed_bin_3.txt", "packed_bin_old.html", "my_packed_bin_4.png"]
    for name in mine:
        (tmp_path / name).write_text("mine")
    for bins, kept in (("4", range(1, 5)), ("2", range(1, 3)), ("1", [None]), ("3", range(1, 4))):
        assert main([*bricks, "--bins", bins, "--seconds", "0", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["pictures"]
        names = ["packed_bin" + ("" if number is None else f"_{number}") for number in kept]
        assert told == [name + ending for name in names for ending in (".html", ".png")]
        assert {path.name for path in tmp_path.glob("*packed_bin*")} == {*told, *mine}


def test_a_name_has_one_colour_in_the_pictures_of_all_bins(tmp_path, monkeypatch, capsys):
    (tmp_path / "items.csv").write_text("length,width,height,quantity,name\n4,4,4,1,zebra\n4,4,2,2,mouse\n")
    monkeypatch.chdir(tmp_path)
    drawn = []
    from binpack.plots import viewer

    for name in ("plotly_packing", "matplotlib_packing"):
        to = getattr(viewer, name)

        def draw(boxes, size, labels, *, names, to=to):
            drawn.append(dict(zip(labels, viewer._colors(len(labels), labels, names), strict=True)))
            drawn.append({label: viewer._legend(labels, names)[label] for label in labels})
            return to(boxes, size, labels, names=names)

        monkeypatch.setattr(viewer, name, draw)
    assert main(["pack", "items.csv", "--bin", "4x4x4", "--bins", "all"]) == 0
    colours = {(name, colour) for each in drawn for name, colour in each.items()}
    assert {name for name, _ in colours} == {"zebra", "mouse"} and len(colours) == 2
