"""``worker``: what was typed wrong, and what is missing, is one line."""

from __future__ import annotations

import sys

import pytest

from binpack.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        ([], "a PostgreSQL server is needed: --storage postgresql://USER@HOST/DATABASE, or BINPACK_STORAGE", 2),
        (["--storage", "study.journal"], "study.journal is no PostgreSQL server", 2),
        (["--storage", "sqlite:///a.db"], "sqlite:///a.db is no PostgreSQL server", 2),
        (["--storage", "postgresql://h/d", "--tries", "0"], "0: expected 1 or more", 2),
        (["--storage", "postgresql://h/d", "--lease", "0"], "0: expected from 1 to 86400 seconds", 2),
        (["--storage", "postgresql://h/d", "--patience", "nan"], "nan: expected from 0 to 86400 seconds", 2),
        (["--storage", "postgresql://ann:s3cret@127.0.0.1:1/d"], "ann:***@127.0.0.1:1/d does not answer", 1),
        (["--storage", "postgresql://ann:s3cret@localhost:port/d"], "@localhost:port/d is no URL of a server: ", 2),
    ],
)
def test_what_is_wrong_is_one_line(arguments, words, code, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BINPACK_STORAGE", raising=False)
    assert main(["worker", *arguments]) == code
    output = capsys.readouterr()
    assert words in output.err and output.err.count("\n") == 1 and output.out == ""
    assert "s3cret" not in output.err and not list(tmp_path.iterdir())


def test_the_environment_names_a_server_and_a_missing_driver_is_named_with_its_command(monkeypatch, capsys):
    monkeypatch.setenv("BINPACK_STORAGE", "postgresql://ann:s3cret@127.0.0.1/d")
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    needs = "postgresql://ann:***@127.0.0.1/d needs PostgreSQL's driver: pip install 'psycopg[binary]'"
    assert main(["worker"]) == 2
    assert capsys.readouterr().err == f"binpack: error: {needs}\n"
    # a study's storage says the same
    assert main(["show", "postgresql://ann:s3cret@127.0.0.1/d"]) == 2
    assert capsys.readouterr().err == f"binpack: error: {needs}\n"
