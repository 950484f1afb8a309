"""Tables of words and numbers for the lessons, as HTML in a notebook and as aligned lines elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

_CELL = "text-align:left; vertical-align:top; padding:3px 10px;"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        head: the name of each column.
        rows: the entries, a row as long as the head; no entry holds a line break.
        caption: what the table shows.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    @property
    def html(self) -> str:
        """The table as HTML, without a style sheet: JupyterLab, GitHub and a printer show it alike."""
        head = "".join(f'<th style="{_CELL}">{html.escape(name)}</th>' for name in self.head)
        rows = ["".join(f'<td style="{_CELL}">{html.escape(entry)}</td>' for entry in row) for row in self.rows]
        caption = f'<caption style="text-align:left; padding:3px 10px;">{html.escape(self.caption)}</caption>'
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        above = caption if self.caption else ""
        return f"<table>\n{above}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"

    @property
    def text(self) -> str:
        """The table as lines of text, the columns aligned."""
        lines = [list(self.head), *map(list, self.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.head))]
        shown = ["  ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([*([self.caption] if self.caption else []), *(line.rstrip() for line in shown)])


def show(table: Table) -> None:
    """Show a table: as HTML in a notebook, as text elsewhere.

    Args:
        table: what to show.
    """
    from IPython import get_ipython

    if get_ipython() is None:
        print(table.text)
        return
    from IPython.display import display

    display({"text/html": table.html, "text/plain": table.text}, raw=True)
