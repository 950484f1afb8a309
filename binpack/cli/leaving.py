"""How a long command ends: on a cloud's notice with a checkpoint, and with a command of the user's in the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Annotated

import typer

from binpack import stopping, system
from binpack.cli import options
from binpack.text import terminal

NOTICED = os.EX_TEMPFAIL
"""Exit code after a notice, 75: not done, and the same command goes on."""

Notice = Annotated[
    str | None,
    typer.Option(
        "--notice", metavar="CLOUD", help="Heed notices that a spot machine is taken back: aws, gcp or azure; exit 75."
    ),
]
NoticeUrl = Annotated[
    str | None,
    typer.Option(
        "--notice-url", metavar="URL", help="Ask there for notices: the cloud's service, or alone any URL of your own."
    ),
]
WhenDone = Annotated[
    str | None,
    typer.Option(
        "--when-done",
        metavar="COMMAND",
        help="Run this when all is done or on a notice, such as 'sudo shutdown -h now'; not after Ctrl-C or an error.",
    ),
]


@contextlib.contextmanager
def ways_out(notice: str | None, notice_url: str | None, when_done: str | None) -> Iterator[None]:
    """Run a command's work so that a notice ends it with a checkpoint, and so that something runs when it is done.

    What is to run in the end is shown before the work and before it runs. It runs after the work and after a notice
    alone. After Ctrl-C somebody sits there, and a shutdown would take the machine from under them; after an error
    somebody has to read it; and what ends a process by SIGTERM or with its terminal has plans of its own.

    Args:
        notice: a cloud's name; None for none.
        notice_url: see ``notices.service_of``.
        when_done: a command for the shell; None for none.

    Raises:
        typer.BadParameter: there is no such cloud, or no such URL.
        typer.Exit: with 75, after a notice.
    """
    service = None
    if notice is not None or notice_url is not None:
        # here alone, as it brings the web's client with it
        from binpack.cli.notices import Watcher, service_of

        with options.option("--notice" if notice is not None else "--notice-url"):
            service = service_of(notice, notice_url)
    if when_done is not None:
        also = " or on a notice" if service else ""
        system.say(terminal(f"binpack: when all is done{also}, this runs: {when_done}"))
    noticed = False
    with contextlib.ExitStack() as stack:
        watcher = None
        if service is not None:
            announce = stack.enter_context(stopping.announced())
            watcher = stack.enter_context(Watcher(service, notice or "the URL", announce))
        try:
            yield
        except KeyboardInterrupt as stop:
            if watcher is None or watcher.said is None or getattr(stop, "code", 0) != 128 + signal.SIGTERM:
                raise
            noticed = True
            system.say(terminal(f"binpack: {notice or 'the URL'} gives notice ({watcher.said}); {stop}"))
    if when_done is not None:
        _run(when_done)
    if noticed:
        raise typer.Exit(NOTICED)


def _run(command: str) -> None:
    """Run a command of the user's; what it does is told, and changes no exit code."""
    system.say(terminal(f"binpack: running: {command}"))
    # A session of its own: sudo that asks for a password fails, rather than wait for somebody who has gone. What it
    # prints is no result of ours.
    try:
        ended = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)
    except OSError as error:
        system.say(terminal(f"binpack: {command}: {error.strerror or error}"))
        return
    if ended.returncode:
        how = f"exit code {ended.returncode}"
        if ended.returncode < 0:
            how = f"signal {signal.Signals(-ended.returncode).name}"
        system.say(terminal(f"binpack: {command}: failed with {how}"))
