"""CSV files as spreadsheets write them, against what their owners meant."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binpack.items.catalogue import read_catalogue
from binpack.items.spreadsheet import parse_columns, read_rows
from binpack.items.units import InstanceError

EXCEL = Path(__file__).parents[1] / "cases" / "excel.csv"


def edges(text: str, **more) -> list[tuple]:
    """Return edges, quantity and name of each row, and the notes."""
    rows, notes = read_rows(text, "f.csv", **more)
    return [(*row.edges, row.quantity, row.name) for row in rows], list(notes)


def test_the_file_of_the_issue():
    catalogue = read_catalogue(EXCEL, cell="5cm")
    assert catalogue.edges.tolist() == [[7, 4, 4], [40, 2, 2]] and catalogue.quantity.tolist() == [3, 1]
    assert catalogue.names == ("A-1", "A-3") and catalogue.places == ("line 2", "line 4")
    assert catalogue.notes == (
        f"{EXCEL}: ignored the column 'Weight kg'",
        f"{EXCEL}: line 3 (A-2): skipped, its quantity is 0",
    )


@pytest.mark.parametrize(
    "header",
    [
        *("length,width,height", "Length,Width,Height", " LENGTH , WIDTH , HEIGHT ", "L,W,H", "l,w,h", "len,wid,hgt"),
        *("길이,너비,높이", "길이,폭,높이", "가로,세로,높이", "Länge,Breite,Höhe", "longueur,largeur,hauteur"),
        *(
            "Length (cm),Width (cm),Height (cm)",
            "L_cm,W_cm,H_cm",
            "length_cm,width_cm,height_cm",
            "L [cm],W [cm],H [cm]",
        ),
        *(
            "Length in cm,Width in cm,Height in cm",
            "Length/cm,Width/cm,Height/cm",
            "Länge in cm,Breite in cm,Höhe in cm",
        ),
        *(
            "길이(cm),폭(cm),높이(cm)",
            "길이(㎝),폭(㎝),높이(㎝)",
            "길이（cm）,폭（cm）,높이（cm）",
            "Length. cm,Width. cm,Height. cm",
        ),
        *(
            "Item Length,Item Width,Item Height",
            "box_length,box_width,box_height",
            "Outer-Length,Outer-Width,Outer-Height",
        ),
        *("length,width,depth", "depth,width,height", "length,depth,height", "D,W,H", "Length (outside),Width,Height"),
    ],
)
def test_usual_headings_are_known(tmp_path, header):
    (tmp_path / "items.csv").write_text(f"{header}\n30,20,10\n", encoding="utf-8")
    catalogue = read_catalogue(tmp_path / "items.csv", cell="1cm")
    assert catalogue.edges.tolist() == [[30, 20, 10]] and catalogue.notes == ()


@pytest.mark.parametrize(
    ("unit", "cells"),
    [
        ("mm", 1),
        ("millimeters", 1),
        ("cm", 1),
        ("CM", 1),
        ("dm", 3),
        ("m", 30),
        ("in", 1),
        ("inch", 1),
        ('""', 1),
        ("㎜", 1),
    ],
)
def test_units_in_headings_hold_for_their_columns(tmp_path, unit, cells):
    header = f'"Length ({unit})","Width (cm)","Height"\n3,30,30cm\n'
    (tmp_path / "items.csv").write_text(header, encoding="utf-8")
    assert read_catalogue(tmp_path / "items.csv", cell="10cm").edges.tolist() == [[cells, 3, 3]]


def test_a_unit_beside_a_number_goes_before_the_rows_and_that_before_the_headings(tmp_path):
    (tmp_path / "items.csv").write_text("L_cm,W_cm,H_cm,unit\n1,1,1,m\n1,1,50mm,\n1dm,1,1,m\n")
    assert read_catalogue(tmp_path / "items.csv", cell="1cm").edges.tolist() == [[100] * 3, [1, 1, 5], [10, 100, 100]]


@pytest.mark.parametrize(
    "heading", ["qty", "Qty.", "QTY", "Quantity", "count", "pcs", "Menge", "Stück", "수량", "No. of boxes"]
)
@pytest.mark.parametrize("name", ["name", "Name", "Item", "SKU", "품명", "Description", "Article", "코드"])
def test_usual_headings_of_quantity_and_name(heading, name):
    assert edges(f"L,W,H,{heading},{name}\n3,2,1,4,box\n") == ([("3", "2", "1", "4", "box")], [])


def test_columns_that_nobody_asked_for_are_named_in_one_line():
    rows, notes = edges("Weight kg,SKU,name,L,W,H,,Colour\n2.5,A-1,box,3,2,1,,red\n")
    assert rows == [("3", "2", "1", 1, "box")]
    assert notes == ["f.csv: ignored the columns 'Weight kg', 'SKU', 'Colour'"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("comma", [False, True])
def test_separators_marks_and_decimals(tmp_path, separator, mark, end, comma):
    table = [["L", "W", "H", "qty", "name"], ["30.5", "20.0", "15.25", "3.0", "a, b; c"], ["1", "2", "3", "4", "d"]]
    if comma:
        table[1][:4] = [cell.replace(".", ",") for cell in table[1][:4]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(table)
    (tmp_path / "items.csv").write_bytes((mark + text.getvalue()).encode())
    catalogue = read_catalogue(tmp_path / "items.csv", cell="5mm")
    assert catalogue.edges.tolist() == [[61, 40, 31], [2, 4, 6]]
    assert catalogue.quantity.tolist() == [3, 4] and catalogue.names == ("a, b; c", "d")


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["30,5", "1.234,5"], ["30.5", "1234.5"]),
        (["30,5", "1.234.567,5cm"], ["30.5", "1234567.5cm"]),
        (["30,5", "12.5"], ["30.5", "12.5"]),
        (["1,234.5", "30"], ["1234.5", "30"]),
        (["1,234.5", "2,000"], ["1234.5", "2000"]),
        (["12,500", "3"], ["12.500", "3"]),
        (["12.500", "3.5"], ["12.500", "3.5"]),
        (["30,5 cm", ",5"], ["30.5 cm", ".5"]),
        (["two", "3,4,5"], ["two", "3,4,5"]),
    ],
)
def test_numbers_of_a_file_with_semicolons(cells, read):
    rows, _ = edges("L;W;H\n" + "".join(f"{cell};1;1\n" for cell in cells))
    assert [row[0] for row in rows] == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('L,W,H\n"12,500",1,1\n', "line 2: length '12,500': thousands or decimals? expected 12500 or 12.500"),
        ("L\tW\tH\n12,500\t1\t1\n", "line 2: length '12,500': thousands or decimals?"),
        ("L;W;H\n1.200;800;600\n", "line 2: length '1.200': thousands or decimals? expected 1200 or 1,200"),
        (
            "L;W;H\n1,5;1.200;1\n",
            "line 2: width '1.200': thousands, or decimals as elsewhere with a comma? expected 1200 or 1,200",
        ),
        ("Length (ft),W,H\n1,1,1\n", "line 1: unit 'ft' of the length in 'Length (ft)': expected mm, cm, dm, m or in"),
        ("L,W,H_feet\n1,1,1\n", "line 1: unit 'feet' of the height in 'H_feet'"),
        ("Inner length,Box inner length,W,H\n1,1,1,1\n", "column 'length' is missing"),
        ("item length,box length,W,H\n1,1,1,1\n", "the columns 'item length' and 'box length' both say length: choose"),
        ("L,W,H,L\n1,1,1,1\n", "line 1: repeated column 'L'"),
        ("A,B,C\n1,1,1\n", "column 'length' is missing in 'A,B,C': expected the header length,width,height[,quantity,"),
        ("A,B,C\n1,1,1\n", "or pack --columns length=HEADING"),
        ("L,W,H\n,,\nTotal,,\n", "line 3: length 'Total'"),
        ("name,L,W,H\nTotal,,,\n", "line 2: no row has edges, expected at least one"),
    ],
)
def test_what_cannot_be_told_is_asked(tmp_path, text, words):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(InstanceError) as error:
        read_catalogue(tmp_path / "f.csv", cell="1cm")
    assert words in str(error.value) and len(str(error.value).splitlines()) == 1


def test_lines_of_a_spreadsheet_that_are_no_items():
    text = "sep=;\r\nname;L;W;H;qty\r\nbox;3;2;1;4\r\n;;;;\r\nTotal;;;;4\r\n;;;;;;\r\n"
    assert edges(text) == ([("3", "2", "1", "4", "box")], ["f.csv: line 5: skipped 'Total, 4', which has no edges"])
    assert edges("#,L,W,H\n# a comment\n1,3,2,1\n") == (
        [("3", "2", "1", 1, "")],
        ["f.csv: ignored the column '#'"],
    )


def test_columns_are_named_where_guessing_fails():
    text = "A;B;C;length;D;E\n1;2;3;9;box;7\n"
    named = parse_columns("length=A, width=b,height=C,name=D")
    assert named == {"length": "A", "width": "b", "height": "C", "name": "D"}
    assert edges(text, columns=named) == (
        [("1", "2", "3", 1, "box")],
        ["f.csv: ignored the columns 'length', 'E'"],
    )
    # the others are guessed as ever
    assert edges("X,W,H,qty\n1,2,3,4\n", columns={"length": "X"})[0] == [("1", "2", "3", "4", "")]
    assert edges("Box length,Item length,W,H\n1,2,3,4\n", columns={"length": "item length"})[0][0][:3] == (
        "2",
        "3",
        "4",
    )
    with pytest.raises(
        InstanceError, match=r"line 1: no column 'Z' in 'A,B,C,length,D,E': expected the length's heading"
    ):
        edges(text, columns={"length": "Z"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected such as length=L,width=W,height=H"),
        ("L", "expected such as length=L"),
        ("length=", "expected such as length=L"),
        ("depth=D", "'depth' is not one of length, width, height, quantity, name, unit"),
        ("length=L,length=M", "'length' is twice"),
    ],
)
def test_columns_that_cannot_be_understood_are_answered(text, words):
    with pytest.raises(InstanceError) as error:
        parse_columns(text)
    assert words in str(error.value)


NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=8).map(str.strip)
NUMBERS = st.decimals(min_value="0.01", max_value="999999", places=2)


@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, st.integers(1, 9), NAMES), min_size=1, max_size=4),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    grouped=st.booleans(),
)
def test_what_a_spreadsheet_writes_is_read_exactly(rows, separator, comma, grouped):
    def written(number) -> str:
        text = f"{number:,.2f}" if grouped else f"{number:.2f}"
        return text.translate(str.maketrans(",.", ".,")) if comma else text

    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["Length (mm)", "Width (mm)", "Height (mm)", "Qty", "Name"])
    writer.writerows([*map(written, row[:3]), row[3], row[4]] for row in rows)
    found, notes = read_rows(text.getvalue(), "f.csv")
    assert [tuple(map(float, row.edges)) for row in found] == [tuple(map(float, row[:3])) for row in rows]
    assert [(row.quantity, row.units) for row in found] == [(str(row[3]), ("mm",) * 3) for row in rows]
    assert notes == ()


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        *(("1 200", "1200"), ("1\u00a0200", "1200"), ("1\u202f200", "1200"), ("12 345 678", "12345678")),
        *(("1'200", "1200"), ("1’200 mm", "1200 mm"), ("１２", "12"), ("12 mm", "12 mm")),
        # no marks between thousands
        *(("1 20", "1 20"), ("1 2000", "1 2000"), ("0.5", "0.5")),
    ],
)
def test_blanks_between_thousands_and_wide_digits_are_read(cell, number):
    assert edges(f"L;W;H;Stückzahl\n{cell};1;1;2\n")[0] == [(number, "1", "1", "2", "")]


def test_points_that_cannot_be_thousands_are_decimal_ones_beside_semicolons():
    assert edges("L;W;H\n1.200;8.5;0.600\n")[0] == [("1.200", "8.5", "0.600", 1, "")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "above",
    [
        ["Packing list"],
        ["Order 4711 / 2 boxes", ""],
        ["Date{s}2024-01-02{s}{s}", "Customer{s}A, B & C{s}{s}"],
        ["Dimensions (cm){s}{s}{s}"],
    ],
)
def test_a_title_above_the_header_is_passed_over_and_said(separator, above):
    lines = [line.format(s=separator) for line in above]
    text = "\n".join([*lines, separator.join(("Item", "Length", "Width", "Height")), separator.join("a321")])
    rows, notes = edges(text)
    assert rows == [("3", "2", "1", 1, "a")]
    assert len(notes) == 1 and notes[0].startswith(f"f.csv: skipped '{lines[0].split(separator)[0]}")
    assert notes[0].endswith(f"above the header in line {len(lines) + 1}")


def test_unicode_text_of_excel_is_read_below_a_title(tmp_path):
    text = "Packing list\r\n\r\n품명\t길이 (cm)\t폭 (cm)\t높이 (cm)\t수량\r\n상자\t30,5\t20\t10\t3\r\n"
    (tmp_path / "list.txt").write_text(text, encoding="utf-16", newline="")
    catalogue = read_catalogue(tmp_path / "list.txt", cell="5mm")
    assert (catalogue.edges.tolist(), catalogue.quantity.tolist(), catalogue.names) == ([[61, 40, 20]], [3], ("상자",))


def test_headings_that_are_named_are_found_below_a_title():
    named = {"length": "A", "width": "B", "height": "C"}
    assert edges("Our boxes\nA;B;C\n3;2;1\n", columns=named)[0] == [("3", "2", "1", 1, "")]
    with pytest.raises(InstanceError, match="line 1: no column 'A' in 'L,W,H'"):
        edges("L;W;H\n3;2;1\n", columns=named)


@pytest.mark.parametrize("below", ["cm,cm,cm", "[cm],(CM),centimeters", "cm,cm,cm."])
def test_units_in_the_line_below_the_headings_hold_for_their_columns(tmp_path, below):
    (tmp_path / "f.csv").write_text(f"Item,L,W,H,Qty\n,{below},pcs\nbox,30,20,10,2\n")
    catalogue = read_catalogue(tmp_path / "f.csv", cell="10mm", unit="m")
    assert catalogue.edges.tolist() == [[30, 20, 10]] and (catalogue.units, catalogue.bare) == (("cm",), False)
    (tmp_path / "f.csv").write_text("L,W,H\nft,ft,ft\n3,2,1\n")
    with pytest.raises(InstanceError, match="line 2: unit of the length 'ft': expected mm, cm, dm, m or in"):
        read_catalogue(tmp_path / "f.csv", cell="10mm")


@pytest.mark.parametrize("word", ["pcs", "PCS", " pcs", " Stück", " ea", "개수", " шт"])
def test_a_word_for_pieces_behind_a_quantity_is_read_over(word):
    assert edges(f"L,W,H,qty\n3,2,1,12{word}\n")[0] == [("3", "2", "1", "12", "")]
    assert edges("L,W,H,qty\n3,2,1,12 kg\n")[0] == [("3", "2", "1", "12 kg", "")]  # which is refused later on


@pytest.mark.parametrize(
    ("cell", "cells"),
    [
        *(('12"', 305), ("12''", 305), ("12″", 305), ("12 inch", 305), ("12 Inches", 305), ("12in", 305)),
        *(("2 meters", 2000), ("3 centimetres", 30), ("7cms", 70), ("25millimeters", 25), ("30센티미터", 300)),
    ],
)
def test_units_beside_numbers_have_the_spellings_of_headings(tmp_path, cell, cells):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["L", "W", "H"], [cell, cell, cell]])
    (tmp_path / "f.csv").write_text(text.getvalue(), encoding="utf-8")
    assert read_catalogue(tmp_path / "f.csv", cell="1mm").edges.tolist() == [[cells] * 3]
    unit = cell.lstrip("0123456789 ")
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["L", "W", "H", "unit"], [cell.removesuffix(unit)] * 3 + [unit]])
    (tmp_path / "f.csv").write_text(text.getvalue(), encoding="utf-8")
    assert read_catalogue(tmp_path / "f.csv", cell="1mm").edges.tolist() == [[cells] * 3]


@pytest.mark.parametrize("header", ["itemLength,itemWidth,itemHeight,itemQty", "LengthCM,WidthCm,HeightCM,QTY"])
def test_headings_of_programs_are_known(header):
    assert edges(f"{header}\n3,2,1,4\n") == ([("3", "2", "1", "4", "")], [])


@pytest.mark.parametrize(
    "header",
    [
        *("Długość;Szerokość;Wysokość;Ilość;Nazwa", "Длина;Ширина;Высота;Количество;Наименование"),
        *("Lunghezza;Larghezza;Altezza;Quantità;Descrizione", "délka;šířka;výška;množství;název"),
    ],
)
def test_headings_of_more_languages_are_known(header):
    assert edges(f"{header}\n3;2;1;4;box\n") == ([("3", "2", "1", "4", "box")], [])


def test_no_line_that_could_be_an_item_is_lost_as_a_comment_without_a_word():
    said = "a comment, as it begins with # (in quotation marks it is an item)"
    text = "name,L,W,H\n# my boxes\n#1 box,3,2,1\nb,3,2,1\n#N/A,3,2,1\n"
    assert edges(text) == ([("3", "2", "1", 1, "b")], [f"f.csv: lines 3, 5: {said}"])
    assert edges('name,L,W,H\n"#1 box",3,2,1\n') == ([("3", "2", "1", 1, "#1 box")], [])
    with pytest.raises(InstanceError, match="line 2: no items after the header, as line 2 begins with #: put"):
        edges("name,L,W,H\n#1 box,3,2,1\n")


def test_a_quotation_mark_that_nothing_closes_is_answered_where_it_opens():
    with pytest.raises(InstanceError, match='line 3: a quotation mark " opens here and none closes it'):
        edges('L,W,H,name\n3,2,1,"a"\n3,2,1,"b\n3,2,1,c\n3,2,1,d\n')
    with pytest.raises(InstanceError, match='line 2: a quotation mark " opens here and none closes it'):
        edges('L,W,H,name\n3,2,1,"a')
    with pytest.raises(InstanceError, match="line 3: ',' expected after '\"'"):
        edges('L,W,H,name\n3,2,1,"a\nb"c')


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
@pytest.mark.parametrize(
    "text", ["{long}\nL,W,H\n3,2,1\n", "#{long}\nL,W,H\n3,2,1\n", '"{long}', "L,W,H,{long}\n", "L,W,H\n3,2,{long}\n"]
)
def test_a_field_that_is_longer_than_any_is_no_traceback(tmp_path, text, suffix):
    (tmp_path / f"f{suffix}").write_text(text.format(long="y" * 200_000))
    try:
        assert read_catalogue(tmp_path / f"f{suffix}", cell="1cm").edges.tolist() == [[3, 2, 1]]
    except InstanceError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 400


def test_the_column_that_is_called_name_holds_the_names():
    assert edges("Item,Name,L,W,H\n1,box,3,2,1\n") == (
        [("3", "2", "1", 1, "box")],
        ["f.csv: ignored the column 'Item'"],
    )
    assert edges("Count,Quantity,L,W,H\n1,5,3,2,1\n")[0] == [("3", "2", "1", "5", "")]
