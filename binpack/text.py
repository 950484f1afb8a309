"""A user's text for each thing that shows it: names, paths and values are shown as they are, and nothing obeys them.

matplotlib has its function in ``plots.letters``, for there it is a whole figure that is made ready.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_JOINERS = "\u200c\u200d"
"""Zero-width joiners, which belong to the letters of some scripts and to emoji; the one invisible kind that is kept."""
_FORMULA = ("=", "+", "-", "@")


def terminal(text: object) -> str:
    """Return a text as one line for a terminal, with what would steer it or turn its letters round escaped.

    Control characters and line breaks, those that change the direction of writing, other invisible ones and halves of
    surrogate pairs are written as Python writes them.

    Example:
        >>> terminal("two\\nlines, \\x1b[31mred, 상자")
        'two\\\\nlines, \\\\x1b[31mred, 상자'
    """
    return "".join(letter if _shown(letter) else ascii(letter)[1:-1] for letter in str(text))


def _shown(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) in ("Zs", "Co", "Cn")


def rich_text(text: object, style: str = "") -> Text:
    """Return a text for rich, which takes no markup and no emoji codes from it."""
    from rich.text import Text

    return Text(terminal(text), style=style)


def hypertext(text: object) -> str:
    """Return a text for plotly and for HTML between tags: plotly reads tags, entities and formulas in what it is given.

    Example:
        >>> hypertext("<b>5% & $x$</b>")
        '&lt;b&gt;5% &amp; &#36;x&#36;&lt;/b&gt;'
    """
    marks = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
    return "".join(marks.get(letter, letter) for letter in terminal(text))


def spreadsheet(text: str) -> str:
    """Return a text for a cell of a CSV file: where a spreadsheet would compute it, an apostrophe stands before it.

    Example:
        >>> spreadsheet("=1+1"), spreadsheet("box")
        ("'=1+1", 'box')
    """
    quoted = text.lstrip("'")
    return f"'{text}" if quoted.startswith(_FORMULA) or text[:1] in ("\t", "\r") else text


def from_spreadsheet(text: str) -> str:
    """Return what ``spreadsheet`` was given."""
    return text[1:] if text.startswith("'") and spreadsheet(text[1:]) == text else text
