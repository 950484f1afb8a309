"""Lesson 00: its view of the machine."""

import re
import sys
from pathlib import Path

import nbformat

from binpack import system
from binpack.course.l00_start_here import machine

ROOT = Path(__file__).resolve().parents[3]


def test_check_lines_shorten_what_was_found_and_keep_what_to_type(monkeypatch):
    root = system.checkout()
    monkeypatch.setattr(sys, "executable", str(root / ".venv" / "bin" / "python"))
    rows = [
        system.Row("Python", True, f"3.12 at {sys.executable}"),
        system.Row("kernel", False, "python3 is somewhere else", f"{sys.executable} -m ipykernel install"),
        system.Row("disk", True, f"9 GiB free at {root / 'notebooks'}"),
        system.Row("writable", True, str(root)),
    ]
    assert [" ".join(line.split()) for line in machine.check_lines(rows)] == [
        "OK Python 3.12 at .venv/bin/python",
        "-- kernel python3 is somewhere else",
        f"do: {sys.executable} -m ipykernel install",
        "OK disk 9 GiB free at notebooks",
        "OK writable the checkout",
    ]
    monkeypatch.setattr(sys, "executable", "/opt/elsewhere/bin/python3")
    assert list(machine.check_lines([system.Row("Python", True, "3.12 at /opt/elsewhere/bin/python3")])) == [
        "OK  Python  3.12 at python3"
    ]


def test_the_committed_check_names_no_place_outside_the_checkout():
    for path in (ROOT / "notebooks" / "00_start_here.ipynb", ROOT / "notebooks" / "solutions" / "00_start_here.ipynb"):
        text = nbformat.writes(nbformat.read(path, as_version=4))
        for line in re.findall(r"(?:OK|--)  [A-Za-z]+ .*", text):
            assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|usr|opt)/", line), line
