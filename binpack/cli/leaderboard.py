"""``leaderboard``: what a class has found, from one file to which everybody appends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from binpack.cli import options
from binpack.files import InputError
from binpack.text import terminal


def leaderboard(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The class's file, such as class.jsonl.")],
    add: Annotated[
        str | None,
        typer.Option("--add", metavar="STORAGE", help="Enter this study first; report --retrain has to come before."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Whose entry it is, with --add.")] = None,
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="Which study of --add, if there are several.")
    ] = None,
) -> None:
    """Show a class's leaderboard; with --add, enter a study whose finalists were trained anew."""
    if (add is None) != (name is None):
        raise InputError("--add and --name belong together: whose study is entered")
    if study is not None and add is None:
        raise InputError("--study says which study --add enters; there is no --add")

    from rich.console import Console

    from binpack.search import leaderboard as board
    from binpack.search.report import load_result

    if add is not None and name is not None:
        options.hide_password(add)
        board.add(file, board.entry_of(load_result(add, study), name))
    found = board.read(file)
    if found.entries:
        Console().print(board.table(board.rows_of(found)))
    else:
        typer.echo(terminal(f"{file}: no entry yet"))
    if found.damaged:
        typer.echo(terminal(f"{found.damaged} damaged line{'s' * (found.damaged > 1)} in {file} passed over"))
