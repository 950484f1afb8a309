"""Units, the grid of cells, and files of items: what is read, and how each bad file is answered."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import zipfile
from decimal import Decimal
from fractions import Fraction
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.core.placement import ORIENTATIONS, ROTATIONS
from binpack.items import catalogue, streams
from binpack.items.catalogue import (
    KOREA_POST_PALLET,
    MAX_ITEMS,
    Catalogue,
    check_fits,
    fits,
    korea_post,
    korea_post_parcels,
    read_catalogue,
)
from binpack.items.streams import Streams
from binpack.items.units import InstanceError, parse_bin, parse_length


def one_line(error: pytest.ExceptionInfo) -> str:
    """Return the message, which must be one line."""
    assert isinstance(error.value, InstanceError) and isinstance(error.value, ValueError)
    message = str(error.value)
    assert message and len(message.splitlines()) == 1
    return message


def write(path, content) -> None:
    """Write text or bytes, whichever it is."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


# --------------------------------------------------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("text", "millimetres"),
    [
        ("50mm", 50),
        ("5cm", 50),
        ("0.5 dm", 50),
        (" 1 m ", 1000),
        ("2in", 50.8),
        ("1e1MM", 10),
        (".5cm", 5),
        (12.5, 12.5),
    ],
)
def test_parse_length(text, millimetres):
    assert parse_length(text) == millimetres and isinstance(parse_length(text), float)


BAD_LENGTHS = [
    ("5", "length '5': a unit is missing, expected mm, cm, dm, m or in, as in 50mm"),
    ("5ft", "length '5ft': unknown unit 'ft', expected mm, cm, dm, m or in, as in 50mm"),
    ("", "length '': expected a length above 0 with its unit, such as 50mm or 5cm"),
    ("mm", "length 'mm': expected a length above 0"),
    ("-5cm", "length '-5cm': expected a length above 0"),
    ("0mm", "length '0mm': expected a length above 0"),
    ("nanmm", "length 'nanmm': expected a length above 0"),
    ("1e999cm", "length '1e999cm': expected a length above 0"),
    ("5,5cm", "length '5,5cm': expected a length above 0"),
    ("٥cm", "length '٥cm': expected a length above 0"),
    (math.inf, "length inf: expected a length above 0"),
    (True, "length True: expected a length above 0"),
    (None, "length None: expected a length above 0"),
    ("5cm\n5cm", r"length '5cm\n5cm': expected a length above 0"),
]


@pytest.mark.parametrize(("text", "words"), BAD_LENGTHS)
def test_bad_lengths_are_answered_in_one_line(text, words):
    with pytest.raises(InstanceError) as error:
        parse_length(text)
    assert one_line(error).startswith(words)


@pytest.mark.parametrize(
    ("text", "cell", "cells"),
    [
        ("10x8x6", None, (10, 8, 6)),
        (" 10 X 8 * 6 ", None, (10, 8, 6)),
        ((10, np.int64(8), 6.0), None, (10, 8, 6)),
        ("110x110x100", "5cm", (22, 22, 20)),
        ("112x110x99.9", "50mm", (22, 22, 19)),
        ("1100x1100x1000mm", "5cm", (22, 22, 20)),
        ("1.1mx110cmx1000mm", "5cm", (22, 22, 20)),
        ("1.1mx110x1000mm", "5cm", (22, 2, 20)),
        ((110, 110, 100), 50.0, (22, 22, 20)),
    ],
)
def test_parse_bin_rounds_down(text, cell, cells):
    assert parse_bin(text, cell) == cells


BAD_BINS = [
    ("10x10", None, "bin '10x10': expected three edges, such as 110x110x100"),
    ("10x10x10x10", None, "bin '10x10x10x10': expected three edges"),
    ("", None, "bin '': expected three edges"),
    (10, None, "bin 10: expected three edges"),
    ("10x10x", None, "bin '10x10x': edge '': expected a number above 0"),
    ("10xtenx10", None, "bin '10xtenx10': edge 'ten': expected a number above 0"),
    ("10x-1x10", None, "bin '10x-1x10': edge '-1': expected a number above 0"),
    ("10x0x10", None, "bin '10x0x10': edge '0': expected a number above 0"),
    ("10x2.5x10", None, "bin '10x2.5x10': edge '2.5': expected a whole number of cells (or a cell size"),
    ("10x10x10cm", None, "bin '10x10x10cm': edge '10': expected a cell size beside the unit cm (such as --cell 50mm)"),
    ("10x10x10ells", "1cm", "bin '10x10x10ells': edge '10ells': unknown unit 'ells', expected mm, cm, dm, m or in"),
    ("10x10x3", "5cm", "bin '10x10x3': edge '3' has 0 cells of 50mm, expected 1 to 1000 cells (choose a finer cell)"),
    (
        "110x110x110",
        "1mm",
        "bin '110x110x110': edge '110' has 1100 cells of 1mm, expected 1 to 1000 cells (choose a coarser",
    ),
    ("10x10x10", "5", "cell '5': a unit is missing"),
    ((True, 10, 10), None, "bin (True, 10, 10): edge True: expected a number above 0"),
]


@pytest.mark.parametrize(("text", "cell", "words"), BAD_BINS)
def test_bad_bins_are_answered_in_one_line(text, cell, words):
    with pytest.raises(InstanceError) as error:
        parse_bin(text, cell)
    assert one_line(error).startswith(words)


MM = {"mm": Decimal(1), "cm": Decimal(10), "dm": Decimal(100), "m": Decimal(1000), "in": Decimal("25.4")}
LENGTHS = st.decimals(Decimal("0.1"), Decimal(300), places=1)


@settings(max_examples=100, deadline=None)
@given(
    LENGTHS,
    st.sampled_from(sorted(MM)),
    st.decimals(Decimal("0.5"), Decimal(90), places=1),
    st.sampled_from(["mm", "cm"]),
)
def test_items_round_up_and_bins_round_down_exactly(tmp_path_factory, size, unit, cell, cell_unit):
    path = tmp_path_factory.mktemp("units") / "one.csv"
    path.write_text(f"length,width,height\n{size}{unit},{size}{unit},1mm\n")
    exact = Fraction(size * MM[unit]) / Fraction(cell * MM[cell_unit])
    up = read_catalogue(path, cell=f"{cell}{cell_unit}").edges[0].tolist()
    assert up[:2] == [math.ceil(exact)] * 2
    if 1 <= math.floor(exact) <= 1000:
        assert parse_bin(f"{size}x{size}x{size}{unit}", f"{cell}{cell_unit}") == (math.floor(exact),) * 3


# ------------------------------------------------------------------------------------------------------------- formats

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12).filter(
    lambda name: not name.startswith("#")
)
KINDS = st.lists(
    st.fixed_dictionaries(
        {
            "edges": st.tuples(*[st.integers(1, 500)] * 3),
            "quantity": st.integers(1, 50),
            "name": NAMES,
            "upright": st.lists(st.booleans(), min_size=3, max_size=3).filter(any),
        }
    ),
    min_size=1,
    max_size=6,
)


def assert_holds(catalogue: Catalogue, kinds, *, names=True, flags=True) -> None:
    """Compare a catalogue with what was written."""
    assert catalogue.edges.tolist() == [list(kind["edges"]) for kind in kinds] and catalogue.edges.dtype == np.int32
    assert catalogue.quantity.tolist() == [kind["quantity"] for kind in kinds]
    assert catalogue.total == sum(kind["quantity"] for kind in kinds)
    assert catalogue.volume == sum(math.prod(kind["edges"]) * kind["quantity"] for kind in kinds)
    if names:
        assert list(catalogue.names) == [kind["name"] or f"item {i + 1}" for i, kind in enumerate(kinds)]
    assert catalogue.upright.tolist() == [kind["upright"] if flags else [True] * 3 for kind in kinds]


@settings(max_examples=40, deadline=None)
@given(KINDS, st.permutations(["length", "width", "height", "quantity", "name"]), st.sampled_from(["\n", "\r\n"]))
def test_csv_round_trip(tmp_path_factory, kinds, columns, end):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow([column.title() for column in columns])
    for kind in kinds:
        row = dict(zip(("length", "width", "height"), kind["edges"], strict=True)) | kind
        writer.writerow([row[column] for column in columns])
        text.write(f"{end}# a comment{end} ,,{end}")
    path = tmp_path_factory.mktemp("csv") / "items.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    assert_holds(read_catalogue(path), kinds, flags=False)


@settings(max_examples=40, deadline=None)
@given(KINDS, st.sampled_from([None, 0, 2]))
def test_json_round_trip(tmp_path_factory, kinds, indent):
    items = []
    for kind in kinds:
        items.append(dict(zip(("length", "width", "height"), kind["edges"], strict=True)))
        items[-1] |= {key: kind[key] for key in ("quantity", "name", "upright")}
    path = tmp_path_factory.mktemp("json") / "items.json"
    path.write_text(json.dumps({"bin": "9x8x7", "items": items}, indent=indent))
    catalogue = read_catalogue(path)
    assert_holds(catalogue, kinds)
    assert catalogue.container == (9, 8, 7)
    lines = path.read_text().split("\n")
    for place, item in zip(catalogue.places, items, strict=True):
        line = lines[int(place.removeprefix("line ")) - 1].strip()
        assert line.startswith("{") if indent is not None else str(item["length"]) in line


@settings(max_examples=20, deadline=None)
@given(KINDS)
def test_npz_round_trip(tmp_path_factory, kinds):
    path = tmp_path_factory.mktemp("npz") / "items.npz"
    arrays = {name: np.array([kind[name] for kind in kinds]) for name in ("edges", "quantity", "upright")}
    np.savez(path, names=np.array([kind["name"] for kind in kinds]), **arrays)
    assert_holds(read_catalogue(path), kinds)


@settings(max_examples=40, deadline=None)
@given(st.lists(KINDS, min_size=1, max_size=3), st.booleans(), st.booleans(), st.data())
def test_orlib_round_trip(tmp_path_factory, problems, counted, seeded, data):
    lines = [f" {len(problems)}"] if counted else []
    for number, kinds in enumerate(problems, start=4):
        lines += [f" {number}" + (" 2502505" if seeded else ""), " 587 233 220", f" {len(kinds)}"]
        for i, kind in enumerate(kinds, start=1):
            numbers = [value for pair in zip(kind["edges"], map(int, kind["upright"]), strict=True) for value in pair]
            lines.append("  ".join(map(str, [i, *numbers, kind["quantity"]])) + " ")
    path = tmp_path_factory.mktemp("orlib") / "thpack1"
    path.write_text("\n".join(lines) + "\n\n")
    chosen = data.draw(st.integers(4, 3 + len(problems)))
    catalogue = read_catalogue(path, problem=chosen)
    assert_holds(catalogue, problems[chosen - 4], names=False)
    assert catalogue.container == (587, 233, 220) and catalogue.problem == chosen
    coarse = read_catalogue(path, problem=chosen, cell="10cm")
    assert coarse.container == (58, 23, 22)
    assert (coarse.edges == -(-catalogue.edges // 10)).all()


def test_units_come_from_the_suffix_then_the_column_then_the_argument(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("length,width,height,unit\n30,300mm,3,\n30,300mm,3,dm\n")
    assert read_catalogue(path, cell="5cm").edges.tolist() == [[6, 6, 1], [60, 6, 6]]
    assert read_catalogue(path, cell="5cm", unit="mm").edges.tolist() == [[1, 6, 1], [60, 6, 6]]
    path = tmp_path / "units.json"
    path.write_text(
        '{"unit": "mm", "bin": [400, "40cm", 449.9], "items": [{"length": 51, "width": 0.1, "height": "5cm"}]}'
    )
    catalogue = read_catalogue(path, cell="5cm")
    assert catalogue.edges.tolist() == [[2, 1, 1]] and catalogue.container == (8, 8, 8)
    path = tmp_path / "units.npz"
    np.savez(path, edges=np.array([[51.0, 0.1, 50.0]]), unit=np.array("mm"))
    assert read_catalogue(path, cell="5cm").edges.tolist() == [[2, 1, 1]]


def test_text_files_are_told_by_their_beginning(tmp_path):
    path = tmp_path / "items.txt"
    path.write_text("# parcels\nLength,Width,Height\n3,4,5.0\n")
    assert read_catalogue(path).edges.tolist() == [[3, 4, 5]]
    path.write_text('{"items": [{"length": 3, "width": 4, "height": 5}]}')
    assert read_catalogue(path).edges.tolist() == [[3, 4, 5]]
    path.write_text("1\n3 3 3\n1\n1 3 1 4 1 5 0 2\n")
    assert read_catalogue(path).upright.tolist() == [[True, True, False]]


HEADER = "expected the header length,width,height[,quantity,name,unit]"
H = "length,width,height,quantity,name\n"
HUGE = "9" * 5000
ORLIB = " 2\n 1 55\n 10 10 10\n 1\n 1 5 1 4 1 3 1 2\n 2 56\n 10 10 10\n 1\n 1 5 1 4 1 3 1 2\n"

BAD_FILES = {
    # CSV: the frame
    "empty.csv": ("", f"line 1: the file is empty, {HEADER}"),
    "blank.csv": ("\n  \n,,\n# only a comment\n", f"line 1: the file is empty, {HEADER}"),
    "no_header.csv": ("3,4,5\n", f"line 1: column 'length' is missing in '3,4,5': {HEADER}, or pack"),
    "typo.csv": (
        "lenght,width,height\n3,4,5\n",
        "line 1: column 'length' is missing in 'lenght,width,height': expected",
    ),
    "twice.csv": ("length,width,height,width\n3,4,5,4\n", f"line 1: repeated column 'width': {HEADER}"),
    "missing.csv": ("# two\n\nlength,height\n3,5\n", f"line 3: column 'width' is missing in 'length,height': {HEADER}"),
    "only_header.csv": (H, "line 1: no items after the header, expected at least one"),
    "few.csv": (H + "3,4,5\n", "line 2: 3 columns '3,4,5': expected 5 (length,width,height,quantity,name)"),
    "many.csv": (H + "3,4,5,1,box,x\n", "line 2: 6 columns '3,4,5,1,box,x': expected 5 (length,width,height,"),
    "comma.csv": ("length,width,height\n3,5,4,5\n", "line 2: 4 columns '3,5,4,5': expected 3 (length,width,height)"),
    "quote.csv": (
        H + '3,4,5,1,"box\n',
        'line 2: a quotation mark " opens here and none closes it: expected comma-separated values',
    ),
    "latin.csv": (H.encode() + b"3,4,5,1,box\n3,4,5,1,gr\xf6\xdfe\n", "line 3: byte 0xf6: expected UTF-8 text"),
    "utf16.csv": (H.encode("utf-16"), "line 1: no items after the header"),
    "half16.csv": (H.encode("utf-16")[:-1], "line 1: byte 0x0a: expected text in the encoding utf-16: save it"),
    "bare16.csv": (H.encode("utf-16-le"), "line 1: byte 0x00: expected UTF-8 text"),
    "cp949.csv": (H.encode() + "3,4,5,1,상자\n".encode("cp949"), "line 2: byte 0xbb: expected UTF-8 text: save it as"),
    "binary.csv": (b"length\0width", "line 1: byte 0x00: expected UTF-8 text, not a binary file"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\0\0", "line 1: byte 0x89: expected UTF-8 text"),
    # CSV: the numbers
    "word.csv": (H + "3,four,5,1,box\n", "line 2: width 'four': expected a number above 0, such as 35, 3.5 or 350mm"),
    "none.csv": (H + "3,4,,1,box\n", "line 2: height '': expected a number above 0, such as 35, 3.5 or 350mm"),
    "minus.csv": (H + "# c\n\n-3,4,5,1,box\n", "line 4: length '-3': expected a number above 0, such as 35,"),
    "zero.csv": (H + "3,0,5,1,box\n", "line 2: width '0': expected a number above 0"),
    "nan.csv": (H + "3,nan,5,1,box\n", "line 2: width 'nan': expected a number above 0"),
    "inf.csv": (H + "inf,4,5,1,box\n", "line 2: length 'inf': expected a number above 0"),
    "huge.csv": (H + "3,4,1e15,1,box\n", "line 2: height '1e15': 1e+15 cells, expected at most 1000000"),
    "digits.csv": (H + f"3,4,{HUGE},1,box\n", "line 2: height '99999"),
    "exponent.csv": (H + "3,4,1e999999999,1,box\n", "line 2: height '1e999999999': expected a number above 0"),
    "hex.csv": (H + "0x10,4,5,1,box\n", "line 2: length '0x10': expected a number above 0"),
    "underscore.csv": (H + "1_0,4,5,1,box\n", "line 2: length '1_0': expected a number above 0"),
    "float.csv": (H + "3.5,4,5,1,box\n", "line 2: length '3.5': expected a whole number of cells (or a cell size"),
    "unit.csv": (H + "30mm,4,5,1,box\n", "line 2: length '30mm': expected a cell size beside the unit mm (such as"),
    "ell.csv": (H + "3ells,4,5,1,box\n", "line 2: length '3ells': unknown unit 'ells', expected mm, cm, dm, m or in"),
    "column.csv": ("length,width,height,unit\n3,4,5,ell\n", "line 2: unit 'ell': expected mm, cm, dm, m or in"),
    "no_quantity.csv": (H + "3,4,5,0,box\n", "line 2: every quantity is 0, expected at least one item"),
    "half.csv": (H + "3,4,5,1.5,box\n", "line 2: quantity '1.5': expected a whole number from 0 up"),
    "owed.csv": (H + "3,4,5,-1,box\n", "line 2: quantity '-1': expected a whole number from 0 up"),
    "pieces.csv": (H + "3,4,5,2cm,box\n", "line 2: quantity '2cm': expected a whole number from 0 up"),
    "blank_quantity.csv": (H + "3,4,5,,box\n", "line 2: quantity '': expected a whole number from 0 up"),
    "lots.csv": (
        H + "3,4,5,1,b\n3,4,5,1000000000,b\n",
        "line 3: quantity '1000000000': 1000000001 items so far, expected",
    ),
    # JSON
    "empty.json": ("", "line 1: Expecting value at column 1 of '': expected JSON"),
    "syntax.json": ('{"items": [\n{"length": 3,}\n]}', "line 2: "),
    "end.json": ('{"items": [\n', "line 2: Expecting value at column 1 of '': expected JSON"),
    "list.json": ("[1, 2]", 'line 1: [1, 2]: expected {"items": [...]}'),
    "key.json": ('{"things": []}', "line 1: {'things': []}: expected {\"items\": [...]}"),
    "extra.json": ('{"items": [], "colour": 1}', "line 1: unknown key 'colour': expected items, unit, bin"),
    "none.json": ('{"items": []}', "line 1: items []: expected a list of at least one item"),
    "object.json": ('{"items": {"length": 3}}', "line 1: items {'length': 3}: expected a list of at least one item"),
    "scalar.json": ('{"items": [\n3]}', "line 2: 3: expected an object with length, width and height"),
    "short.json": (
        '{"items": [\n\n{"length": 3, "width": 4}]}',
        "line 3: 'height' is missing in {'length': 3, 'width': 4}",
    ),
    "typo.json": (
        '{"items": [{"lenght": 3}]}',
        "line 1: unknown key 'lenght': expected length, width, height, quantity",
    ),
    "bool.json": (
        '{"items": [{"length": true, "width": 4, "height": 5}]}',
        "line 1: length True: expected a number above",
    ),
    "null.json": (
        '{"items": [{"length": null, "width": 4, "height": 5}]}',
        "line 1: length None: expected a number above",
    ),
    "nested.json": (
        '{"items": [{"length": [3], "width": 4, "height": 5}]}',
        "line 1: length [3]: expected a number above",
    ),
    "nan.json": (
        '{"items": [{"length": NaN, "width": 4, "height": 5}]}',
        "line 1: length nan: expected a number above 0",
    ),
    "inf.json": (
        '{"items": [{"length": 1e999, "width": 4, "height": 5}]}',
        "line 1: length inf: expected a number above 0",
    ),
    "digits.json": (f'{{"items": [{{"length": {HUGE}, "width": 4, "height": 5}}]}}', "line 1: Exceeds the limit"),
    "deep.json": ("[" * 100_000, "line 1: "),
    "name.json": ('{"items": [{"length": 3, "width": 4, "height": 5, "name": 7}]}', "line 1: name 7: expected text"),
    "quantity.json": (
        '{"items": [{"length": 3, "width": 4, "height": 5, "quantity": true}]}',
        "line 1: quantity True: expected a whole number from 0 up",
    ),
    "upright.json": (
        '{"items": [\n{"length": 3, "width": 4, "height": 5, "upright": [1, 0, 1]}]}',
        "line 2: upright [1, 0, 1]: expected three of true or false",
    ),
    "lying.json": (
        '{"items": [\n{"length": 3, "width": 4, "height": 5, "upright": [false, false, false]}]}',
        "line 2: upright [False, False, False]: expected at least one edge that may stand upright",
    ),
    "unit.json": ('{"unit": 7, "items": [{}]}', "line 1: unit 7: expected mm, cm, dm, m or in"),
    "bin.json": ('{"bin": [1, 2], "items": [{}]}', "line 1: bin [1, 2]: expected three edges, such as 110x110x100"),
    # OR-Library
    "empty.txt": (" \n\n", "line 1: the file is empty, expected an OR-Library container loading problem"),
    "prose.txt": ("dear reader\n", "line 1: 'dear reader': expected the header length,width,height"),
    "long.txt": ("1 word too many\n", "line 1: '1 word too many': expected a problem's number and seed"),
    "named.txt": ("1\nx 5\n4 4 4\n", "line 2: problem number 'x': expected a whole number from 1 up"),
    "seed.txt": ("1 x\n", "line 1: seed 'x': expected a whole number from 0 up"),
    "alone.txt": ("1\n", "line 1: the file ends here, expected the container's length, width and height next"),
    "types.txt": ("1 5\n10 10 10\n", "line 2: the file ends here, expected the number of item types next"),
    "two_edges.txt": (
        "1 5\n10 10\n",
        "line 2: 2 numbers '10 10': expected 3 (the container's length, width and height)",
    ),
    "no_edge.txt": ("1 5\n10 0 10\n", "line 2: container ['10', '0', '10']: edge '0': expected a number above 0"),
    "no_types.txt": ("1 5\n10 10 10\n0\n", "line 3: number of item types '0': expected a whole number from 1 up"),
    "flag.txt": (ORLIB.replace("4 1", "4 2", 1), "line 5: flag '2': expected 0 or 1 (may this edge stand upright)"),
    "flags.txt": (
        "1 5\n9 9 9\n1\n1 5 0 4 0 3 0 2\n",
        "line 4: upright (False, False, False): expected at least one edge",
    ),
    "edge.txt": (ORLIB.replace(" 5 1", " z 1", 1), "line 5: length 'z': expected a number above 0"),
    "count.txt": (ORLIB.replace("1 2\n", "1 0\n", 1), "line 5: every quantity is 0, expected at least one item"),
    "other.txt": (ORLIB.replace(" 1 55", " 7 55"), "problem 1: no such problem, expected one of 7, 2"),
    # other kinds
    "parcels.xlsx": ("PK", "unknown kind of file '.xlsx', expected .csv, .json, .npz, or .txt (OR-Library)"),
    "text.npz": (H, "not an .npz file (or cut short): expected arrays edges, [quantity], [names], [upright], [unit]"),
    "head.npz": (b"PK\x03\x04" + bytes(60), "not an .npz file (or cut short): expected arrays edges"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_answered_in_one_line(tmp_path, monkeypatch, name):
    content, words = BAD_FILES[name]
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name, content)
    with pytest.raises(InstanceError) as error:
        read_catalogue(name)
    message = one_line(error)
    assert message.startswith(f"{name}: {words}")
    assert "expected" in message and len(message) < 300
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "empty.csv",
            "empty.csv: line 1: the file is empty, expected the header length,width,height[,quantity,name,unit]",
        ),
        ("word.csv", "word.csv: line 2: width 'four': expected a number above 0, such as 35, 3.5 or 350mm"),
        (
            "float.csv",
            "float.csv: line 2: length '3.5': expected a whole number of cells (or a cell size, such as --cell 50mm)",
        ),
        ("half.csv", "half.csv: line 2: quantity '1.5': expected a whole number from 0 up"),
        (
            "lots.csv",
            "lots.csv: line 3: quantity '1000000000': 1000000001 items so far, expected at most 10000 in all",
        ),
        (
            "latin.csv",
            "latin.csv: line 3: byte 0xf6: expected UTF-8 text: save it as UTF-8, or have pack read it with --encoding "
            "(such as cp949 for Korean, latin-1, utf-16-le)",
        ),
        ("flag.txt", "flag.txt: line 5: flag '2': expected 0 or 1 (may this edge stand upright)"),
        ("other.txt", "other.txt: problem 1: no such problem, expected one of 7, 2"),
    ],
)
def test_the_whole_line(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name, BAD_FILES[name][0])
    with pytest.raises(InstanceError) as error:
        read_catalogue(name)
    assert one_line(error) == message


EDGES = np.array([[3, 4, 5]])
BAD_ARRAYS = [
    ({"quantity": np.array([1])}, "no array 'edges' among quantity: expected edges, [quantity]"),
    ({"items": EDGES}, "no array 'edges' among items"),
    (
        {"edges": EDGES, "weight": EDGES},
        "unknown array 'weight': expected edges, [quantity], [names], [upright], [unit]",
    ),
    (
        {"edges": np.array([[3, 4, 5]], dtype=object)},
        "array 'edges' cannot be read (Object arrays cannot be loaded when",
    ),
    ({"edges": EDGES[:, :2]}, "edges has shape (1, 2) of int64: expected shape (M, 3) of numbers, M from 1 to 10000"),
    ({"edges": EDGES[:0]}, "edges has shape (0, 3) of int64: expected shape (M, 3) of numbers"),
    ({"edges": EDGES > 3}, "edges has shape (1, 3) of bool: expected"),
    ({"edges": EDGES.astype(str)}, "edges has shape (1, 3) of <U21: expected"),
    ({"edges": -EDGES}, "edges[0]: length -3: expected a number above 0"),
    ({"edges": EDGES * np.nan}, "edges[0]: length nan: expected a number above 0"),
    ({"edges": EDGES * 1.1}, "edges[0]: length 3.3000000000000003: expected a whole number of cells"),
    (
        {"edges": EDGES, "quantity": np.array([1, 2])},
        "quantity has shape (2,) of int64: expected shape (1,) of integers",
    ),
    (
        {"edges": EDGES, "quantity": np.array([1.0])},
        "quantity has shape (1,) of float64: expected shape (1,) of integers",
    ),
    ({"edges": EDGES, "quantity": np.array([0])}, "edges[0]: every quantity is 0, expected at least one item"),
    ({"edges": EDGES, "names": np.array([1])}, "names has shape (1,) of int64: expected shape (1,) of text"),
    ({"edges": EDGES, "upright": EDGES}, "upright has shape (1, 3) of int64: expected shape (1, 3) of booleans"),
    ({"edges": EDGES, "upright": EDGES > 9}, "edges[0]: upright [False, False, False]: expected at least one edge"),
    ({"edges": EDGES, "unit": np.array("ell")}, "unit 'ell': expected mm, cm, dm, m or in"),
]


@pytest.mark.parametrize(("arrays", "words"), BAD_ARRAYS)
def test_bad_arrays_are_answered_in_one_line(tmp_path, arrays, words):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(InstanceError) as error:
        read_catalogue(path)
    assert one_line(error).startswith(f"{path}: {words}")


def test_an_npz_cut_short_anywhere_is_answered_in_one_line(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez_compressed(path, edges=EDGES.repeat(50, axis=0), quantity=np.arange(1, 51))
    data = path.read_bytes()
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        with pytest.raises(InstanceError) as error:
            read_catalogue(path)
        assert one_line(error).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        *((same, None) for same in ("utf-8", "utf-8-sig", "utf-16")),
        *((same, same) for same in ("utf-8", "cp949", "euc-kr", "utf-16-le", "utf-32")),
    ],
)
def test_text_in_another_encoding_is_read_where_it_is_known(tmp_path, encoding, named):
    name = "상자 1호"
    (tmp_path / "items.csv").write_bytes(f"length,width,height,name\n3,4,5,{name}\n".encode(encoding))
    assert read_catalogue(tmp_path / "items.csv", encoding=named).names == (name,)


@given(st.text(st.characters(categories=["L"]), min_size=1), st.sampled_from(["cp949", "latin-1", "shift_jis", "gbk"]))
def test_no_text_is_ever_read_as_other_letters(tmp_path_factory, name, encoding):
    name = name.encode(encoding, "ignore").decode(encoding).strip() or "box"
    path = tmp_path_factory.getbasetemp() / "other.csv"
    path.write_bytes(f"length,width,height,name\n3,4,5,{name}\n".encode(encoding))
    try:
        read = read_catalogue(path).names[0]
    except InstanceError as error:
        assert "--encoding" in str(error)
    else:
        # bytes that are UTF-8 as well say no letters but those
        assert read == name.encode(encoding).decode().strip()


@pytest.mark.parametrize("encoding", ["klingon", "hex", "", "utf-16", "ascii"])
def test_an_encoding_that_is_none_or_not_the_files_is_answered(tmp_path, encoding):
    (tmp_path / "items.csv").write_bytes("length,width,height,name\n3,4,5,é\n".encode()[:-1])
    with pytest.raises(InstanceError, match=r"items\.csv: .*(encoding|expected UTF-8|no items)"):
        read_catalogue(tmp_path / "items.csv", encoding=encoding)


def test_what_is_no_file_is_answered_in_one_line(tmp_path):
    folder = tmp_path / "items.csv"
    folder.mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    big = tmp_path / "big.csv"
    with big.open("wb") as file:
        file.truncate(20_000_001)
    answers = {
        folder: "is a folder, expected a file of items",
        tmp_path / "none.csv": "no such file",
        tmp_path / "pipe.csv": "is not a regular file, expected a file of items",
        tmp_path / ("n" * 300 + ".csv"): "cannot be read (File name too long)",
        big: "20000001 bytes, expected at most 20000000",
    }
    for path, words in answers.items():
        with pytest.raises(InstanceError) as error:
            read_catalogue(path)
        assert one_line(error) == f"{path}: {words}"
    with pytest.raises(InstanceError) as error:
        read_catalogue(tmp_path / "two\nlines.csv")
    assert one_line(error) == f"{tmp_path}/two lines.csv: no such file"


def test_bad_arguments_are_answered_in_one_line(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text(ORLIB)
    for arguments, words in (
        ({"problem": 3}, f"{path}: problem 3: no such problem, expected one of 1, 2"),
        ({"problem": 0}, "problem 0: expected a whole number from 1 up"),
        ({"cell": "5"}, "cell '5': a unit is missing, expected mm, cm, dm, m or in, as in 50mm"),
        ({"cell": 0.0}, "cell 0.0: expected a length above 0 with its unit, such as 50mm or 5cm"),
        ({"cell": "1mm", "unit": "parsec"}, "unit 'parsec': expected mm, cm, dm, m or in"),
        (
            {"cell": "2m"},
            f"{path}: line 3: container ['10', '10', '10']: edge '10' has 0 cells of 2000mm, expected 1 to 1000",
        ),
    ):
        with pytest.raises(InstanceError) as error:
            read_catalogue(path, **arguments)
        assert one_line(error).startswith(words)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([".csv", ".json", ".npz", ".txt", ""]), st.data())
def test_no_file_ever_raises_anything_else(tmp_path_factory, suffix, data):
    good = {
        ".csv": H + "3,4,5,1,box\n3,4,5,2,box\n",
        ".json": '{"items": [{"length": 3, "width": 4, "height": 5, "upright": [true, false, true]}], "bin": "9x9x9"}',
    }.get(suffix, ORLIB)
    text = bytearray(good.encode())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        text = text or bytearray(b" ")
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(bytes(text))
    try:
        catalogue = read_catalogue(path, cell=data.draw(st.sampled_from([None, "7mm"])))
    except InstanceError as error:
        assert str(error).startswith(f"{path}: ") and len(str(error).splitlines()) == 1
    else:
        assert (catalogue.edges >= 1).all() and catalogue.total <= MAX_ITEMS


# ---------------------------------------------------------------------------------------------------------- catalogues


def test_catalogues_made_by_hand_are_checked():
    plain = Catalogue([[1, 2, 3], [4, 5, 6]])
    assert plain.quantity.tolist() == [1, 1] and plain.names == ("item 1", "item 2") and plain.upright.all()
    assert not plain.edges.flags.writeable
    for arguments, words in (
        (([],), "catalogue: edges has shape (0,)"),
        ((3,), "catalogue: edges has shape ()"),
        (([[1, 2, 0]],), "catalogue: edges 0: expected numbers from 1 to 1000000"),
        (([[1.0, 2, 3]],), "catalogue: edges has shape (1, 3) of float64: expected shape (1, 3) of integers"),
        ((np.zeros((0, 3), int),), "catalogue: no items: expected at least one"),
        (([[1, 2, 3]], [0]), "catalogue: quantity 0: expected numbers from 1"),
        (([[1, 2, 3]], [10_001]), "catalogue: 10001 items in all: expected at most 10000"),
        (([[1, 2, 3]], [1], ("a", "b")), "catalogue: 2 names and 0 places: expected 1"),
        (
            ([[1, 2, 3]], [1], ("a",), [[1, 1, 1]]),
            "catalogue: upright has shape (1, 3) of int64: expected shape (1, 3) of bool",
        ),
    ):
        with pytest.raises(InstanceError) as error:
            Catalogue(*arguments)
        assert one_line(error).startswith(words)


def test_korea_post():
    boxes = korea_post()
    sizes = [(22, 19, 9), (27, 18, 15), (35, 25, 10), (34, 25, 21), (41, 31, 28), (48, 38, 34)]
    assert boxes.edges.tolist() == [list(size) for size in sizes]
    assert boxes.names == ("No.1", "No.2", "No.2-1", "No.3", "No.4", "No.5") and boxes.total == 6
    assert korea_post("5cm").edges.tolist() == [[-(-edge // 5) for edge in size] for size in sizes]
    parcels = korea_post_parcels()
    assert parcels.total == 88 and 1.2 < parcels.volume / math.prod(KOREA_POST_PALLET) < 1.4
    with resources.as_file(resources.files("binpack.items") / "korea_post.csv") as path:
        assert read_catalogue(path, cell="1cm").edges.tolist() == boxes.edges.tolist()
    check_fits(korea_post("5cm"), parse_bin(KOREA_POST_PALLET, "5cm"), "none")


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(*[st.integers(1, 9)] * 3),
    st.lists(st.booleans(), min_size=3, max_size=3).filter(any),
    st.tuples(*[st.integers(1, 9)] * 3),
    st.sampled_from(sorted(ROTATIONS)),
)
def test_fits_tries_every_permitted_orientation(edges, upright, bin_size, rotation):
    expected = False
    for order in ORIENTATIONS[: ROTATIONS[rotation]]:
        turned = [edges[axis] for axis in order]
        expected |= upright[order[2]] and all(edge <= room for edge, room in zip(turned, bin_size, strict=True))
    assert fits(np.array([edges]), np.array([upright]), bin_size, rotation).tolist() == [expected]
    catalogue = Catalogue(
        [(1, 1, 1), edges], upright=[[True] * 3, upright], source="a.csv", places=("line 2", "line 5")
    )
    if expected:
        check_fits(catalogue, bin_size, rotation)
    else:
        with pytest.raises(InstanceError) as error:
            check_fits(catalogue, bin_size, rotation)
        sizes = ["x".join(map(str, size)) for size in (edges, bin_size)]
        words = f"a.csv: line 5 (item 2): item {sizes[0]} fits the bin {sizes[1]} in no permitted orientation (rotation"
        assert one_line(error).startswith(words)


def bomb(path, name: str, shape: tuple[int, ...], *, whole: bool) -> None:
    """Write an .npz file of some kB with an array of zeros that is large, or whose header only says so."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as file:
        file.write(header.getvalue())
        for _ in range(np.prod(shape) * 4 // 2**20 if whole else 0):
            file.write(bytes(2**20))


@pytest.mark.parametrize("whole", [True, False])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_is_read(tmp_path, monkeypatch, whole):
    monkeypatch.setattr(catalogue, "MAX_UNPACKED", 2**24)
    monkeypatch.setattr(streams, "MAX_UNPACKED", 2**24)
    monkeypatch.setattr(np, "load", None)
    for name, shape, read in (("edges", (2**21, 3), read_catalogue), ("items", (8, 2**18, 3), Streams.load)):
        path = tmp_path / f"{name}.npz"
        bomb(path, name, shape, whole=whole)
        assert path.stat().st_size < 10**5
        with pytest.raises(InstanceError, match=rf"{name}.npz: unpacks to arrays of 24 MiB: expected at most 16 MiB$"):
            read(path)


def test_what_is_refused_is_gigabytes_and_no_file_of_ours():
    assert catalogue.MAX_UNPACKED == 256 * 2**20 and streams.MAX_UNPACKED == 2**31


@pytest.mark.parametrize(("given", "cells"), [('"48x40x60in"', 31), ('"120x100x150cm"', 12), ("[120, 100, 150]", 12)])
def test_bare_numbers_of_a_json_file_have_the_unit_of_its_bin(tmp_path, given, cells):
    (tmp_path / "f.json").write_text(f'{{"bin": {given}, "items": [{{"length": 12, "width": 12, "height": 12}}]}}')
    catalogue = read_catalogue(tmp_path / "f.json", cell="1cm")
    assert catalogue.edges.tolist() == [[cells] * 3] and catalogue.bare == given.startswith("[")


@pytest.mark.parametrize(
    "text", ["length width height\n3 2 1\n", "Dear all,\nthese are our boxes: 3 by 2 by 1\n", "길이 폭\n"]
)
def test_a_text_that_is_neither_table_nor_problem_is_answered_with_what_it_could_be(tmp_path, text):
    (tmp_path / "f.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InstanceError, match=r"f.txt: line 1: '.*': expected the header length,width,height.* with"):
        read_catalogue(tmp_path / "f.txt")
