"""A class's marks as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from binpack.course.grading.grade import Graded
from binpack.text import spreadsheet, terminal

COLUMNS = ("learner", "lesson", "file", "exercise", "name", "verdict", "line")
"""Of the CSV, which has a row for each exercise."""


def table(graded: Sequence[Graded]) -> Iterator[str]:
    """Yield the marks a line each: a block for each notebook, a line for each exercise, and the total.

    Args:
        graded: the class's notebooks.
    """
    learners = [len(terminal(each.copy.learner)) for each in graded]
    names = [len(mark.name) for each in graded for mark in each.marks]
    wide = max(learners, default=0), max(names, default=0)
    for each in graded:
        head = f"{terminal(each.copy.learner):{wide[0]}}  {each.copy.sheet.number:3}  {total([each])}"
        yield f"{head}  {terminal(each.copy.path.name)}"
        for mark in each.marks:
            said = f"{mark.verdict}: {mark.line}" if mark.line else mark.verdict
            yield f"{'':{wide[0]}}  {terminal(mark.number):5} {mark.name:{wide[1]}}  {terminal(said)}"
    yield f"total: {total(graded)} exercises right in {len(graded)} {'notebook' if len(graded) == 1 else 'notebooks'}"


def total(graded: Sequence[Graded]) -> str:
    """Say how many exercises are right, of how many."""
    return f"{sum(each.right for each in graded)} of {sum(len(each.marks) for each in graded)}"


def as_json(graded: Sequence[Graded], refused: Sequence[str], network: str) -> dict[str, Any]:
    """Return the marks as a JSON object.

    Args:
        graded: the class's notebooks.
        refused: a line for each file that was not graded.
        network: how the network was kept away.
    """
    return {
        "network": network,
        "notebooks": [
            {
                "learner": each.copy.learner,
                "lesson": each.copy.sheet.number,
                "file": str(each.copy.path),
                "right": each.right,
                "exercises": [
                    {"exercise": mark.number, "name": mark.name, "verdict": mark.verdict, "line": mark.line}
                    for mark in each.marks
                ],
            }
            for each in graded
        ],
        "not_graded": list(refused),
    }


def as_csv(graded: Sequence[Graded]) -> str:
    """Return the marks as CSV, a row for each exercise; a spreadsheet computes nothing of what learners wrote."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in graded:
        copy = each.copy
        for mark in each.marks:
            row = (copy.learner, copy.sheet.number, str(copy.path), mark.number, mark.name, mark.verdict, mark.line)
            writer.writerow([spreadsheet(field) for field in row])
    return text.getvalue()
