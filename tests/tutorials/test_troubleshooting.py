"""The page of troubles: what it says that you see is what is seen."""

import fcntl
import re

import pytest
from guides import ROOT, Guide

from binpack.files import InputError
from binpack.search.locks import lock
from binpack.search.storage import locate

GUIDE = Guide.read("troubleshooting.md")
OURS = [block.text.strip() for block in GUIDE.blocks if "not run" in block.marks and block.text.startswith("binpack:")]


def test_what_goes_wrong_looks_as_the_page_says(guide_reader):
    guide_reader.take_all(GUIDE)


def test_a_second_tuner_gets_the_line_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.runs").mkdir()
    with (tmp_path / "study.runs" / "lock").open("w") as held:
        held.write("4711\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError) as refused, lock(locate("study.journal")):
            pass
    (block,) = GUIDE.section("being tuned by another process")
    assert block.text == f"binpack: error: {refused.value}\n"


@pytest.mark.parametrize("line", OURS)
def test_our_messages_that_are_not_run_are_in_the_code(line):
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "binpack").rglob("*.py"))
    said = line.removeprefix("binpack: error: ").removeprefix("binpack: ")
    words = [part for part in re.split(r"study\.journal|\bprocess \d+|\d+", said) if part]
    assert len(words) >= 1 and all(part in code for part in words), words
