"""The development container opens the course with the README's command, on a Python that the pins admit."""

import json
import re
from pathlib import Path

from binpack.system import PYTHONS

ROOT = Path(__file__).resolve().parents[1]
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))


def test_it_runs_the_readmes_command_in_two_parts():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^<!-- command: lab -->\n```bash\n(.*?)\n```$", readme, re.MULTILINE | re.DOTALL)[1]
    assert f"{CONTAINER['postCreateCommand']} && {CONTAINER['postAttachCommand']}" == command


def test_its_python_is_one_of_the_courses():
    version = tuple(map(int, re.fullmatch(r"python:(\d+)\.(\d+)-\w+", CONTAINER["image"]).groups()))
    assert PYTHONS[0] <= version <= PYTHONS[1]


def test_the_port_is_the_one_that_lab_tries_first():
    from inspect import signature

    from binpack.cli.lab import lab

    assert CONTAINER["forwardPorts"] == [signature(lab).parameters["port"].default]
