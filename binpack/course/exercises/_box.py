"""How a verdict, a hint and a solution look in a notebook: a box whose sign and words say the same as its colour."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

_GREEN, _AMBER, _RED, _BLUE = "#1a7f37", "#8a5a00", "#b42318", "#0b5cad"


class Look(NamedTuple):
    """Colour, sign and heading of a box."""

    color: str
    sign: str
    heading: str


LOOKS = {
    "correct": Look(_GREEN, "\u2713", "Right"),
    "wrong": Look(_RED, "\u2717", "Not yet"),
    "error": Look(_RED, "\u2717", "Not yet"),
    "not attempted": Look(_BLUE, "\u25cb", "Not attempted"),
    "reference": Look(_BLUE, "\u25cb", "The reference solution"),
    "hint": Look(_AMBER, "?", "Hint"),
}


def box(look: str, heading: str, lines: Sequence[str], facts: Sequence[tuple[str, str]] = (), last: str = "") -> str:
    """Return the HTML of a box.

    Args:
        look: a key of `LOOKS`.
        heading: stands after the sign and the look's own heading.
        lines: paragraphs; text between backticks is set as code.
        facts: pairs of a label and a text that keeps its line ends, one below the other.
        last: a paragraph below them.
    """
    color, sign, word = LOOKS[look]
    rows = "".join(
        f'<div style="padding-right:12px">{html.escape(label)}</div>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere;font-family:monospace">{html.escape(text)}</div>'
        for label, text in facts
    )
    # no table: JupyterLab and GitHub have styles of their own for those
    grid = f'<div style="display:grid;grid-template-columns:max-content 1fr;margin:6px 0">{rows}</div>' if rows else ""
    return (
        f'<div style="border:1px solid {color};border-left:6px solid {color};border-radius:3px;padding:6px 12px;'
        f'margin:2px 0;max-width:60em;overflow-wrap:anywhere">'
        f'<div><span style="background:{color};color:#fff;padding:1px 8px;border-radius:3px;font-weight:bold">'
        f"{sign} {word}</span> &nbsp;{_marked(heading)}</div>"
        f"{''.join(map(_paragraph, lines))}{grid}{_paragraph(last)}</div>"
    )


def _paragraph(text: str) -> str:
    return f'<div style="margin-top:4px">{_marked(text)}</div>' if text else ""


def _marked(text: str) -> str:
    """Escape a text and set what stands between backticks as code."""
    parts = html.escape(text).split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner
        return html.escape(text)
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
