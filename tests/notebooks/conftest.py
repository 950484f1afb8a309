"""The tiny lesson, where this process finds it."""

import sys

import pytest
from tiny_lesson import LESSON, write_exercises

import binpack.course
from binpack.course.exercises.core import _REGISTRY


@pytest.fixture
def exercises(tmp_path, monkeypatch):
    """A folder whose lesson this process knows."""
    package = "binpack.course.l01_tiny"
    write_exercises(tmp_path)
    monkeypatch.setattr(binpack.course, "__path__", [*binpack.course.__path__, str(tmp_path)])
    yield tmp_path
    for name in (package, f"{package}.exercises"):
        sys.modules.pop(name, None)
    for key in [key for key in _REGISTRY if key[0].startswith(package)]:
        del _REGISTRY[key]


@pytest.fixture
def source(exercises):
    """The tiny lesson, not built."""
    path = exercises / "notebooks" / "source" / "01_tiny.py"
    path.parent.mkdir(parents=True)
    path.write_text(LESSON, encoding="utf-8")
    return path
