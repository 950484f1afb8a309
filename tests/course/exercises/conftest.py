"""Lessons made for a test."""

import itertools
import sys

import pytest

import binpack.course
from binpack.course.exercises.core import _REGISTRY

_NUMBERS = itertools.count()


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """Makes lessons: `lessons(7, {"exercises.py": text})` returns the name of their package, which is not imported."""
    monkeypatch.setattr(binpack.course, "__path__", [*binpack.course.__path__, str(tmp_path)])
    made: list[str] = []

    def make(number: int, files: dict[str, str], topic: str = "") -> str:
        package = f"l{number:02}_{topic or f'tiny{next(_NUMBERS)}'}"
        for name, text in files.items():
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("PACKAGE", f"binpack.course.{package}"), encoding="utf-8")
        made.append(f"binpack.course.{package}")
        return made[-1]

    yield make
    for name in made:
        for key in [key for key in _REGISTRY if key[0].startswith(f"{name}.")]:
            del _REGISTRY[key]
        for module in [module for module in sys.modules if f"{module}.".startswith(f"{name}.")]:
            del sys.modules[module]
