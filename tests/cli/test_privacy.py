"""What other users of a machine can read and write: nothing of a token's, and a warning about the rest."""

import json
import os
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from binpack import system
from binpack.__main__ import main
from binpack.cli.privacy import check_private, remove_stale

NOBODY = 65534


@pytest.fixture
def umask():
    """A user who shares everything."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def environment(monkeypatch):
    """Variables and the temporary folder come back at the end."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    for name, value in system.private_folders().items():
        monkeypatch.setenv(name, value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [0o755, 0o777, 0o700, None])
def test_private_folders_are_private_whatever_the_umask_and_whatever_was_there(tmp_path, umask, environment, before):
    runtime = tmp_path / ".cache" / "jupyter" / "runtime"
    if before is not None:
        runtime.mkdir(parents=True)
        runtime.chmod(before)
        runtime.parents[1].chmod(before)
    folders = set(map(Path, system.use_private_folders(tmp_path).values()))
    for folder in (tmp_path / ".cache", *(tmp_path / ".cache").rglob("*")):
        assert mode(folder) == 0o700 if folder in folders else not mode(folder) & 0o022


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_reads_nothing(umask, environment):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        runtime = Path(system.use_private_folders(root)["JUPYTER_RUNTIME_DIR"])
        (runtime / "jpserver-1-open.html").write_text("token")
        program = (
            "import pathlib, sys; root = pathlib.Path(sys.argv[1]); print([str(path) for path in root.rglob('*')])\n"
            "print(open(sys.argv[2]).read())"
        )
        line = ["/usr/bin/env", "python3", "-c", program, str(root), str(runtime / "jpserver-1-open.html")]
        seen = subprocess.run(line, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True)
        if "Permission denied: '/root" in seen.stderr or seen.returncode == 126:
            pytest.skip("no Python that another user may run")
        assert "token" not in seen.stdout and ("PermissionError" in seen.stderr or seen.returncode != 0)
        assert "jpserver" not in seen.stdout


def test_stale_runtime_files_go_and_those_of_what_runs_stay(tmp_path):
    with socket.socket() as listening, socket.socket() as closed:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        closed.bind(("127.0.0.1", 0))
        used, unused = listening.getsockname()[1], closed.getsockname()[1]
        closed.close()
        dead, own = 2**22 + 1, os.getpid()
        files = {
            f"jpserver-{dead}.json": {"port": used},
            f"jpserver-{dead}-open.html": None,
            f"jpserver-file-to-run-{dead}-open.html": None,
            "jpserver-99999999999999999999.json": {"port": used},
            "jpserver-1.json": {"port": unused},  # the number is another process's by now
            "jpserver-1-open.html": None,
            "kernel-a.json": {"shell_port": unused},
            "kernel-b.json": None,
            "kernel-c.json": {"shell_port": "no number"},
            "kernel-d.json": {"shell_port": 10**9},
            f"jpserver-{own}.json": {"port": used},
            f"jpserver-{own}-open.html": None,
            "kernel-live.json": {"shell_port": used},
            "jupyter_cookie_secret": None,
        }
        for name, content in files.items():
            (tmp_path / name).write_text("" if content is None else json.dumps(content))
        removed = remove_stale(tmp_path)
    live = {f"jpserver-{own}.json", f"jpserver-{own}-open.html", "kernel-live.json", "jupyter_cookie_secret"}
    assert {path.name for path in tmp_path.iterdir()} == live
    assert set(removed) == set(files) - live


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A checkout that only this user writes, whatever lies above it."""
    for name in ("binpack/core", "notebooks", "my_lessons", ".git"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "binpack" / "core" / "a.py").touch()
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755)
    monkeypatch.setattr(type(tmp_path), "parents", property(lambda self: ()))
    return tmp_path


@pytest.mark.parametrize(
    "place", [".", "binpack", "binpack/core", "binpack/core/a.py", "notebooks", "my_lessons", ".git"]
)
def test_a_checkout_that_others_can_write_is_told_with_advice(course, place):
    assert check_private(course).advice == ""
    (course / place).chmod(0o777)
    row = check_private(course)
    assert row.ok and f"other users can write {course / place}: what they put there runs as you" in row.detail
    assert "chmod -R go-w" in row.advice


def test_a_group_counts_where_it_has_others_in_it(course, monkeypatch):
    (course / "binpack").chmod(0o775)
    monkeypatch.setattr("binpack.cli.privacy._shared", lambda group: False)
    assert check_private(course).advice == ""
    monkeypatch.setattr("binpack.cli.privacy._shared", lambda group: True)
    assert check_private(course).advice


def test_many_are_counted_and_links_are_passed_over(course):
    for number in range(5):
        (course / "notebooks" / f"{number}.ipynb").touch()
        (course / "notebooks" / f"{number}.ipynb").chmod(0o666)
    (course / "binpack" / "link").symlink_to("nowhere")
    assert "2.ipynb and 2 more: what" in check_private(course).detail


def test_a_folder_above_counts_unless_others_can_only_add_to_it(tmp_path):
    root = tmp_path / "above" / "course"
    root.mkdir(parents=True)
    for given, told in ((0o777, True), (0o1777, False), (0o755, False)):
        (tmp_path / "above").chmod(given)
        assert (str(tmp_path / "above") + ":" in check_private(root).detail) is told


def test_check_says_it_and_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(system, "check", lambda: [])
    monkeypatch.setattr("binpack.cli.lab.check_private", lambda root: system.Row("privacy", True, "open", "close it"))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.endswith("!!  privacy  open\n             do: close it\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_cache_that_is_another_users_is_left_to_them(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "checkout", lambda: tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert system.cache_folder() == tmp_path / ".cache"
    (tmp_path / ".cache").mkdir()
    os.chown(tmp_path / ".cache", NOBODY, NOBODY)
    assert system.cache_folder() == tmp_path / "own" / "binpack"
