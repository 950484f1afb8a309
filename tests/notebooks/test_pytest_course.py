"""How pytest runs the notebooks and the doctests: what it collects, and what stays in one process."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_course

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        *((f"binpack/{room}/anything.py", None) for room in ("core", "items", "env", "agents", "search")),
        *((f"binpack/{room}/anything.py", True) for room in ("course", "plots", "cli")),
        ("binpack/course/l01_q_learning/worlds.py", True),
        ("binpack/core/__init__.py", True),
        ("binpack/bench.py", True),
        ("notebooks/source/01_q_learning.py", True),
        ("notebooks/source/build.py", True),
        ("notebooks/01_q_learning.ipynb", None),
        ("notebooks/solutions/01_q_learning.ipynb", None),
        ("tests/test_files.py", None),
        ("/elsewhere/binpack/course/anything.py", None),
    ],
)
def test_doctests_are_looked_for_in_the_rooms_that_have_them_and_no_lesson_is_imported(path, ignored):
    assert pytest_course.pytest_ignore_collect(ROOT / path, SimpleNamespace(rootpath=ROOT)) is ignored


@pytest.mark.parametrize("room", pytest_course.DOCTESTED)
def test_each_of_those_rooms_has_examples(room):
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "binpack" / room).glob("*.py")]
    assert sum(text.count("    >>> ") for text in texts) >= 2


def scope(nodeid: str) -> str:
    """Return what a test is dealt out with."""
    scheduling = SimpleNamespace(config=SimpleNamespace(rootpath=ROOT))
    return pytest_course._Scheduling._split_scope(scheduling, nodeid)


@pytest.mark.parametrize("name", ["notebooks/01_q_learning.ipynb", "notebooks/solutions/01_q_learning.ipynb"])
def test_a_notebook_is_dealt_out_whole(name):
    assert scope(f"{name}::Cell 3") == scope(f"{name}::Cell 12") == name


def test_a_file_that_makes_something_for_all_its_tests_is_dealt_out_whole_and_others_test_by_test():
    for nodeid in ("tests/test_files.py::test_a[x::y]", "binpack/core/features.py::binpack.core.features.contact"):
        assert scope(nodeid) == nodeid
    assert "study(tmp_path_factory)" in (ROOT / "tests/cli/test_cli.py").read_text(encoding="utf-8")
    assert scope("tests/cli/test_cli.py::test_version_and_help") == "tests/cli/test_cli.py"
