"""A user's text for each thing that shows it: letters stay, and what would steer a renderer is shown instead."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from binpack.text import from_spreadsheet, hypertext, rich_text, spreadsheet, terminal

TEXTS = st.text(st.characters() | st.sampled_from("\x1b\r\n\t\x00\u202e\u2066\u2028[]<>&$%'=\\"), max_size=30)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("상자 1호 · Größe 😀 É\u0301", "상자 1호 · Größe 😀 É\u0301"),
        ("two\nlines\r\n\ttab", r"two\nlines\r\n\ttab"),
        ("\x1b[31mred\x1b]8;;http://x\x07", r"\x1b[31mred\x1b]8;;http://x\x07"),
        ("\u202efdp.exe\u2066\u200f", r"\u202efdp.exe\u2066\u200f"),
        ("a\u2028b\u2029c\x85d\x9b", r"a\u2028b\u2029c\x85d\x9b"),
        ("\ud800", r"\ud800"),
        ("\U000e0041 \ufeff", r"\U000e0041 \ufeff"),
        ("👨\u200d👩 no\xa0break", "👨\u200d👩 no\xa0break"),
        (r"C:\new", r"C:\new"),
        (7, "7"),
    ],
)
def test_a_terminal_shows_letters_and_obeys_none(text, shown):
    assert terminal(text) == shown


@given(TEXTS)
def test_whatever_it_is_it_is_one_line_that_steers_nothing(text):
    shown = terminal(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in shown)
    turns = ("LRO", "RLO", "LRE", "RLE", "PDF", "LRI", "RLI", "FSI", "PDI")
    assert not any(unicodedata.bidirectional(letter) in turns for letter in shown)
    assert terminal(shown) == shown
    assert shown.encode().decode() == shown


@given(TEXTS)
def test_rich_prints_it_as_the_terminal_shows_it(text):
    out = io.StringIO()
    console = Console(file=out, width=2000, force_terminal=True, color_system="truecolor")
    console.print(rich_text(text), highlight=False, soft_wrap=True)
    assert out.getvalue() == terminal(text) + "\n"


@given(TEXTS)
def test_hypertext_has_no_tag_no_entity_and_no_formula(text):
    import html

    shown = hypertext(text)
    assert not set("<>$") & set(shown)
    assert html.unescape(shown) == html.unescape(html.escape(terminal(text)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1"])
def test_a_spreadsheet_computes_no_name(text):
    assert spreadsheet(text) == "'" + text


@given(TEXTS)
def test_a_spreadsheet_gives_a_name_back(text):
    cell = spreadsheet(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert from_spreadsheet(cell) == text
