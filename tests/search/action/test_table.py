"""The table of trials: which columns and rows, which is the best, and its JSON lines."""

from __future__ import annotations

import io
import json

from rich.console import Console

from binpack.search.action.table import JsonLines, TrialTable, logged_table


def test_the_table_shows_four_metrics_and_the_best():
    table, file = TrialTable("score", "max"), io.StringIO()
    lines = JsonLines(file, table)
    metrics = {"a": 1, "b": 2, "score": 3, "c": 4, "d": 5}
    for number, (status, score) in enumerate([("TERMINATED", 3), ("TERMINATED", 4), ("ERROR", 9), ("PENDING", 0)]):
        lines({
            "event": "trial", "trial_id": f"t_{number}", "status": status, "hyperparameters": {"lr": 0.1 * number},
            "metrics": {**metrics, "score": score} if status != "PENDING" else {},
        })  # fmt: skip
    assert table.metrics == ["score", "a", "b", "c"] and table.best == "t_1"
    written = [json.loads(line) for line in file.getvalue().splitlines()]
    assert written[1]["metrics"] == {"score": 4, "a": 1, "b": 2, "c": 4} and written[1]["best_trial"] == "t_1"
    assert repr(TrialTable("score", "max")) == "trials: none yet"
    assert table.counts() == "1 ERROR, 2 TERMINATED, 1 PENDING" and repr(table) == f"trials: {table.counts()}"
    assert [str(column.header) for column in table.rich().columns] == ["trial", "status", "lr", "score", "a", "b", "c"]
    shown = table._repr_html_()
    assert "<td>t_1 (best)</td><td>TERMINATED</td><td>0.1</td><td>4</td>" in shown


def test_a_terminal_sees_what_runs_and_what_ended_last():
    table = TrialTable("score", "min")
    for number in range(100):
        status = "RUNNING" if number in (60, 61) else "TERMINATED" if number < 60 else "PENDING"
        metrics = {"score": number} if status == "TERMINATED" else {}
        table.take({
            "event": "trial", "trial_id": f"t_{number}", "status": status, "hyperparameters": {}, "metrics": metrics,
        })  # fmt: skip
    shown = [str(cell) for cell in table.rich().columns[0].cells]
    # the best stays in sight
    assert shown == ["t_0 (best)", *(f"t_{number}" for number in range(42, 62))]
    assert len(table.rows) == 100


def test_a_stopped_trial_is_the_best_only_where_no_other_is():
    table = TrialTable("score", "max")
    trial = {"event": "trial", "status": "TERMINATED", "hyperparameters": {}}
    table.take({**trial, "trial_id": "a", "metrics": {"score": 9}, "stopped": True})
    assert table.best == "a"
    table.take({**trial, "trial_id": "b", "metrics": {"score": 1}})
    assert table.best == "b"


def test_a_table_of_an_entrypoints_own_trials():
    rows = [{"trial_id": "a", "x": 1, "score": 2}, {"trial_id": "b", "x": [2], "score": None}]
    event = {"trials": rows, "base": ["trial_id"], "hyperparameters": ["x"], "metrics": ["score"], "best_trial": "a"}
    table = logged_table(event)
    assert [list(map(str, column.cells)) for column in table.columns] == [["a (best)", "b"], ["1", "[2]"], ["2", ""]]


def test_names_and_values_are_text_wherever_they_are_shown():
    nasty = "[red]a[/s]\x1b[31m<b>"
    table = TrialTable("score", "max")
    table.take(
        {
            "event": "trial",
            "trial_id": "t_1",
            "status": "RUNNING",
            "hyperparameters": {nasty: nasty},
            "metrics": {"score": 1.0},
        }
    )
    console = Console(file=io.StringIO(), width=200)
    console.print(table.rich())
    shown = console.file.getvalue()
    assert "[red]a[/s]\\x1b[31m<b>" in shown and "\x1b" not in shown
    assert "<b>" not in table._repr_html_() and "\x1b" not in table._repr_html_()
