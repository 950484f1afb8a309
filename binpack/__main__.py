"""``python -m binpack``: the command line.

Whatever is wrong with what was typed, or with a file that was named, is answered with one line on stderr and exit code
2, or 1 where the machine failed, a full disk say; ``--debug`` shows where it came from. Only errors that say so count
(``files.InputError``, what typer and pydantic refuse, what the system answers): any other exception is a bug, whose
traceback is shown, and the exit code is 1.
"""

from __future__ import annotations

import os
import signal

if __name__ == "__main__":
    _SAID = {
        signal.SIGINT: b"interrupted",
        signal.SIGTERM: b"ended by SIGTERM",
        signal.SIGHUP: b"the terminal is closed",
    }

    def _early(number: int, frame: object) -> None:
        """Answer a signal while modules are imported: what is in the middle of an import is told nothing of it."""
        os.write(2, b"binpack: %s\n" % _SAID[signal.Signals(number)])
        os._exit(128 + number)

    _LATER = {each: signal.getsignal(each) for each in _SAID}
    _LATER = {each: later for each, later in _LATER.items() if later not in (signal.SIG_IGN, None)}
    for _each in _LATER:
        signal.signal(_each, _early)

import functools
import importlib
import io
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from binpack import __version__, system
from binpack.cli import (
    action,
    benching,
    grading,
    lab,
    leaderboard,
    packing,
    reporting,
    sweeping,
    training,
    tuning,
    worker,
)
from binpack.files import InputError, is_machines, out_of_memory, system_line
from binpack.text import terminal

BUG = "this is a bug, of binpack or of a module of your own: please report it with the lines above"


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command that is stopped say so in one line; typer would end it without a word."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except KeyboardInterrupt as stop:
            raise typer.Exit(_stopped(stop)) from None

    return run


def _stopped(stop: BaseException) -> int:
    """Say that a command was stopped, and return the exit code."""
    interrupted = stop if isinstance(stop, system.Interrupted) else system.Interrupted()
    system.say(terminal(f"binpack: {interrupted}"))
    return interrupted.code


def _was_interrupted(error: BaseException | None) -> bool:
    """Say whether Ctrl-C is behind an error: numpy, interrupted while it is imported, says that it is not installed."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


app = typer.Typer(
    name="binpack",
    help="A lab for tuning reinforcement learning on bin packing.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    lab.check,
    lab.lab,
    packing.pack,
    packing.evaluate,
    training.train,
    tuning.tune,
    tuning.show,
    reporting.report,
    leaderboard.leaderboard,
    sweeping.sweep,
    action.action,
    worker.worker,
    benching.bench,
    grading.grade,
):
    app.command()(_stoppable(command))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"binpack {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="A module of yours that stored files may name (MODULE:name); also in the current folder; repeatable.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A lab for tuning reinforcement learning on bin packing."""
    # matplotlib's list of fonts goes into the checkout as well
    os.environ.setdefault("MPLCONFIGDIR", system.private_folders()["MPLCONFIGDIR"])
    for module in modules or ():
        _import(module)


def _import(module: str) -> None:
    """Import a user's module, so that its names in stored files are known; ``python -m`` finds the current folder's."""
    try:
        importlib.import_module(module)
    except Exception as error:  # a module may fail in any way
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise typer.BadParameter(f"{module} cannot be imported ({reason})", param_hint="--import") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: the arguments, by default those of the process.

    Returns:
        The exit code: 0, 1 (what was asked for failed, the machine failed, or a bug), 2 (wrong arguments or files), or,
        where it was stopped, 128 and the number of the signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed
        terminal; 75 where a cloud gave notice that it takes the machine back (``--notice``).
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # letters that the terminal's encoding has not
    try:
        with system.stopped_by_signals():
            return app(args=argv, prog_name="python -m binpack", standalone_mode=False) or 0
    except (typer.TyperException, InputError, ValidationError, OSError, RecursionError, MemoryError) as error:
        if "--debug" in argv[:1]:
            raise
        system.say(f"binpack: error: {one_line(error)}")
        return 1 if is_machines(error) else 2
    except (KeyboardInterrupt, typer.Abort) as stop:
        return _stopped(stop)
    except Exception as error:
        if _was_interrupted(error):
            return _stopped(system.Interrupted())
        if "--debug" in argv[:1]:
            raise
        if out_of_memory(error):
            system.say(f"binpack: error: not enough memory for this: {terminal(' '.join(str(error).split())[:300])}")
            return 1
        traceback.print_exc()
        print(f"binpack: {BUG}", file=sys.stderr)
        return 1


def one_line(error: Exception) -> str:
    """Say in one line what was wrong; what a user typed or a file holds is in it as text."""
    if isinstance(error, InputError):
        return terminal(error) or type(error).__name__
    if isinstance(error, OSError):
        return terminal(system_line(error))
    if isinstance(error, ValidationError):
        text = "; ".join(_problem(each) for each in error.errors(include_url=False))
    elif isinstance(error, RecursionError):
        text = "too deeply nested"
    elif isinstance(error, MemoryError):
        text = f"not enough memory for this: {error}" if str(error) else "not enough memory for this"
    elif isinstance(error, typer.TyperException) and hasattr(error, "format_message"):
        text = error.format_message()
        where = getattr(error, "ctx", None)
        text += f" (try {where.command_path} --help)" if where is not None else ""
    else:
        text = str(error) or type(error).__name__
    return terminal(" ".join(text.split()))


def _problem(error: Mapping[str, Any]) -> str:
    """Put one of pydantic's errors into words: where, what, and the value unless the message speaks of several."""
    where = ".".join(map(str, error["loc"]))
    what = error["msg"].removeprefix("Value error, ")
    value = "" if isinstance(error["input"], dict) else f" (got {error['input']!r:.60})"
    return f"{where}: {what}{value}" if where else what


if __name__ == "__main__":
    try:
        for _each, _later in _LATER.items():
            signal.signal(_each, _later)
        code = main()
    except KeyboardInterrupt as stop:
        code = _stopped(stop)
    sys.exit(code)
