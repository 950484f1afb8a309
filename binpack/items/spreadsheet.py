"""CSV as spreadsheets write it: their separators, decimal commas, and headings in the spellings that people use."""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from binpack.items.rows import EDGES, Row
from binpack.items.units import SPELLINGS, UNITS, InstanceError, show, unit_name
from binpack.text import from_spreadsheet

ROLES = (*EDGES, "quantity", "name", "unit")
COLUMNS = "length,width,height[,quantity,name,unit]"
_SEPARATORS = (",", ";", "\t", "|")

_WORDS = {
    "length": "length len l long länge laenge longueur largo lunghezza comprimento lengte "
    "długość dlugosc délka длина 길이 장 长 长度 長さ 長",
    "width": "width wid w breadth breite b largeur ancho larghezza largura breedte "
    "szerokość szerokosc šířka ширина 폭 너비 넓이 宽 宽度 幅",
    "height": "height hgt h high höhe hoehe hauteur alto altura altezza hoogte "
    "wysokość wysokosc výška высота 높이 고 高 高度 高さ",
    "quantity": "quantity quantities qty qnty count cnt pcs pc pieces amount ea anzahl menge stück stueck stk "
    "stückzahl stueckzahl quantité quantite cantidad quantità quantidade aantal "
    "ilość ilosc sztuk szt množství количество кол-во шт 수량 개수 갯수 数量 個数",
    "name": "name item label product description 이름 품명 품목 품목명 제품명 상품명 명칭 bezeichnung nom nombre nome "
    "naam descrizione descripción descripcion descrição désignation nazwa opis název название "
    "наименование 名称 品名",
    "unit": "unit units uom 단위 einheit unité unidad",
}
_SPARE = {
    EDGES: "depth deep d 깊이 tiefe profondeur profundidad profondità diepte 가로 세로",
    ("name",): "sku id code article artikel model type box 품번 코드",
}
"""Words that mean whichever of these is not there yet, in the order of the columns."""
_ROLE = {word: role for role, words in _WORDS.items() for word in words.split()}
_SPARES = {word: roles for roles, words in _SPARE.items() for word in words.split()}
_QUALIFIERS = {"item", "box", "package", "pkg", "product", "carton", "parcel", "case", "outer", "external", "overall"}
_OTHER_UNITS = {
    "ft",
    "feet",
    "foot",
    "'",
    "′",
    "yd",
    "yard",
    "yards",
    "km",
    "µm",
    "um",
    "nm",
    "pt",
    "px",
    "mil",
    "피트",
}
_MOST_ABOVE = 20
"""In so many lines that are not blank the header is looked for."""
_BRACKETS = re.compile(r"(.*?)\s*[(\[{<]\s*([^)\]}>]*?)\s*[)\]}>]\s*")
_ENDING = re.compile(r"(.+?)[\s_/,.:-]+(?:in[\s_]+)?([^\s_/,.:-]+)")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z][A-Za-z])")
"""Where a word begins in ``itemLength`` and ``LengthCM``."""
_HOW_MANY = re.compile(r"(?:no|nr|num|number|#)\.?\s*of\s.+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")
_NUMBER = re.compile(r"\s*([+-]?[\d.,]*\d[.,]?)(\s*(?:[^\W\d_]*|\"|''|″|′′))\s*")
_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[ '’](?=\d{3}(?!\d))")


@dataclass(frozen=True)
class _Header:
    """The columns of a file: where each role's is, and the units that its edges' headings name."""

    at: dict[str, int]
    units: tuple[str | None, str | None, str | None]
    ignored: tuple[str, ...]
    width: int


def parse_columns(text: str) -> dict[str, str]:
    """Return which heading each role has, from ``length=L,width=W``.

    Example:
        >>> parse_columns("length=L, outer, width=W")
        {'length': 'L, outer', 'width': 'W'}

    Raises:
        InstanceError: Another form, an unknown role or one that is there twice.
    """
    found = re.split(r"(?:^|,)\s*(\w+)\s*=", text)
    pairs = list(zip(found[1::2], (heading.strip() for heading in found[2::2]), strict=True))
    if found[0].strip() or not pairs or not all(heading for _, heading in pairs):
        raise InstanceError(f"columns {show(text)}: expected such as length=L,width=W,height=H,quantity=Pcs")
    for role, _ in pairs:
        if role not in ROLES or [each for each, _ in pairs].count(role) > 1:
            problem = "twice" if role in ROLES else "not one"
            raise InstanceError(f"columns {show(text)}: {role!r} is {problem} of {', '.join(ROLES)}")
    return dict(pairs)


def has_header(text: str) -> bool:
    """Say whether a text is a CSV's: one of its first lines is a header with all three edges."""
    lines = (line for line in io.StringIO(text) if line.strip())
    return any(_is_header(line) for line in itertools.islice(lines, _MOST_ABOVE))


def _is_header(line: str) -> bool:
    """Say whether a line of text is a header with all three edges."""
    return any(len(_edges(_fields([line], each))) == 3 for each in _SEPARATORS)


def _fields(lines: Sequence[str], separator: str) -> list[str]:
    """Return the fields of the first record; none where it is no CSV, as a field of 200 kB."""
    try:
        return next(csv.reader(lines, delimiter=separator), [])
    except csv.Error:
        return []


def read_rows(text: str, source: str, columns: Mapping[str, str] | None = None) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows of a CSV text with a header, and what is worth a line of output.

    Blank lines, and lines that begin with # but for a header that does, are skipped.

    Args:
        text: The file.
        source: Its name, for messages.
        columns: Heading of each role's column, for those that guessing would not find.

    Raises:
        InstanceError: One line with the file, the line, the value and what was expected.
    """
    # Emptied rather than dropped, so that the reader's line numbers stay the file's.
    lines, comments = _without_comments(io.StringIO(text, newline=""))
    separator, skipped, notes = _separator(lines, columns or {}, source)
    lines[:skipped] = ["\n"] * skipped
    header, records = _records(lines, separator, source, columns or {})
    if header.ignored:
        ignored = ", ".join(map(show, header.ignored))
        notes.append(f"{source}: ignored the column{'s' * (len(header.ignored) > 1)} {ignored}")
    taken = [number for number, line in comments if len(_fields([line], separator)) == header.width]
    places = f"line{'s' * (len(taken) > 1)} {', '.join(map(str, taken[:5]))}{', ...' * (len(taken) > 5)}"
    if taken:
        notes.append(f"{source}: {places}: a comment, as it begins with # (in quotation marks it is an item)")
    records, header = _with_units_below(records, header, source)
    if not records:
        verb = "begins" if len(taken) == 1 else "begin"
        why = f", as {places} {verb} with #: put what is no comment in quotation marks" if taken else ""
        raise InstanceError(f"{source}: line {len(lines)}: no items after the header{why}, expected at least one")
    rows, passed = _rows(records, header, separator, source)
    return rows, (*notes, *passed)


def _records(
    lines: Sequence[str], separator: str, source: str, columns: Mapping[str, str]
) -> tuple[_Header, list[tuple[str, list[str]]]]:
    """Return the header, and place and fields of each record below it."""
    records: list[tuple[str, list[str]]] = []
    header, shown, start = None, "", 1
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for fields in reader:
            fields, start = [field.strip() for field in fields], reader.line_num + 1
            if not any(fields):
                continue
            place = f"line {reader.line_num}"
            if header is None:
                shown, header = separator.join(fields), _header(fields, f"{source}: {place}:", columns)
                continue
            while len(fields) > header.width and not fields[-1]:
                fields.pop()
            if len(fields) != header.width:
                problem = f"{len(fields)} columns {show(separator.join(fields))}"
                raise InstanceError(f"{source}: {place}: {problem}: expected {header.width} ({shown})")
            records.append((place, fields))
    except csv.Error as error:
        at, problem = reader.line_num, str(error)
        if "unexpected end" in problem:
            at, problem = start, 'a quotation mark " opens here and none closes it'
        raise InstanceError(f"{source}: line {at}: {problem}: expected comma-separated values") from error
    if header is None:
        raise InstanceError(f"{source}: line 1: the file is empty, expected the header {COLUMNS}")
    return header, records


def _without_comments(text: Iterable[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """Return the lines with comments emptied, and the comments with their line numbers."""
    lines, comments = list(text), []
    for at, line in enumerate(lines):
        if line.lstrip().startswith("#") and not _is_header(line):
            comments.append((at + 1, line))
            lines[at] = "\n"
    return lines, comments


def _with_units_below(
    records: list[tuple[str, list[str]]], header: _Header, source: str
) -> tuple[list[tuple[str, list[str]]], _Header]:
    """Take a first row that has a unit below each edge's heading as part of the header."""
    if not records:
        return records, header
    place, fields = records[0]
    cells = [fields[header.at[name]].strip("()[]. ").casefold() for name in EDGES]
    if not all(cell in SPELLINGS or cell in _OTHER_UNITS for cell in cells):
        return records, header
    units = [unit_name(cell, f"{source}: {place}: unit of the {name}") for name, cell in zip(EDGES, cells, strict=True)]
    return records[1:], replace(header, units=(units[0], units[1], units[2]))


def _separator(lines: Sequence[str], columns: Mapping[str, str], source: str) -> tuple[str, int, list[str]]:
    """Return what separates the columns, how many lines stand above the header, and what to say of those.

    They are a spreadsheet's own ``sep=;``, or a title, a date, an address.
    """
    filled = [number for number, line in enumerate(lines) if line.strip()]
    at = filled[0] if filled else 0
    first = lines[at].strip() if lines else ""
    if re.fullmatch(r'"?sep=.(?:"?)', first, re.IGNORECASE):
        return first.strip('"')[-1], at + 1, []
    wanted = {_plain(heading) for heading in columns.values()}
    named = [role for role in columns if role in EDGES]

    def known(separator: str, at: int) -> tuple[int, int]:
        fields = _fields(lines[at:], separator)
        own = sum(_plain(field) in wanted for field in fields)
        return own + len(_edges(fields)), 0 if separator == "," and len(fields) > 1 else -_SEPARATORS.index(separator)

    def has_edges(separator: str, at: int) -> bool:
        fields = _fields(lines[at:], separator)
        headings = {_plain(field) for field in fields}
        guessed = _edges([field for field in fields if _plain(field) not in wanted])
        return wanted <= headings and {*guessed, *named} >= {*EDGES}

    for below in filled[:_MOST_ABOVE]:
        separator = max(_SEPARATORS, key=lambda each: known(each, below))
        if has_edges(separator, below):
            above = [field.strip() for line in lines[:below] for field in _fields([line], separator) or [line[:60]]]
            words = ", ".join(field for field in above if field)
            note = f"{source}: skipped {show(words)} above the header in line {below + 1}"
            return separator, below, [note] if words else []
    return max(_SEPARATORS, key=lambda each: known(each, at)), 0, []


def _edges(fields: Sequence[str]) -> set[str]:
    """Return the edges that headings name, spare words counted as far as they go."""
    words = [_base(field)[0] for field in fields]
    found = {_ROLE[word] for word in words if _ROLE.get(word) in EDGES}
    missing = [edge for edge in EDGES if edge not in found]
    return found | set(missing[: sum(_SPARES.get(word) == EDGES for word in words)])


def _plain(heading: str) -> str:
    """Return a heading as it is compared."""
    return unicodedata.normalize("NFKC", heading).strip().casefold()


def _base(heading: str) -> tuple[str, str]:
    """Return a heading's word and the unit beside it, as written: ``("length", "cm")`` for ``Item_Length (cm)``."""
    text, unit = _plain(_HUMP.sub(" ", heading)), ""
    bracketed, ending = _BRACKETS.fullmatch(text), _ENDING.fullmatch(text)
    if bracketed and bracketed[1]:
        text, unit = bracketed[1], bracketed[2]
    elif ending and (ending[2] in SPELLINGS or ending[2] in _OTHER_UNITS) and ending[1] not in ("unit", "units"):
        text, unit = ending[1], ending[2]
    if _HOW_MANY.fullmatch(text):
        return "quantity", unit
    words = [word.replace("'", "") for word in re.split(r"[\s_.:*-]+", text) if word]
    while len(words) > 1 and words[0] in _QUALIFIERS:
        words = words[1:]
    return " ".join(words), unit


def _header(fields: list[str], where: str, columns: Mapping[str, str]) -> _Header:
    """Find each role's column: by `columns`, then by the words that mean one, then by those that fill a gap."""
    shown = show(",".join(fields))
    at: dict[str, int] = {}
    for role, heading in columns.items():
        same = [number for number, field in enumerate(fields) if _plain(field) == _plain(heading)]
        if len(same) != 1:
            problem = "repeated" if same else "no"
            raise InstanceError(f"{where} {problem} column {show(heading)} in {shown}: expected the {role}'s heading")
        at[role] = same[0]
    words = [_base(field)[0] for field in fields]
    # `Name` goes before `Item`, and a heading that is the word itself before `item_length`
    for like in (lambda plain, word, role: plain == role, lambda plain, word, role: plain == word, lambda *_: True):
        for number, word in enumerate(words):
            role = _ROLE.get(word, "")
            if role and number not in at.values() and like(_plain(fields[number]), word, role):
                _take(at, role, number, fields, where, columns)
    for number, word in enumerate(words):
        spare = [role for role in _SPARES.get(word, ()) if role not in at]
        if spare and number not in at.values():
            at[spare[0]] = number
    for name in EDGES:
        if name not in at:
            mend = f"expected the header {COLUMNS}, or pack --columns {name}=HEADING"
            raise InstanceError(f"{where} column {name!r} is missing in {shown}: {mend}")
    units = [_heading_unit(fields[at[name]], where, name) for name in EDGES]
    ignored = tuple(field for number, field in enumerate(fields) if field and number not in at.values())
    return _Header(at, (units[0], units[1], units[2]), ignored, len(fields))


def _take(
    at: dict[str, int], role: str, number: int, fields: list[str], where: str, columns: Mapping[str, str]
) -> None:
    """Give a role its column, unless it has one; two that are alike are for the user to tell apart."""
    if role not in at:
        at[role] = number
    elif role not in columns and _plain(fields[at[role]]) == _plain(fields[number]):
        raise InstanceError(f"{where} repeated column {show(fields[number])}: expected the header {COLUMNS}")
    elif role not in columns and role in EDGES and len(_plain(fields[at[role]])) > len(role):
        both = f"{show(fields[at[role]])} and {show(fields[number])}"
        raise InstanceError(
            f"{where} the columns {both} both say {role}: choose one with pack --columns {role}=HEADING"
        )


def _heading_unit(heading: str, where: str, name: str) -> str | None:
    """Return the unit that an edge's heading names, None for none; a remark in brackets is no unit."""
    unit = _base(heading)[1].strip(". ")
    if unit in _OTHER_UNITS:
        raise InstanceError(f"{where} unit {show(unit)} of the {name} in {show(heading)}: expected {UNITS}")
    return SPELLINGS.get(unit)


def _rows(
    records: Sequence[tuple[str, list[str]]], header: _Header, separator: str, source: str
) -> tuple[list[Row], list[str]]:
    """Return the rows, and a line for each record that is none: a sum, a heading in between."""
    at, rows, notes = header.at, [], []
    numeric = [at[role] for role in (*EDGES, "quantity") if role in at]
    for _, fields in records:
        for number in numeric:
            fields[number] = _plain_number(fields[number])
        if "quantity" in at:
            fields[at["quantity"]] = _without_pieces(fields[at["quantity"]])
    comma = _has_decimal_comma((fields[number] for _, fields in records for number in numeric), separator)
    for place, fields in records:
        if not any(fields[at[name]] for name in EDGES):
            words = ", ".join(field for field in fields if field)
            notes.append(f"{source}: {place}: skipped {show(words)}, which has no edges")
            continue
        numbers = {n: _number(fields[n], comma, f"{source}: {place}: {_role(at, n)}") for n in numeric}
        rest = {role: fields[at[role]] for role in ("unit",) if role in at}
        if "quantity" in at:
            rest["quantity"] = numbers[at["quantity"]]
        if "name" in at:
            rest["name"] = from_spreadsheet(fields[at["name"]])
        length, width, height = (numbers[at[name]] for name in EDGES)
        rows.append(Row(place, (length, width, height), units=header.units, **rest))
    if not rows:
        raise InstanceError(f"{source}: {records[-1][0]}: no row has edges, expected at least one")
    return rows, notes


def _plain_number(cell: str) -> str:
    """Return a number with plain digits and without blanks or apostrophes between thousands."""
    return _BETWEEN_THOUSANDS.sub("", unicodedata.normalize("NFKC", cell))


def _without_pieces(cell: str) -> str:
    """Return a quantity without a word for pieces behind it: ``3`` for ``3 pcs``."""
    match = _NUMBER.fullmatch(cell)
    return match[1] if match and _ROLE.get(match[2].strip().casefold()) == "quantity" else cell


def _role(at: Mapping[str, int], number: int) -> str:
    return next(role for role, column in at.items() if column == number)


def _has_decimal_comma(cells: Iterable[str], separator: str) -> bool | None:
    """Say whether a file's commas are decimal ones; None where it cannot be told.

    A spreadsheet separates columns by semicolons where the comma is taken for decimals.
    """
    every = [match[1] for cell in cells if (match := _NUMBER.fullmatch(cell)) and set(",.") & set(match[1])]
    numbers = [number for number in every if "," in number]
    if not numbers:
        # such a spreadsheet would write 1.200 for 1200, another program for 1.2
        unclear = separator == ";" and every and all(_GROUPED.fullmatch(n) and n.lstrip("+-")[0] != "0" for n in every)
        return None if unclear else False
    if any("." in number and number.rindex(".") > number.rindex(",") for number in numbers):
        return False  # 1,234.5
    if any(not _GROUPED.fullmatch(number) or "." in number for number in numbers):
        return True  # 30,5 or 1.234,5
    return True if separator == ";" else None


def _number(cell: str, comma: bool | None, where: str) -> str:
    """Return a number with a decimal point and without marks between thousands; what is none stays as it is."""
    match = _NUMBER.fullmatch(cell)
    if match is None or not set(",.") & set(match[1]):
        return cell
    number, unit = match[1], match[2]
    mark, other = (",", ".") if comma else (".", ",")
    if number.count(mark) > 1:
        return cell
    if comma is None:
        used, instead = (",", ".") if "," in number else (".", ",")
        mend = f"expected {number.replace(used, '')} or {number.replace(used, instead)}"
        raise InstanceError(f"{where} {show(cell)}: thousands or decimals? {mend}")
    if other in number:
        grouped = _GROUPED.fullmatch(number)
        if comma and mark not in number:
            if grouped:
                mend = f"expected {number.replace('.', '')} or {number.replace('.', ',')}"
                raise InstanceError(f"{where} {show(cell)}: thousands, or decimals as elsewhere with a comma? {mend}")
            return cell
        if not grouped or grouped[1] != other:
            return cell
    return number.replace(other, "").replace(mark, ".") + unit
