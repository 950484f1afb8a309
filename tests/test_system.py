"""The environment check: each row on made-up machines, and the whole on this one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from binpack import system
from binpack.cli import lab


def test_every_row_has_a_name_and_a_detail_and_a_bad_one_says_what_to_do():
    rows = system.check()
    assert [row.name for row in rows] == ["Python", "packages", "cores", "memory", "GPU", "kernel", "disk", "writable"]
    for row in rows:
        assert isinstance(row.ok, bool)
        assert row.detail
        assert row.ok or row.advice


def test_this_environment_is_the_pinned_one():
    row = system.check_packages()
    assert row.ok, row.detail
    assert "torch 2.13.0" in row.detail


def test_lines_show_ok_or_what_to_do():
    rows = [system.Row("a", True, "fine"), system.Row("long name", False, "bad", "do this")]
    assert list(system.lines(rows)) == ["OK  a          fine", "--  long name  bad", "               do: do this"]


@pytest.mark.parametrize(("version", "ok"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
def test_python(version, ok):
    row = system.check_python(version)
    assert row.ok is ok
    assert bool(row.advice) is not ok


def test_pins_reads_names_markers_extras_and_comments():
    text = "# a\n\nBox2D==2.3.10  # b\ngymnasium[box2d]==1.4.0\nold==1 ; python_version < '3.0'\n-e .\n"
    assert system.pins(text) == {"box2d": "2.3.10", "gymnasium": "1.4.0"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("numpy>=2", "line 2: 'numpy>=2' is not an exact pin such as numpy==2.4.6"),
        ("numpy", "line 2: 'numpy' is not an exact pin"),
        ("numpy==2.*", "line 2: 'numpy==2.*' is not an exact pin"),
        ("=2", "line 2: '=2' is not a requirement"),
    ],
)
def test_pins_refuses_what_is_not_a_pin(line, message):
    with pytest.raises(ValueError, match=r"requirements\.txt") as raised:
        system.pins(f"torch==2.13.0\n{line}\n")
    assert message in str(raised.value)


def test_packages_names_what_differs_and_how_to_mend_it():
    row = system.check_packages({"numpy": "0.0.1", "no-such-package": "1.0"})
    assert not row.ok
    assert "(pinned 0.0.1)" in row.detail
    assert "no-such-package missing (pinned 1.0)" in row.detail
    assert row.advice.endswith("-m pip install -r requirements.txt")


def test_packages_shows_a_few_of_many():
    row = system.check_packages({f"missing-{number}": "1" for number in range(9)})
    assert row.detail.endswith("and 5 more")


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2.0),
        ({"cpu.max": "garbage"}, None),
        ({}, None),
    ],
)
def test_cgroup_cores(tmp_path, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert system.cgroup_cores(tmp_path) == cores


def test_cores_are_never_a_reason_to_stop():
    assert system.check_cores(2.0) == ("cores", True, "2 usable", "")
    assert "twice as long" in system.check_cores(1.0).detail
    assert 0 < system.usable_cores() <= os.cpu_count()


def test_memory_of_the_machine_and_of_the_container(tmp_path):
    proc = tmp_path / "meminfo"
    proc.write_text("MemTotal: 16000000 kB\nMemAvailable:    8388608 kB\n")
    assert system.available_memory(proc, tmp_path) == 8 * system.GIB
    (tmp_path / "memory.max").write_text("max")
    (tmp_path / "memory.current").write_text("5")
    assert system.available_memory(proc, tmp_path) == 8 * system.GIB
    (tmp_path / "memory.max").write_text(str(3 * system.GIB))
    (tmp_path / "memory.current").write_text(str(system.GIB))
    assert system.available_memory(proc, tmp_path) == 2 * system.GIB
    assert system.available_memory(tmp_path / "nothing", tmp_path) is None


def test_little_memory_is_told_with_advice():
    assert system.check_memory(4 * system.GIB).ok
    assert "close other kernels" in system.check_memory(system.GIB).advice


def test_kernel_of_another_interpreter_is_found_out(tmp_path, monkeypatch):
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        '{"argv": ["/elsewhere/bin/python"], "display_name": "x", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    row = system.check_kernel()
    assert not row.ok
    assert "/elsewhere/bin/python" in row.detail
    assert row.advice == f"{sys.executable} -m ipykernel install --sys-prefix"


def test_own_kernel_is_found(monkeypatch, tmp_path):
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert system.check_kernel() == ("kernel", True, f"python3 is {sys.executable}", "")


def test_writable(tmp_path):
    assert system.check_writable(tmp_path).ok
    row = system.check_writable(tmp_path / "nowhere")
    assert not row.ok
    assert "No such file" in row.detail
    assert list(tmp_path.iterdir()) == []


def test_disk(monkeypatch, tmp_path):
    assert system.check_disk(tmp_path).ok
    monkeypatch.setattr(system.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    assert system.check_disk(tmp_path).advice.startswith("free 1 GiB")


def test_private_folders_are_inside_the_checkout(tmp_path, monkeypatch):
    assert all(Path(folder).is_relative_to(system.checkout()) for folder in system.private_folders().values())
    monkeypatch.setattr(tempfile, "tempdir", None)
    folders = system.private_folders(tmp_path)
    for name in folders:
        monkeypatch.delenv(name, raising=False)
    assert system.use_private_folders(tmp_path) == folders
    for name, folder in folders.items():
        assert os.environ[name] == folder
        assert Path(folder).is_dir()
        monkeypatch.delenv(name)


def test_a_package_that_is_not_in_a_checkout_writes_into_the_users_cache(tmp_path, monkeypatch):
    """Copied to where pip puts it: nothing may be written beside it."""
    site = tmp_path / "site-packages"
    (site / "binpack").mkdir(parents=True)
    shutil.copy(system.__file__, site / "binpack")
    program = "import importlib.util as u; s = u.spec_from_file_location('system', {!r}); m = u.module_from_spec(s); "
    program += "s.loader.exec_module(m); print(*sorted(set(m.use_private_folders().values())), sep='\\n')"
    for variable, place in (("XDG_CACHE_HOME", "cache"), ("HOME", "home/.cache")):
        environ = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
        environ[variable] = str(tmp_path / place.split("/")[0])
        line = [sys.executable, "-c", program.format(str(site / "binpack" / "system.py"))]
        shown = subprocess.run(line, env=environ, capture_output=True, text=True, check=True).stdout.split()
        assert shown and all(Path(each).is_relative_to(tmp_path / place / "binpack") for each in shown)
        assert all(Path(each).is_dir() for each in shown)
    assert [path.name for path in site.iterdir()] == ["binpack"]


def test_private_folders_are_where_jupyter_and_matplotlib_write(tmp_path):
    program = (
        "import matplotlib; from jupyter_core import paths; from IPython.paths import get_ipython_dir as ipython\n"
        "print(matplotlib.get_configdir(), matplotlib.get_cachedir(), ipython(), paths.jupyter_config_dir(),"
        " paths.jupyter_data_dir(), paths.jupyter_runtime_dir(), sep='\\n')"
    )
    environ = {**os.environ, **system.private_folders(tmp_path)}
    written = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert len(written.stdout.split()) == 6
    assert all(Path(folder).is_relative_to(tmp_path) for folder in written.stdout.split()), written.stdout


def test_temporary_files_are_inside_the_checkout_unless_sockets_would_break(monkeypatch):
    assert system.private_folders(Path("/course"))["TMPDIR"] == "/course/.cache/tmp"
    assert "TMPDIR" not in system.private_folders(Path("/" + "x" * 62))
    assert system.private_folders(Path("/course"))["TORCHINDUCTOR_CACHE_DIR"].startswith("/course/.cache/")


def test_temporary_folder_is_used_at_once(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/elsewhere")
    folders = system.use_private_folders()
    assert tempfile.gettempdir() == folders.get("TMPDIR", tempfile.gettempdir()) != "/elsewhere"


def test_jupyterlab_does_not_ask_for_news(tmp_path):
    file = lab.write_settings(tmp_path)
    assert file == tmp_path / "labconfig" / "default_setting_overrides.json"
    settings = json.loads(file.read_text())["@jupyterlab/apputils-extension:notification"]
    assert settings == {"fetchNews": "false", "checkForUpdates": False}
