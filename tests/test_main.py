"""What the command line answers: one line for what a user got wrong, a traceback for a bug."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from binpack.__main__ import main
from binpack.core.geometry import GeometryError
from binpack.course.exercises import ExerciseError
from binpack.files import FileError, InputError
from binpack.items import InstanceError
from binpack.search._model import SearchError

ROOMS = Path(__file__).resolve().parents[1] / "binpack"
LINE = ["evaluate", "--agent", "first_fit", "--bin", "4x4x4", "--items", "random:1-2", "--n", "2"]


def bug(*args, **kwargs):
    """Let numpy complain, as it would about a mistake of ours."""
    return np.zeros(2) + np.zeros(3)


def test_a_bug_is_shown_as_one(monkeypatch, capsys):
    monkeypatch.setattr("binpack.agents.evaluation.evaluate", bug)
    assert main(LINE) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Traceback") and "could not be broadcast" in output.err
    assert output.err.splitlines()[-1].startswith("binpack: this is a bug")
    with pytest.raises(ValueError, match="could not be broadcast"):
        main(["--debug", *LINE])


@pytest.mark.parametrize("kind", [InputError, FileError, InstanceError, SearchError, GeometryError, ExerciseError])
def test_our_own_errors_are_the_users(monkeypatch, capsys, kind):
    def refuse(*args, **kwargs):
        raise kind("the third item is too large")

    monkeypatch.setattr("binpack.agents.evaluation.evaluate", refuse)
    assert issubclass(kind, InputError) and issubclass(kind, ValueError)
    assert main(LINE) == 2
    assert capsys.readouterr() == ("", "binpack: error: the third item is too large\n")


def test_no_room_answers_a_user_with_an_error_that_is_anybodys():
    """A bare ValueError would be shown as a bug; see `binpack.files.InputError`."""
    found = []
    for room in ("core", "items", "plots", "env", "agents", "search", "cli"):
        for path in sorted((ROOMS / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                raised = node.exc if isinstance(node, ast.Raise) else None
                name = raised.func if isinstance(raised, ast.Call) else raised
                if isinstance(name, ast.Name) and name.id == "ValueError":
                    found.append(f"{path.relative_to(ROOMS)}:{node.lineno}")
    assert found == []
