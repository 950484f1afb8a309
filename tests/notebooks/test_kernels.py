"""A kernel that lost a race for its ports is started again; every other failure stands."""

import sys

import build
import nbformat
import pytest
from kernels import DIED_EARLY, again_where_it_died_early


def failing(times: int, text: str):
    calls = []

    def start(name: str, cwd: str) -> tuple[str, str]:
        calls.append(name)
        if len(calls) <= times:
            raise RuntimeError(text)
        return name, cwd

    return start, calls


def test_a_kernel_that_died_early_is_started_again():
    start, calls = failing(2, DIED_EARLY)
    assert again_where_it_died_early(start)("python3", cwd="here") == ("python3", "here")
    assert len(calls) == 3


def test_it_is_given_up_in_the_end():
    start, calls = failing(9, DIED_EARLY)
    with pytest.raises(RuntimeError, match="died before"):
        again_where_it_died_early(start)("python3", cwd="here")
    assert len(calls) == 3


def test_another_error_stands():
    start, calls = failing(1, "no such kernel")
    with pytest.raises(RuntimeError, match="no such kernel"):
        again_where_it_died_early(start)("python3", cwd="here")
    assert len(calls) == 1


def test_a_lesson_is_executed_though_its_first_kernel_dies(monkeypatch, tmp_path):
    spec, starts = build._OwnKernel.get_kernel_spec, []

    def dying_once(self, kernel_name):
        starts.append(kernel_name)
        found = spec(self, kernel_name)
        if len(starts) == 1:
            found.argv = [sys.executable, "-c", "raise SystemExit(1)"]
        return found

    monkeypatch.setattr(build._OwnKernel, "get_kernel_spec", dying_once)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('.cache/tmp/tmpa_b1c2d3/run', 6 * 7)")])
    build.execute(notebook, tmp_path)
    assert notebook.cells[0].outputs[0].text == ".cache/tmp/tmp.../run 42\n"
    assert len(starts) >= 2
