"""``report``: the report card of a study, and ``leaderboard``: those of a class side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from binpack import system
from binpack.cli import leaving, options
from binpack.files import InputError, write_atomically
from binpack.text import terminal


def report(
    storage: Annotated[str, typer.Argument(metavar="STORAGE", help="The study's journal file, or a database URL.")],
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="Which study, if there are several.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.html", help="The card; beside it a PNG of the same name.")
    ] = Path("report.html"),
    retrain: Annotated[
        int, typer.Option("--retrain", metavar="K", help="Train the best K trials and the default anew first.")
    ] = 0,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Fresh training seeds for --retrain.")] = 5,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", help="Training runs side by side; as many as cores by default.")
    ] = None,
    leaderboard: Annotated[
        Path | None,
        typer.Option(
            "--leaderboard", metavar="FILE", help="Add what was trained anew to a class's leaderboard, with --as."
        ),
    ] = None,
    learner: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Your name on the leaderboard.")] = None,
    notice: leaving.Notice = None,
    notice_url: leaving.NoticeUrl = None,
    when_done: leaving.WhenDone = None,
) -> None:
    """Make a study's report card: one HTML file that needs no network, and a PNG."""
    options.at_least("--retrain", retrain, 0)
    options.at_least("--jobs", jobs, 1)
    if retrain:
        options.at_least("--seeds", seeds, 3)
    if out.suffix != ".html":
        raise InputError(f"--out: the card is an .html file, with a .png beside it, got {out.name}")
    if out.is_dir():
        raise InputError(f"--out: {out} is a folder")
    if (leaderboard is None) != (learner is None):
        raise InputError("--leaderboard FILE and --as NAME go together")
    if leaderboard is not None:
        options.output_folder("--leaderboard", leaderboard.parent)

    from binpack.search import leaderboard as board
    from binpack.search.card import card
    from binpack.search.finalists import retrain as train_anew
    from binpack.system import Interrupted, usable_cores

    if learner is not None:
        learner = board.named(learner)
    options.hide_password(storage)
    with leaving.ways_out(notice, notice_url, when_done):
        if retrain:
            at_once = jobs or int(usable_cores())
            try:
                train_anew(storage, study, top=retrain, seeds=seeds, jobs=at_once, progress=sys.stderr.isatty())
            except KeyboardInterrupt as stop:
                line = "stopped; nothing is lost: the same command goes on"
                raise Interrupted(line, getattr(stop, "code", Interrupted().code)) from None
        page = card(storage, study)
        out.parent.mkdir(parents=True, exist_ok=True)
        picture = out.with_suffix(".png")
        write_atomically(out, lambda temporary: temporary.write_text(page.html(), encoding="utf-8"))
        write_atomically(picture, lambda temporary: temporary.write_bytes(page.png()))
        typer.echo(terminal(page.lead))
        typer.echo(terminal(f"{out}, {picture}"))
        if leaderboard is not None and learner is not None:
            board.add(leaderboard, board.entry_of(learner, storage, study))
            show_board(leaderboard)


def leaderboard(file: Annotated[Path, typer.Argument(metavar="FILE", help="What report --leaderboard wrote.")]) -> None:
    """Show a class's leaderboard: held-out scores of what each learner tuned, the last attempt of each."""
    show_board(file)


def show_board(path: Path) -> None:
    """Print a leaderboard; a damaged line is named and left out.

    Args:
        path: its file.
    """
    from binpack.search.leaderboard import read, table

    entries, damaged = read(path)
    for line in table(entries):
        typer.echo(line)
    if not entries:
        typer.echo("nobody is on it yet")
    for line in damaged:
        system.say(terminal(f"binpack: {path}: {line}"))
