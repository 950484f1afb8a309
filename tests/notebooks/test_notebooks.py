"""Every committed notebook is what its source makes, was run from top to bottom, and keeps to the form of a lesson."""

import re

import build
import pytest
from lint import lint

SOURCES = build.sources()
NOTEBOOKS = [path for source in SOURCES for path, _ in build.targets(source) if path.exists()]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_notebooks_are_up_to_date_with_their_source(source):
    assert build.out_of_date(source) == [], "run: python notebooks/source/build.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_code_cell_was_executed_in_order(path):
    assert build.not_executed(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_notebook_names_a_place_of_the_machine_that_built_it(path):
    text = path.read_text("utf-8")
    assert re.findall(r"(?<![\w.~:/<-])/(?:work|home|root|tmp|Users|mnt)/[\w.-][\w./-]*", text) == []
    assert build.OWN_FOLDER.findall(text) == []
    assert re.findall(r" at 0x[0-9a-f]{6,}", text) == [], "an object without a text of its own"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_lesson_keeps_to_its_form(source):
    assert lint(source) == []


def test_every_notebook_has_a_source():
    assert build.orphans() == []
