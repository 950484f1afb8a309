"""A page of words, tables and figures: one file of HTML that needs no network, and the same as one picture."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.plots.figure import Figure, new_still
from binpack.plots.style import INK
from binpack.plots.viewer import pixels_of
from binpack.text import hypertext, terminal

_WIDE, _GAP = 900, 24
"""Pixels: a column of the picture, and between two things."""
_LETTERS = 104
"""Of a line of words in a column."""
_STYLE = """
:root { color-scheme: light dark; --ink: #333; --paper: #fff; --line: #ddd; --soft: #666; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #1c1c1c; --line: #444; --soft: #aaa; } }
body { margin: 0 auto; padding: 1.5rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
.lead { font-size: 1.15rem; border-left: .3rem solid #4477AA; padding-left: .8rem; margin: .6rem 0 1rem; }
img { max-width: 100%; height: auto; background: #fff; border-radius: .3rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--line); }
footer { margin-top: 2.5rem; color: var(--soft); font-size: .9rem; }
@media print { body { max-width: none; } h2 { break-after: avoid; } img { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Animation:
    """A moving picture.

    Attributes:
        gif: its bytes.
        text: what it shows, in one line.
    """

    gif: bytes
    text: str


@dataclass(frozen=True)
class Part:
    """One part of a page; all of its texts are a user's, and none is obeyed.

    Attributes:
        heading: its heading.
        words: paragraphs above what it shows.
        figures: one below the other.
        animations: side by side.
        rows: of a table, whose first row are the headings; none for no table.
        notes: paragraphs below.
    """

    heading: str
    words: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    animations: Sequence[Animation] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        title: what it is about.
        lead: the one thing that it says.
        parts: everything else.
        foot: where it comes from.
    """

    title: str
    lead: str
    parts: Sequence[Part]
    foot: str

    def html(self) -> str:
        """Write it as one file: pictures are in it, and nothing is loaded from anywhere."""
        body = [f"<h1>{hypertext(self.title)}</h1>", f'<p class="lead">{hypertext(self.lead)}</p>']
        for part in self.parts:
            body += _html_of(part)
        body.append(f"<footer>{hypertext(self.foot)}</footer>")
        head = f'<meta charset="utf-8"><title>{hypertext(self.title)}</title><style>{_STYLE}</style>'
        view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
        return "\n".join(
            ['<!doctype html><html lang="en"><head>', view, head, "</head><body>", *body, "</body></html>\n"]
        )

    def png(self) -> bytes:
        """Draw it as one picture of two columns; an animation is its last frame."""
        from PIL import Image

        blocks = [block for part in self.parts for block in _drawn(part)]
        top = _text([*_wrapped(self.title, 78)], size=17, width=2 * _WIDE + _GAP, bold=True)
        lead = _text(_wrapped(self.lead, 150), size=13, width=2 * _WIDE + _GAP)
        foot = _text(_wrapped(self.foot, 200), size=9, width=2 * _WIDE + _GAP)
        inner = _stacked([top, lead, _columns(blocks), foot])
        picture = np.pad(inner, ((_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255)
        out = io.BytesIO()
        Image.fromarray(picture).quantize(255, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
        return out.getvalue()


def _html_of(part: Part) -> list[str]:
    lines = [f"<h2>{hypertext(part.heading)}</h2>", *(f"<p>{hypertext(text)}</p>" for text in part.words)]
    if part.animations:
        moving = (_image("gif", each.gif, each.text, 'style="max-width:49%"') for each in part.animations)
        lines.append(f"<p>{' '.join(moving)}</p>")
    lines += [f"<p>{_image('png', figure.png(), figure.text)}</p>" for figure in part.figures]
    if part.rows:
        lines.append(f"<table>{_row(part.rows[0], 'th')}{''.join(_row(row, 'td') for row in part.rows[1:])}</table>")
    return [*lines, *(f"<p>{hypertext(text)}</p>" for text in part.notes)]


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{hypertext(cell)}</{tag}>' for cell in cells)}</tr>"


def _image(kind: str, content: bytes, text: str, more: str = "") -> str:
    encoded = base64.b64encode(content).decode("ascii")
    alt = hypertext(text).replace('"', "&quot;")
    return f'<img {more} alt="{alt}" src="data:image/{kind};base64,{encoded}">'


def _drawn(part: Part) -> list[NDArray[np.uint8]]:
    """Draw a part: its heading and words, and each picture; what belongs together is one block."""
    from PIL import Image

    table = _lined_up(part.rows)
    words = [line for text in part.words for line in _wrapped(text)]
    notes = [line for text in part.notes for line in _wrapped(text)]
    head = [_text([part.heading], size=13, bold=True), *([_text(words)] if words else [])]
    pictures = [figure.pixels() for figure in part.figures]
    if part.animations:
        last = []
        for each in part.animations:
            frames = Image.open(io.BytesIO(each.gif))
            frames.seek(getattr(frames, "n_frames", 1) - 1)
            last.append(np.asarray(frames.convert("RGB")))
        pictures.insert(0, _beside(last))
    below = [*([_text(table, mono=True)] if table else []), *([_text(notes)] if notes else [])]
    first, *others = [*pictures, *below] or [_text([""])]
    return [_stacked([*head, first]), *others]


def _lined_up(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[terminal(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return [line.rstrip() if len(line) <= _LETTERS else line[: _LETTERS - 3] + "..." for line in lines]


def _wrapped(text: str, letters: int = _LETTERS) -> list[str]:
    return textwrap.wrap(terminal(text), letters) or [""]


def _text(
    lines: Sequence[str], *, size: float = 10, width: int = _WIDE, bold: bool = False, mono: bool = False
) -> NDArray[np.uint8]:
    """Draw lines of words, uint8, (height, width, 3)."""
    height = round(len(lines) * size * 2.1 + 8)
    still = new_still(width / 100, height / 100)
    still.set_layout_engine("none")
    look = {"fontweight": "bold" if bold else "normal", "family": "monospace" if mono else "sans-serif"}
    still.text(0.0, 1.0, "\n".join(lines), va="top", ha="left", fontsize=size, color=INK, linespacing=1.45, **look)
    return pixels_of(still)


def _beside(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    tall = max(len(each) for each in pictures)
    return np.concatenate([_padded(each, tall, each.shape[1]) for each in pictures], axis=1)


def _stacked(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    wide = max(each.shape[1] for each in pictures)
    return np.concatenate([_padded(each, len(each) + _GAP // 2, wide) for each in pictures])


def _columns(blocks: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Put blocks into two columns in their order, the first of which is about as tall as the second."""
    total, tall, first = sum(map(len, blocks)), 0, 0
    while first < len(blocks) and (tall == 0 or tall + len(blocks[first]) / 2 <= total / 2):
        tall += len(blocks[first])
        first += 1
    sides = [_stacked(side) for side in (blocks[:first], blocks[first:]) if side]
    longest = max(len(side) for side in sides)
    padded = [_padded(side, longest, _WIDE + _GAP // 2) for side in sides]
    return np.concatenate(padded, axis=1)


def _padded(picture: NDArray[np.uint8], tall: int, wide: int) -> NDArray[np.uint8]:
    out = np.full((max(tall, len(picture)), max(wide, picture.shape[1]), 3), 255, np.uint8)
    out[: len(picture), : picture.shape[1]] = picture
    return out
