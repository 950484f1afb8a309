"""``check`` and ``lab``: is everything there, and JupyterLab on the course."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from binpack import system
from binpack.cli.privacy import check_private, remove_stale
from binpack.course import working_copy
from binpack.files import InputError

SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
"""JupyterLab's defaults here: it neither asks whether to fetch news nor looks for updates; who wants to can."""

STYLE = """\
/* plotly's scenes keep the wheel to themselves: only the one in the cell that was clicked is turned, or the page would
   not scroll over the others */
.jp-Cell:not(.jp-mod-active) .jp-RenderedPlotly .gl-container { pointer-events: none; }
"""
"""What JupyterLab adds to its style sheets here."""


def check() -> None:
    """Check this machine: OK, or what to do."""
    system.use_private_folders()
    from binpack.plots.letters import korean_fonts

    letters = system.Row("letters", True, korean_fonts())
    rows = [*system.check(), letters, check_private(system.checkout())]
    for line in system.lines(rows):
        typer.echo(line)
    if not all(row.ok for row in rows):
        raise typer.Exit(1)


def lab(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="First port to try.")] = 8888,
    browser: Annotated[
        bool | None,
        typer.Option("--browser/--no-browser", help="Open a browser here; by default if there is a display."),
    ] = None,
    reset: Annotated[
        str | None,
        typer.Option(
            metavar="LESSON",
            help="Renew your copy of a lesson, 03 or 02b; what you had stays beside it. Starts nothing.",
        ),
    ] = None,
) -> None:
    """Open JupyterLab on the course, at lesson 00, in your own copy of the lessons: my_lessons/.

    It answers on 127.0.0.1 only, asks for its token, looks nothing up in the network, and writes inside the checkout.
    """
    root = system.checkout()
    if not working_copy.lessons(root):
        raise typer.BadParameter(f"{root} has no notebooks: run the command in a checkout of the course")
    if reset is not None:
        renew(root, reset)
        return
    for line in working_copy.update(root).lines():
        typer.echo(line)
    port = free_port(port)
    command = lab_command(root, port, has_display() if browser is None else browser)
    os.umask(0o077)  # Jupyter writes its token into a file that it leaves to the umask
    folders = system.use_private_folders()
    remove_stale(Path(folders["JUPYTER_RUNTIME_DIR"]))
    write_settings(Path(folders["JUPYTER_CONFIG_DIR"]))
    typer.echo(f"JupyterLab starts on port {port}; open the address with ?token=... that it prints below.")
    typer.echo(f"On a remote machine, first run on your own:  ssh -L {port}:localhost:{port} user@instance")
    sys.stdout.flush()
    os.execv(command[0], command)


def renew(root: Path, number: str) -> None:
    """Renew the learner's copy of a lesson and say where what was there is kept.

    Args:
        root: the checkout.
        number: of the lesson.

    Raises:
        InputError: there is no such lesson.
    """
    done = working_copy.reset(root, number)
    typer.echo(f"{done.lesson.relative_to(root)} is as the course has it.")
    for kept in done.kept:
        typer.echo(f"Yours is now {kept.relative_to(root)}.")
    if done.kept:
        typer.echo("In a JupyterLab that runs: File, Reload Notebook from Disk.")


def write_settings(config: Path) -> Path:
    """Write the defaults of JupyterLab's settings, and its style, where it looks for them; return the former's file.

    Args:
        config: Jupyter's configuration folder.
    """
    style = config / "custom" / "custom.css"
    style.parent.mkdir(parents=True, exist_ok=True)
    style.write_text(STYLE, encoding="utf-8")
    file = config / "labconfig" / "default_setting_overrides.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(SETTINGS, indent=2) + "\n", encoding="utf-8")
    return file


def lab_command(root: Path, port: int, browser: bool) -> list[str]:
    """Return the command that starts JupyterLab on the first lesson of the learner's copy.

    Args:
        root: a checkout with lessons.
        port: a free port of 127.0.0.1.
        browser: whether Jupyter opens a browser by itself.
    """
    first = next(iter(working_copy.lessons(root).values()))
    command = [
        sys.executable,
        *("-m", "jupyterlab", str(root / working_copy.FOLDER)),
        f"--LabApp.default_url=/lab/tree/{first.name}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.open_browser={browser}",
        # no news, no look for updates, no list of extensions from a registry: the machine may have no way out
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.custom_css=True",  # what write_settings wrote
        # none is installed, and looking for language servers runs npm, which writes into the home folder
        "--LanguageServerManager.autodetect=False",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--ServerApp.allow_root=True")  # cloud images and containers often have no other user
    return command


def free_port(first: int, tries: int = 50) -> int:
    """Return the first free port of 127.0.0.1 from ``first`` on.

    Raises:
        ValueError: if none of ``tries`` ports is free.
    """
    for port in range(first, min(first + tries, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise InputError(f"no free port from {first} to {min(first + tries, 65536) - 1}: choose another with --port")


def has_display() -> bool:
    """Tell whether a browser opened here would be seen: a display, and no one logged in over SSH."""
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in os.environ
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) and "SSH_CONNECTION" not in os.environ
