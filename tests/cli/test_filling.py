"""``pack --seconds`` and ``--tries``: what fits is packed, the gain is told, and the same options make it again."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.__main__ import main
from binpack.agents.named import find_agent
from binpack.cli import filling
from binpack.cli.filling import Limit, Load, fill, improve
from binpack.env.config import EnvConfig
from binpack.items.catalogue import Catalogue, fits

GUIDE = (Path(__file__).resolve().parents[2] / "tutorials" / "packing-search.md").read_text(encoding="utf-8")
CASES = {
    "beam": ("40,30,30,3", "90x40x30", 3),
    "five": ("3,1,2,5", "6x1x5", 5),
    "cubes": ("65,66,83,27", "200x200x300", 27),
}
MIXED = "length,width,height,quantity,name\n30,20,20,14,a\n25,35,15,9,b\n18,22,31,11,c\n40,40,12,6,d\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys, *line):
    assert main(["pack", *line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("support", [None, "full", "none"])
@pytest.mark.parametrize("case", CASES)
def test_what_fits_comes_out_whole_by_default(folder, capsys, case, support):
    row, size, count = CASES[case]
    (folder / "items.csv").write_text("length,width,height,quantity\n" + row)
    more = [] if support is None else ["--support", support]
    assert told(capsys, "items.csv", "--bin", size, *more)["packed"] == count


def test_the_gain_over_one_pass_and_how_to_make_it_again_are_said(folder, capsys):
    (folder / "items.csv").write_text("length,width,height,quantity\n40,30,30,3")
    assert main(["pack", "items.csv", "--bin", "90x40x30"]) == 0
    gain = "1.0000 in place of 0.6667 in one pass, 3 items in place of 2"
    line = f"search: 1 try with seed 0: {gain} (--tries 1 makes it again)"
    assert f"{line}\n" in capsys.readouterr().out and line in GUIDE
    assert told(capsys, "items.csv", "--bin", "90x40x30", "--seed", "4")["search"] == {
        "seed": 4,
        "tries": [1],
        "again": "--seed 4 --tries 1",
        "one_pass": {"packed": 2, "bins": 1, "utilization": 0.666667, "true_utilization": None},
    }


def test_the_options_that_are_said_make_the_same_packing(folder, capsys):
    (folder / "items.csv").write_text(MIXED)
    line = ["items.csv", "--bin", "60x50x55", "--cell", "1cm", "--bins", "2", "--seed", "2"]
    first = told(capsys, *line, "--seconds", "1.5")
    assert len(first["search"]["tries"]) == 2 and min(first["search"]["tries"]) > 0
    assert first["true_utilization"] >= first["search"]["one_pass"]["true_utilization"]
    again = told(capsys, *line[:-2], *first["search"]["again"].split())
    assert again["boxes"] == first["boxes"]


def test_one_pass_is_what_it_was_and_says_nothing_of_a_search(folder, capsys):
    (folder / "items.csv").write_text(MIXED)
    line = ["items.csv", "--bin", "60x50x55", "--cell", "1cm"]
    once = told(capsys, *line, "--seconds", "0")
    assert once["search"] is None
    for more in (["--tries", "0"], ["--heuristic", "first_fit_decreasing", "--visible", "10", "--rotation", "all"]):
        assert told(capsys, *line, *more)["boxes"] == once["boxes"]
    searched = told(capsys, *line, "--heuristic", "first_fit_decreasing", "--rotation", "all", "--tries", "3")
    assert searched["search"]["one_pass"]["packed"] == once["packed"] and sum(searched["search"]["tries"]) <= 3


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--seconds", "1", "--tries", "1"], "give either --seconds or --tries, not both"),
        (["--seconds", "-1"], "--seconds: -1: expected seconds from 0 to 1,000,000"),
        (["--seconds", "nan"], "--seconds: nan: expected seconds from 0 to 1,000,000"),
        (["--seconds", "1e9"], "--seconds: 1e+09: expected seconds from 0 to 1,000,000"),
        (["--tries", "x"], "--tries: 'x': expected a number from 0 up, or one for each bin, such as 41,63"),
        (["--tries", "1,,2"], "--tries: '1,,2': expected a number from 0 up, or one for each bin"),
        (["--tries", "-1"], "--tries: '-1': expected a number from 0 up"),
        (["--tries", "1.5"], "--tries: '1.5': expected a number from 0 up"),
    ],
)
def test_a_limit_that_is_none_is_answered(folder, capsys, more, words):
    (folder / "items.csv").write_text(MIXED)
    assert main(["pack", "items.csv", "--bin", "60x50x55", "--cell", "1cm", *more]) == 2
    assert words in capsys.readouterr().err
    assert [each.name for each in folder.iterdir()] == ["items.csv"]


def load_of(seed, most, size=(6, 5, 5)):
    rng = np.random.default_rng(seed)
    edges = rng.integers(1, 5, (rng.integers(1, 6), 3))
    catalogue = Catalogue(edges, rng.integers(1, 9, len(edges)))
    config = EnvConfig(bin_size=size, rotation="all")
    return Load(catalogue, config, fits(edges, None, size, "all"), most, int(seed % 3) or None)


@given(st.integers(0, 2**32), st.sampled_from([1, 2, None]), st.integers(1, 8))
@settings(deadline=None, max_examples=20)
def test_several_bins_are_never_worse_and_nothing_is_lost_or_packed_twice(seed, most, tries):
    load = load_of(seed, most)
    once = fill(find_agent("first_fit_decreasing"), load)
    found = improve(once, load, Limit(None, (tries,)))
    packed = sum(np.bincount(each.kinds, minlength=len(load.catalogue.edges)) for each in found)
    assert (packed + found[-1].left == load.catalogue.quantity).all() and (found[-1].left >= 0).all()
    for before, after in pairwise(found):
        assert (before.left == after.offered).all()
    for each in found:
        assert (np.sort(each.boxes[:, 3:], axis=1) == np.sort(load.catalogue.edges[each.kinds], axis=1)).all()
    volume = [sum(each.utilization for each in bins) for bins in (once, found)]
    assert volume[1] >= volume[0] - 1e-9 and (most is not None or len(found) <= len(once))


def test_positions_name_each_item_once():
    order = np.array([2, 0, 2, 1, 2, 0])
    assert sorted(filling._positions(np.array([2, 0, 2]), order).tolist()) == [0, 1, 2]
    assert order[filling._positions(np.array([2, 0, 2, 2]), order)].tolist() == [2, 0, 2, 2]


def test_seconds_are_shared_out_and_tries_are_for_each_bin(folder, capsys):
    (folder / "items.csv").write_text(MIXED)
    line = ["items.csv", "--bin", "61x53x37", "--cell", "1cm", "--bins", "3"]
    assert told(capsys, *line, "--tries", "2,3")["search"]["tries"] == [2, 3, 3]
    assert told(capsys, *line, "--tries", "2")["search"]["again"] == "--tries 2,2,2"


def test_fewest_bins_with_everything_in_them_are_not_searched(folder, capsys):
    (folder / "items.csv").write_text("length,width,height,quantity\n2,2,2,16\n")
    assert told(capsys, "items.csv", "--bin", "4x4x4", "--bins", "all", "--seconds", "100")["search"] is None
