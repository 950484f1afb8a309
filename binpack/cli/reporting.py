"""``report``: the report card of a study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

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

    from binpack.search.card import card
    from binpack.search.finalists import retrain as train_anew
    from binpack.system import Interrupted, usable_cores

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
