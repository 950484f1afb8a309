"""What the prose of a lesson must hold to: its words, its terms, its links and its minutes.

A term is written ``**in bold**`` where it is explained, and nowhere else. Mechanically: a bold piece of running text is
a term unless it starts a list item or ends in ``.``, ``:`` or ``?``, as a heading within the line does. A term has at
most `TERM_WORDS` words. It is bold once; no text above it uses it, alone or in the plural; and its sentence (in a table
its row) says at least `EXPLAINING_WORDS` words more. The title, the list of what a reader will be able to do and the
headings announce what comes, so they do not count as text above; nor do code, formulas and longer terms in bold that
contain it (**greedy policy** above **policy**). For emphasis there are *italics*.

A link leads to a notebook that a source makes: these are what a learner has beside the lesson.

The minutes of a lesson, as its opening states them, are at least those of its exercises and of reading its prose at
`WORDS_A_MINUTE`. Code cells, runs and the quiz come on top, so a lesson states more than that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from lesson import lesson_sources
from nbformat import NotebookNode

TERM_WORDS = 4
EXPLAINING_WORDS = 5
WORDS_A_MINUTE = 200

_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50-\u2b59\ufe0f\u231a\u231b\u23e9-\u23fa]")
_REMOTE_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*(?:https?:)?//|<img[^>]*src\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE)
_PIP = re.compile(r"\bpip3?\b")
_DOWNLOAD = re.compile(r"\b(?:wget|curl|urllib|urlretrieve|urlopen|requests|httpx|aiohttp|snapshot_download)\b")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|<a[^>]*\bhref\s*=\s*[\"']([^\"']+)[\"']")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*]+?)\*\*")
_SENTENCE_END = re.compile(r"(?<=[.?])(?<!\bal\.)(?<!e\.g\.)(?<!i\.e\.)\s+")
_NOT_PROSE = (
    re.compile(r"```.*?```", re.DOTALL),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\$[^$\n]+\$"),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"</?[a-zA-Z][^>]*>"),
)


def plain_prose(text: str) -> str:
    """Take code, formulas and HTML tags out of Markdown."""
    for pattern in _NOT_PROSE:
        text = pattern.sub(" ", text)
    return re.sub(r"(!?\[[^\]]*\])\([^)]*\)", r"\1", text)


def word_faults(cells: Sequence[NotebookNode]) -> Iterator[str]:
    """Find what a lesson does not say or do: exclamation marks, emoji, remote images, pip, downloads.

    Args:
        cells: the learner's notebook's.
    """
    for cell in cells:
        if cell.cell_type == "markdown":
            for line in plain_prose(cell.source).splitlines():
                if re.search(r"!(?!\[)", line):
                    yield f"exclamation mark: {beginning(line)}"
            if _REMOTE_IMAGE.search(cell.source):
                yield f"remote image: {beginning(cell.source)}"
        elif _DOWNLOAD.search(cell.source):
            yield f"download: {beginning(cell.source)}"
        if _EMOJI.search(cell.source):
            yield f"emoji: {beginning(cell.source)}"
        if _PIP.search(cell.source):
            yield f"pip: {beginning(cell.source)}"


# ---------------------------------------------------------------------------------------------------------------- terms


def term_faults(texts: Sequence[str]) -> Iterator[str]:
    """Find terms that are bold at another place than where they are first used and explained.

    Args:
        texts: the Markdown of the source's own text cells, in order.
    """
    above = ""
    explained: set[str] = set()
    for unit in _running_text("\n\n".join(texts)):
        for term, found in _terms_in(unit):
            key, sentence = term_stem(term), _sentence_around(unit, found)
            if len(term.split()) > TERM_WORDS:
                yield f"bold is for terms of up to {TERM_WORDS} words: {beginning(term)}"
            elif key in explained:
                yield f"the term {term!r} is bold again"
            elif _uses(above + " " + _without_bold(unit[: found.start()]), term):
                yield f"the term {term!r} is bold below its first use"
            elif len(_WORD.findall(_without_bold(sentence))) < EXPLAINING_WORDS:
                yield f"the term {term!r} is bold in a sentence that does not explain it: {beginning(sentence)}"
            explained.add(key)
        above += " " + _without_bold(unit)


_WORD = re.compile(r"[^\W\d_]{2,}")


def bold_terms(texts: Sequence[str]) -> Iterator[str]:
    """Yield the terms that a lesson explains, each as it is written there.

    Args:
        texts: the Markdown of the source's own text cells, in order.
    """
    for unit in _running_text("\n\n".join(texts)):
        yield from (term for term, _ in _terms_in(unit))


def _terms_in(unit: str) -> Iterator[tuple[str, re.Match[str]]]:
    for found in _BOLD.finditer(unit):
        if not _is_lead_in(unit, found):
            yield " ".join(found[1].split()), found


def _running_text(text: str) -> Iterator[str]:
    """Yield paragraphs, list items and table rows below the opening, each on one line, without headings."""
    _, _, text = plain_prose(text).partition("\n## ")
    unit: list[str] = []
    for line in [*text.splitlines()[1:], ""]:
        starts = re.match(r"\s*(?:[-*]|\d+\.)\s|\s*\||\s*#|\s*$", line)
        if starts and unit:
            yield " ".join(unit)
            unit = []
        if line.strip() and not line.lstrip().startswith("#"):
            unit.append(line.strip())


def _is_lead_in(unit: str, found: re.Match[str]) -> bool:
    starts_item = re.fullmatch(r"(?:[-*]|\d+\.)\s+", unit[: found.start()])
    return bool(starts_item) or found[1].rstrip()[-1:] in tuple(".:?")


def _sentence_around(unit: str, found: re.Match[str]) -> str:
    """Return the sentence that holds a match; in a table the row."""
    start = end = 0
    for part in [unit] if unit.startswith("|") else _SENTENCE_END.split(unit):
        start = unit.index(part, end)
        end = start + len(part)
        if found.start() < end:
            return part
    return unit[start:]


def _without_bold(text: str) -> str:
    return _BOLD.sub(" ", text)


def term_stem(term: str) -> str:
    """A term without the plural of its last word; capitals matter only where there is nothing else."""
    term = term if term.isupper() else term.lower()
    return term[:-1] if len(term) > 3 and term.endswith("s") and not term.endswith("ss") else term


def _uses(text: str, term: str) -> bool:
    words = r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", term_stem(term))))
    return bool(re.search(rf"\b{words}(?:e?s)?\b", text, 0 if term.isupper() else re.IGNORECASE))


# ---------------------------------------------------------------------------------------------------- links and minutes


def link_faults(cells: Sequence[NotebookNode], source: Path, *, solved: bool) -> Iterator[str]:
    """Find links to what a learner does not have.

    Args:
        cells: a notebook's.
        source: the source that made it.
        solved: whether it is the one with the solutions.
    """
    folder = source.parent.parent
    names = [f"{each.stem}.ipynb" for each in lesson_sources(source.parent)]
    there = {folder / name for name in names} | {folder / "solutions" / name for name in names}
    base = folder / "solutions" if solved else folder
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        for markdown, html in _LINK.findall(re.sub(r"`[^`\n]*`", "", cell.source)):
            link = markdown or html
            if _ELSEWHERE.match(link):
                continue
            if Path(os.path.normpath(base / unquote(link.partition("#")[0]))) not in there:
                yield f"a link to {link}, which is no notebook of the course{' from its solutions' if solved else ''}"


def minute_faults(cells: Sequence[NotebookNode], exercises: int) -> Iterator[str]:
    """Compare the minutes that a lesson states with those that it takes at least.

    Args:
        cells: the learner's notebook's.
        exercises: minutes of its exercises together.
    """
    prose = " ".join(plain_prose(cell.source) for cell in cells if cell.cell_type == "markdown")
    reading = round(len(prose.split()) / WORDS_A_MINUTE)
    stated = stated_minutes(cells)
    if stated is not None and stated < exercises + reading:
        yield (
            f"{stated} minutes are stated, but the exercises take {exercises} and reading {len(prose.split())} words "
            f"{reading}: {exercises + reading}"
        )


def stated_minutes(cells: Sequence[NotebookNode]) -> int | None:
    """Return the minutes that a lesson's opening states, or None.

    Args:
        cells: the learner's notebook's.
    """
    head = "\n".join(cell.source for cell in cells[:3] if cell.cell_type == "markdown")
    found = re.search(r"\b(\d+) minutes\b", head)
    return int(found[1]) if found else None


def beginning(text: str) -> str:
    """Return the first line of a text that is not empty, cut to 60 characters."""
    line = next((line for line in text.splitlines() if line.strip()), "").strip()
    return line if len(line) <= 60 else line[:57] + "..."
