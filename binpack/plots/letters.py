"""The texts of a still figure: shown as they are, in fonts that have their letters.

matplotlib reads a text with two dollar signs as a formula, and its own font has no Korean, Chinese or Japanese.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from binpack.text import terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

KOREAN = "가힣"
"""The first and the last syllable: a font that has both has Korean."""
_LIKED = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "UnDotum")
"""Fonts that look well beside matplotlib's own; of others the first by name is taken."""


def settle(figure: Figure) -> None:
    """Make every text of a figure stand for itself, in place: no formulas, and fonts that have its letters.

    Numbers that matplotlib itself writes along an axis keep their powers of ten.
    """
    texts = list(_texts(figure))
    letters = "".join(text.get_text() for text in texts)
    found = () if letters.isascii() else families(letters)
    for text in texts:
        text.set_parse_math(False)
        words = "\n".join(map(terminal, text.get_text().split("\n")))
        if words != text.get_text():
            text.set_text(words)
        if found and not words.isascii():
            text.set_fontfamily([*text.get_fontfamily(), *found])


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence matplotlib's word that a letter is missing; who draws for a person says it in a line, see `missing`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
        yield


def families(letters: Iterable[str]) -> tuple[str, ...]:
    """Return the families of fonts here that have the letters which matplotlib's own font lacks."""
    return _search(_foreign(letters))[0]


def missing(letters: Iterable[str]) -> str:
    """Return those letters that no font here has, each once, in order."""
    return "".join(sorted(_search(_foreign(letters))[1]))


def korean_fonts() -> str:
    """Say for ``check`` whether figures show Korean names, and how they come to."""
    if missing(KOREAN):
        return "no Korean font: figures show Korean names as boxes (sudo apt install fonts-nanum)"
    return f"Korean names in figures: {', '.join(families(KOREAN))}"


def _foreign(letters: Iterable[str]) -> frozenset[str]:
    """Return the letters that matplotlib's own font has not."""
    other = frozenset(letter for letter in letters if not letter.isascii())
    if not other:
        return other
    from matplotlib import font_manager

    own = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    return frozenset(letter for letter in other if ord(letter) not in own)


def _search(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return families that have the letters, and the letters that none has."""
    if not letters:
        return (), letters
    from matplotlib import font_manager

    found = _among(letters, _fonts())
    if not found[1]:
        return found
    # the list was made when matplotlib first ran: a font that came since is not on it
    listed = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - listed):
        with contextlib.suppress(Exception):  # a file that FreeType cannot read is no font for us
            font_manager.fontManager.addfont(path)
    return _among(letters, _fonts())


def _fonts() -> tuple[tuple[str, str], ...]:
    """Return family and file of every font that draws letters, those that are liked first.

    A "last resort" font has every letter there is and draws each as a box.
    """
    from matplotlib import font_manager

    entries = {(entry.name, entry.fname) for entry in font_manager.fontManager.ttflist}
    return tuple(sorted((entry for entry in entries if "Last Resort" not in entry[0]), key=_rank))


def _rank(font: tuple[str, str]) -> tuple[int, str, str]:
    return _LIKED.index(font[0]) if font[0] in _LIKED else len(_LIKED), *font


@lru_cache(maxsize=16)
def _among(letters: frozenset[str], fonts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    from matplotlib import font_manager

    chosen: list[str] = []
    for name, file in fonts:
        if not letters:
            break
        try:
            font = font_manager.get_font(file)
        except (OSError, RuntimeError):  # gone or damaged
            continue
        has = font.get_charmap() if font.scalable else {}
        if name not in chosen and any(ord(letter) in has for letter in letters):
            chosen.append(name)
            letters = frozenset(letter for letter in letters if ord(letter) not in has)
    return tuple(chosen), letters


def _texts(artist: Any) -> Iterator[Text]:
    """Yield the texts below an artist, but for numbers that an axis writes itself."""
    from matplotlib.axis import Axis
    from matplotlib.category import StrCategoryFormatter
    from matplotlib.text import Text
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    for child in artist.get_children():
        if isinstance(child, Axis):
            yield child.label
            if isinstance(child.get_major_formatter(), FixedFormatter | FuncFormatter | StrCategoryFormatter):
                yield from child.get_ticklabels()
        elif isinstance(child, Text):
            yield child
        else:
            yield from _texts(child)
