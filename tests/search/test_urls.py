"""A storage's password is in no message, file, table, figure or process title."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_study import Fake, config, held_out

from binpack.__main__ import main
from binpack.files import read_json, write_json
from binpack.search.space import SearchError
from binpack.search.storage import load_study, locate
from binpack.search.study import tune
from binpack.search.urls import scrub, shown
from binpack.system import hide_argument

SECRET = "tr0ub4dor"


@pytest.mark.parametrize(
    ("storage", "text"),
    [
        ("study.journal", "study.journal"),
        ("runs/a@b:c/study.journal", "runs/a@b:c/study.journal"),
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("postgresql://ann@db/studies", "postgresql://ann@db/studies"),
        ("postgresql://ann:pw@db:5432/studies", "postgresql://ann:***@db:5432/studies"),
        ("postgresql://ann:@db/studies", "postgresql://ann:***@db/studies"),
        ("postgresql://ann:p@ss/w:rd@db/studies", "postgresql://ann:***@db/studies"),
        (
            "mysql+pymysql://db/s?user=ann&password=pw&charset=utf8",
            "mysql+pymysql://db/s?user=ann&password=***&charset=utf8",
        ),
        ("postgresql:///s?host=/run&sslpassword=pw", "postgresql:///s?host=/run&sslpassword=***"),
        ("mysql://db/s?password=p&w&charset=utf8", "mysql://db/s?password=***&charset=utf8"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dpw", "mssql+pyodbc:///?odbc_connect=***"),
        # nothing tells whether the question mark is of the password or begins the query
        ("postgresql://ann:p?w@db/studies", "postgresql://***"),
        ("postgresql://db/studies?password=p@w", "postgresql://***"),
    ],
)
def test_a_url_is_shown_without_its_password(storage, text):
    assert shown(storage) == text
    assert SECRET not in repr(locate(storage.replace("pw", SECRET)))


passwords = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=12)


@given(passwords)
def test_no_password_is_left_of_a_url_whatever_its_signs(password):
    # In front of the host also where it is not quoted as it should be; in a query a raw "&" would end it.
    for form, written in (
        ("postgresql://ann:{}@db:5432/s", password),
        ("postgresql://ann:{}@db:5432/s", quote(password, safe="")),
        ("postgresql://db/s?user=ann&password={}", quote(password, safe="")),
    ):
        # signs that the rest of the URL is made of anyway cannot be told from them
        if not any(sign.isalnum() for sign in password) or password in form:
            continue
        url = form.format(written)
        assert written not in shown(url) and password not in shown(url)
        said = scrub(f"bad: {url}; {password!r}, {password}, {written}", url)
        assert written not in said and password not in said


def test_a_part_that_a_driver_takes_for_the_host_is_no_secret_for_long():
    url = "postgresql://ann:left@right:x%20y@db/s"
    assert scrub('no host "right:x%20y" nor "right"; x y', url) == 'no host "***:***" nor "***"; ***'
    assert scrub("a short one: p in a map", "mysql://ann:p@db/s") == "a short one: *** in a map"


def cases() -> list[str]:
    """URLs that fail: no such driver, no such dialect, a bad port, a host that is not there."""
    drivers = [f"nosuch://ann:{SECRET}@localhost/s", f"postgresql+nosuch://ann:{SECRET}@localhost/s"]
    ports = [f"postgresql://ann:{SECRET}@localhost:port/s", f"mysql+nosuch://localhost/s?password={SECRET}"]
    odd = [f"postgresql://ann:{SECRET}/{SECRET}@localhost:1/s", f"sqlite:///:memory:?password={SECRET}"]
    return [*drivers, *ports, *odd, f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/s"]


@pytest.mark.parametrize("url", cases())
def test_what_goes_wrong_is_said_in_one_line_without_the_password(url, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in (
        ["tune", "--items", "random:1-2", "--bin", "4x4x4", "--trials", "1", "--storage", url],
        ["show", url],
        ["show", url, "--study", "none"],
    ):
        assert main(command) == 2
        output = capsys.readouterr()
        assert output.out == "" and output.err.count("\n") == 1
        assert SECRET not in output.err and "***" in output.err
    with pytest.raises(SearchError) as error:
        load_study(url)
    assert SECRET not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_an_earlier_studys_own_file_loses_its_password(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/s.db?password={SECRET}"
    # sqlite's driver takes no password, so none reaches it
    make = optuna.storages.RDBStorage.__init__
    monkeypatch.setattr(optuna.storages.RDBStorage, "__init__", lambda self, url: make(self, url.partition("?")[0]))
    study = config(n_trials=1, final_seeds=3)
    result = tune(study, url, train=Fake(), held_out=held_out, progress=False)
    own = tmp_path / "s.runs" / "study.json"
    assert read_json(own)["storage"] == f"sqlite:///{tmp_path}/s.db?password=***"
    write_json(own, {name: value for name, value in read_json(own).items() if name != "version"} | {"storage": url})
    assert tune(study, url, train=Fake(), held_out=held_out, progress=False) == result
    assert SECRET not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert SECRET not in result.summary() and SECRET not in str(result.table().title) and SECRET not in repr(result)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a process title is read from /proc")
def test_an_argument_is_overwritten_where_ps_reads_it():
    code = (
        "import sys; from binpack.system import hide_argument; "
        "done = hide_argument(sys.argv[1], 'a://***'); "
        "print(done, open('/proc/self/cmdline').read().split(chr(0))[-2:], sys.argv[1])"
    )
    command = [sys.executable, "-c", code, f"a://{SECRET}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # filled up to the length that it had; the process itself still knows it
    assert done == f"True {['a://***'.ljust(len(SECRET) + 4), '']} a://{SECRET}\n"


def test_an_argument_that_is_not_there_is_no_harm():
    assert hide_argument("no such argument of this process", "***") is False
    assert hide_argument("", "***") is False
