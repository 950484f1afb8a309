"""``action``: trains or tunes as a JSON file says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from binpack.cli import options
from binpack.cli.tuning import hide
from binpack.system import Interrupted
from binpack.text import terminal

if TYPE_CHECKING:
    from binpack.search.action.run import Event
    from binpack.search.action.table import TrialTable


def action(
    job: Annotated[
        Path | None, typer.Argument(metavar="JOB.json", help="The job; --schema describes it.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the models, what happened and result.json go.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, and what happens as JSON lines on stderr.")
    ] = False,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="The database of the engine postgresql, which workers share; BINPACK_STORAGE names one as well "
            "(a password is best left to PGPASSWORD or ~/.pgpass).",
        ),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a job, no more.")] = False,
) -> None:
    """Train or tune as a JSON file says. Killed at any moment, the same command goes on."""
    if schema:
        from binpack.search.action.schema import PUBLISHED

        typer.echo(PUBLISHED.read_text(encoding="utf-8").rstrip())
        return
    if job is None or out is None:
        missing = "JOB.json" if job is None else "--out"
        raise typer.BadParameter("is missing, as in: action job.json --out runs/mine", param_hint=missing)
    options.output_folder("--out", out)

    from binpack.files import read_json
    from binpack.search.action.conduct import TrainingFailed, perform
    from binpack.search.action.faults import JobError

    if storage is not None:
        hide(storage)
    data = read_json(job, "a job")
    with Shown(_table(data), as_json=as_json) as shown:
        try:
            bar = sys.stderr.isatty() and not as_json
            result = perform(data, out, shown, progress=bar, storage=storage)
        except JobError as error:
            shown.close()
            if as_json:
                faults = [{"place": fault.place, "what": fault.what} for fault in error.faults]
                typer.echo(json.dumps({"error": "the job cannot be run", "faults": faults}, indent=2))
            for fault in error.faults:
                typer.echo(terminal(f"binpack: {job}: {fault}"), err=True)
            raise typer.Exit(2) from None
        except TrainingFailed as error:
            shown.close()
            typer.echo(terminal(f"binpack: {error}"), err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt as stop:
            shown.close()
            line = "stopped; nothing is lost: the same command goes on"
            raise Interrupted(line, getattr(stop, "code", Interrupted().code)) from None
    typer.echo(json.dumps(result, indent=2) if as_json else _summary(result, out))


def _table(data: dict[str, Any]) -> TrialTable:
    """Make the table of a job that may be faulty yet."""
    from binpack.search.action.table import TrialTable

    params = data.get("params")
    settings = params.get("tune_config") if isinstance(params, dict) else None
    settings = settings if isinstance(settings, dict) else {}
    return TrialTable(str(settings.get("metric", "score")), str(settings.get("mode", "max")))


class Shown:
    """Shows what happens: a table that changes where somebody watches, lines elsewhere, JSON lines with ``--json``."""

    def __init__(self, table: TrialTable, *, as_json: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        from binpack.search.action.table import JsonLines

        self._table = table
        self._lines = JsonLines(sys.stderr, table) if as_json else None
        self._console = Console(stderr=True)
        self._live = None
        if not as_json and self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4)
        self._percent = -1

    def __call__(self, event: Event) -> None:
        from binpack.search.action.table import lines_of, logged_table

        if self._lines is not None:
            self._lines(event)
            return
        for line in lines_of(event):
            self._console.print(terminal(line), markup=False, highlight=False, soft_wrap=True)
        if event["event"] == "trial":
            self._take(event)
        elif event["event"] == "trials":
            self._console.print(logged_table(event))
        elif event["event"] == "progress" and int(event["percent"]) > self._percent:
            self._percent = int(event["percent"])
            self._say(f"{self._percent} %")

    def use(self, table: TrialTable) -> None:
        """Show another table, before the first trial is told of."""
        self._table = table

    def _take(self, event: Event) -> None:
        self._table.take(event)
        if self._live is not None:
            if not self._live.is_started:
                self._live.start()
            self._live.update(self._table.rich())
        elif event["status"] in ("TERMINATED", "ERROR"):
            said = " ".join(f"{name}={value}" for name, value in event["metrics"].items())
            self._say(f"{event['trial_id']} {event['status']} {event.get('error', said)}")

    def _say(self, line: str) -> None:
        if self._live is None:
            self._console.print(terminal(line), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it is."""
        if self._live is not None and self._live.is_started:
            self._live.stop()

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _summary(result: dict[str, Any], out: Path) -> str:
    metrics = ", ".join(f"{name} {value}" for name, value in result["best_trial"]["metrics"].items())
    models = f"{len(result['trial_models'])} models" if len(result["trial_models"]) != 1 else "1 model"
    return f"best: {result['model_id']} ({metrics})\n{models}: {out / 'result.json'}"
