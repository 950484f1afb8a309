"""The table of a job's trials while they run: for a terminal, a notebook, and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.table import Table

from binpack.search.action.run import Event
from binpack.text import hypertext, rich_text

SHOWN = 4
"""Most metrics that a table shows: the one that counts, and the first others."""
_ROWS = 20
"""Most trials that a terminal shows; the JSON lines have all."""
_ORDER = ("RUNNING", "ERROR", "TERMINATED", "PENDING")


class TrialTable:
    """The trials of a job as its events tell them.

    Args:
        metric: what they are compared by.
        mode: ``max`` or ``min``.
    """

    def __init__(self, metric: str, mode: str) -> None:
        self._metric = metric
        self._sign = 1 if mode == "max" else -1
        self._rows: dict[str, Event] = {}

    def take(self, event: Event) -> None:
        """Take the news of one trial."""
        self._rows[event["trial_id"]] = event

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each trial: ``trial_id``, ``status``, ``hyperparameters``, ``metrics``, at most 4 of these."""
        names = self.metrics
        return [
            {
                "trial_id": row["trial_id"],
                "status": row["status"],
                "hyperparameters": row["hyperparameters"],
                "metrics": {name: row["metrics"][name] for name in names if name in row["metrics"]},
            }
            for row in self._rows.values()
        ]

    @property
    def metrics(self) -> list[str]:
        """The metrics that are shown: the one that counts, and then as they came."""
        names = dict.fromkeys(name for row in self._rows.values() for name in row["metrics"])
        return list(dict.fromkeys([self._metric, *names]))[:SHOWN]

    @property
    def best(self) -> str | None:
        """The trial that is best so far, of those that are at their end."""
        ended = (row for row in self._rows.values() if row["status"] == "TERMINATED")
        done = [row for row in ended if _number(row["metrics"], self._metric)]
        whole = [row for row in done if not row.get("stopped")] or done
        best = max(whole, key=lambda row: self._sign * row["metrics"][self._metric], default=None)
        return None if best is None else best["trial_id"]

    def counts(self) -> str:
        """Say how many trials there are in each status."""
        states = [row["status"] for row in self._rows.values()]
        return ", ".join(f"{states.count(status)} {status}" for status in _ORDER if status in states)

    def rich(self) -> Table:
        """Return the table for a terminal: what runs, then what ended last, at most 20 rows."""
        columns, rows = self._cells(_ROWS)
        table = Table(title=rich_text(self.counts()))
        for column in columns:
            table.add_column(rich_text(column))
        for row in rows:
            table.add_row(*map(rich_text, row))
        return table

    def __repr__(self) -> str:
        """Say the same where there is only text, as a screen reader has it."""
        return f"trials: {self.counts() or 'none yet'}"

    def _repr_html_(self) -> str:
        """Return the table for a notebook, every trial in it."""
        columns, rows = self._cells(len(self._rows))
        head = "".join(f"<th>{hypertext(column)}</th>" for column in columns)
        body = "".join(f"<tr>{''.join(f'<td>{hypertext(cell)}</td>' for cell in row)}</tr>" for row in rows)
        caption = f"<caption>{hypertext(self.counts())}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cells(self, most: int) -> tuple[list[str], list[list[str]]]:
        rows = self.rows
        varied = list(dict.fromkeys(name for row in rows for name in row["hyperparameters"]))
        running = [row for row in rows if row["status"] == "RUNNING"]
        ended = [row for row in rows if row["status"] in ("ERROR", "TERMINATED")]
        waiting = [row for row in rows if row["status"] == "PENDING"]
        # what ended last is of more interest than what is yet to begin
        chosen = {row["trial_id"] for row in (*running, *reversed(ended), *waiting[:most])[:most]}
        best = self.best
        cells = [
            [
                row["trial_id"] + (" (best)" if row["trial_id"] == best else ""),
                row["status"],
                *(_text(row["hyperparameters"].get(name)) for name in varied),
                *(_text(row["metrics"].get(name)) for name in self.metrics),
            ]
            for row in rows
            if row["trial_id"] in chosen or row["trial_id"] == best
        ]
        return ["trial", "status", *varied, *self.metrics], cells


def logged_table(event: Mapping[str, Any]) -> Table:
    """Return the table of an entrypoint's own trials, as ``run.log_trials`` tells them."""
    columns = [*event["base"], *event["hyperparameters"], *event["metrics"][:SHOWN]]
    columns = columns if event["trials"] and columns else list(event["trials"][0] if event["trials"] else ())
    table = Table()
    for column in columns:
        table.add_column(rich_text(column))
    for row in event["trials"]:
        mark = " (best)" if event["best_trial"] is not None and row.get("trial_id") == event["best_trial"] else ""
        first, *others = [_text(row.get(column)) for column in columns] or [""]
        table.add_row(rich_text(first + mark), *map(rich_text, others))
    return table


class JsonLines:
    """Writes what happens as JSON, a line each; every trial's news with at most 4 metrics, and which trial is best.

    Args:
        file: where to.
        table: the table of the job's trials.
    """

    def __init__(self, file: TextIO, table: TrialTable) -> None:
        self._file = file
        self._table = table

    def __call__(self, event: Event) -> None:
        """Write an event."""
        if event["event"] == "trial":
            self._table.take(event)
            shown = {name: event["metrics"][name] for name in self._table.metrics if name in event["metrics"]}
            event = {**event, "metrics": shown, "best_trial": self._table.best}
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()


class Notebook:
    """Shows the table below a notebook's cell, and renews it in place.

    Args:
        table: the table of the job's trials.
    """

    def __init__(self, table: TrialTable) -> None:
        from IPython.display import display

        self._table = table
        self._handle = display(table, display_id=True)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if event["event"] == "trial":
            self._table.take(event)
            if self._handle is not None:
                self._handle.update(self._table)
        elif event["event"] in ("log", "notice"):
            print(line_of(event))


def line_of(event: Event) -> str:
    """Return an event that is a line of text, with the trial's id before it."""
    return (f"[{event['trial_id']}] " if event.get("trial_id") else "") + str(event["line"])


def lines_of(event: Event) -> Sequence[str]:
    """Return what an event says in plain text: log lines, notices, the comparison; nothing for others."""
    if event["event"] in ("log", "notice"):
        return [line_of(event)]
    return event["lines"] if event["event"] == "comparison" else []


def _number(metrics: Mapping[str, Any], name: str) -> bool:
    return isinstance(metrics.get(name), int | float) and not isinstance(metrics.get(name), bool)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
