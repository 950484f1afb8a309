"""The guide to Optuna: every block is typed, and what it prints holds whatever the recorded study says."""

import pytest
from guides import Guide

from binpack.search import Space, load_result
from binpack.search.landscape import surrogate

GUIDE = Guide.read("optuna.md")


@pytest.mark.skipif(not surrogate.FILE.exists(), reason="the study's surrogate is not recorded yet")
def test_every_block_of_the_guide_runs(guide_reader):
    guide_reader.take_all(GUIDE)
    found = load_result(guide_reader.folder / "mine.journal")
    assert len(found.rows) == 3 and found.comparison is not None and len(found.comparison.best) == 3
    assert (guide_reader.folder / "history.html").stat().st_size > 10_000


def test_the_space_of_the_guide_is_one():
    assert Space.model_validate_json(GUIDE.of("json")[0]).names == ["learning_rate", "n_epochs"]
