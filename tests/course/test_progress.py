"""A bar where somebody watches, nothing where outputs are recorded: in real kernels, and on a terminal."""

import io
import subprocess
import sys

import build
import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from binpack.course.progress import progress, progress_bar

LOOP = "from binpack.course.progress import progress\nfor seed in progress(range(3), 'seeds'):\n    pass"
CALLBACK = "from binpack.course.progress import progress_bar\nwith progress_bar(10, 'steps') as bar:\n    bar.update(4)"
BROKEN = "from binpack.course.progress import progress\nfor seed in progress(range(3), 'seeds'):\n    1 / 0"
NO_WIDGETS = (
    "import sys, importlib.util\nfind = importlib.util.find_spec\nimportlib.util.find_spec = lambda name: None\n"
)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def test_everything_is_yielded_in_order_and_nothing_is_written_where_nobody_watches(capsys):
    assert list(progress("abc", "letters")) == ["a", "b", "c"]
    assert list(progress(iter([1, 2]), "numbers", total=2)) == [1, 2]
    assert list(progress((n for n in range(2)), "numbers")) == [0, 1]
    with progress_bar(5, "steps") as bar:
        bar.update()
        bar.update(4)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_what_is_counted_and_is_left_clean(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(progress(range(3), "seeds")) == [0, 1, 2]
    written = screen.getvalue()
    assert "seeds:   0%" in written and "0/3" in written
    assert written.endswith("\r") and written.rstrip("\r").rpartition("\r")[2].strip() == ""


def test_a_loop_that_is_left_early_lets_go_of_its_bar(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    rounds = progress(range(3), "seeds")
    next(rounds)
    rounds.close()
    assert screen.getvalue().rstrip("\r").rpartition("\r")[2].strip() == ""


@pytest.fixture(scope="module")
def kernel():
    """A running kernel's client."""
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def outputs(kernel, code: str, *, watched: bool) -> list[dict]:
    """Run code as a front end with or without a person does; return the messages that would show in the notebook."""
    seen = []
    kernel.execute_interactive(code, allow_stdin=watched, output_hook=seen.append, timeout=60)
    shown = ("stream", "display_data", "update_display_data", "execute_result", "error", "clear_output")
    return [message for message in seen if message["msg_type"] in shown]


@pytest.mark.parametrize("code", [LOOP, CALLBACK])
def test_a_front_end_with_a_person_gets_a_widget_whose_place_is_empty_afterwards(kernel, code):
    shown, emptied = outputs(kernel, code, watched=True)
    assert shown["msg_type"] == "display_data"
    assert "application/vnd.jupyter.widget-view+json" in shown["content"]["data"]
    assert emptied["msg_type"] == "update_display_data" and emptied["content"]["data"] == {"text/plain": ""}
    assert emptied["content"]["transient"] == shown["content"]["transient"]


def test_an_error_inside_the_loop_empties_the_place_as_well(kernel):
    assert [m["msg_type"] for m in outputs(kernel, BROKEN, watched=True)] == [
        *("display_data", "update_display_data", "error")
    ]


@pytest.mark.parametrize("code", [LOOP, CALLBACK])
def test_what_runs_a_notebook_without_a_person_gets_nothing(kernel, code):
    assert outputs(kernel, code, watched=False) == []


def test_without_ipywidgets_the_bar_is_text_and_nothing_warns(kernel):
    shown = outputs(kernel, f"{NO_WIDGETS}{LOOP}\nimportlib.util.find_spec = find", watched=True)
    text = "".join(message["content"]["text"] for message in shown)
    assert {message["msg_type"] for message in shown} == {"stream"}
    assert "seeds:   0%" in text and "Warning" not in text and text.endswith("\r")
    assert outputs(kernel, f"{NO_WIDGETS}{LOOP}\nimportlib.util.find_spec = find", watched=False) == []


def test_the_build_records_nothing_of_it_and_nbval_gets_the_same(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (LOOP, CALLBACK)])
    build.execute(notebook, tmp_path)
    assert [cell.outputs for cell in notebook.cells] == [[], []]
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    path = tmp_path / "long.ipynb"
    build.write(notebook, path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # or the checkout's settings are found above this folder
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
