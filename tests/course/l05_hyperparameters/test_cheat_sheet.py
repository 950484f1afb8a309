"""The cheat sheet."""

import pytest
from invented_sweeps import invented

from binpack.course.l05_hyperparameters import cheat_sheet, results
from binpack.course.l05_hyperparameters.results import Sweeps


@pytest.fixture(scope="module")
def record() -> Sweeps:
    """Six seeds of invented scores."""
    return Sweeps(invented())


def test_there_is_a_row_for_each_hyperparameter_the_costliest_first(record):
    rows = cheat_sheet.table(record).rows
    assert {row[0] for row in rows} == set(results.KNOBS) and len(rows) == len(results.KNOBS)
    spreads = [float(row[6]) for row in rows]
    assert spreads == sorted(spreads, reverse=True) and rows[0][0] == "learning_rate"
    assert rows[0][5] == "0.001" and rows[0][7].endswith(" ahead")


def test_the_page_needs_nothing_else(record):
    page = cheat_sheet.page(record)
    assert page.startswith("<!doctype html>") and "http" not in page and "<script" not in page
    assert "size: A4 landscape" in page and page.count("<tr>") == 1 + len(results.KNOBS)
    assert "6 seeds" in page and "settings here that are not behind the default" in page


def test_it_is_written_by_the_command(record, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "load", lambda: record)
    cheat_sheet.main([str(tmp_path / "sheet.html")])
    assert (tmp_path / "sheet.html").read_text(encoding="utf-8") == cheat_sheet.page(record)
    assert "wrote" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a.html", "b.html"], ["sheet.pdf"]])
def test_anything_else_is_answered_in_one_line(arguments):
    with pytest.raises(SystemExit, match=r"^expected one argument, the file to write: out.html$"):
        cheat_sheet.main(arguments)
