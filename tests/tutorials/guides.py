"""Markdown guides that are run: their blocks, and a reader who types them in order.

A fenced block is run as its language says, in one folder for the guide:

- ``bash``: by a shell that stops at the first failure; ``.venv/bin/python`` is there, as in a checkout;
- ``python``: in one process for the whole guide, which remembers names as a notebook does;
- ``json``: must be JSON;
- ``text`` and ``csv``: are looked at, not run.

Any other language needs one of the marks that stand in comments above a block, a line each, unseen on the page:

- ``<!-- file: mine.py -->``: the reader saves it under that name; it is not run;
- ``<!-- output -->``: it is what the last block that was run printed; ``...`` stands for anything;
- ``<!-- fails: 2 -->``: a ``bash`` block ends with that exit code;
- ``<!-- not run: needs a cloud account -->``: never run, and why;
- ``<!-- stays -->``: it does not end by itself, as a server does; it is ended after the guide;
- ``<!-- on: instance -->``: where it is typed, for a guide whose test has several machines.

A guide's test is as long as this, with `guide_reader` of this folder's ``conftest.py``:

    def test_every_block_of_the_guide_runs(guide_reader):
        guide_reader.take_all(Guide.read("optuna.md"))
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tutorials"
LONGEST = 300
"""Seconds that a block may take; a machine may be busy with other things."""

_MARKS = {"file", "output", "fails", "not run", "stays", "on"}
_KNOWN = {"bash", "python", "json", "text", "csv"}

_SESSION = """
import json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    asked, ended = json.loads(line), 0
    try:
        exec(compile("\\n" * asked["line"] + asked["text"], asked["guide"], "exec"), names)
    except BaseException:
        ended = 1
        traceback.print_exc()
    print(f"\\n\\x1e{ended}", flush=True)
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide.

    Attributes:
        guide: the guide's file name.
        line: where its fence stands, from 1.
        language: what stands behind the fence.
        text: what is in it.
        heading: of the section that it stands in.
        marks: name to value, empty for a mark without one.
    """

    guide: str
    line: int
    language: str
    text: str
    heading: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.guide}, line {self.line}"

    @property
    def handling(self) -> str:
        """What a reader does with it: its language, or what its marks say instead."""
        for mark in ("not run", "file", "output", "stays"):
            if mark in self.marks:
                return mark
        return self.language

    def faults(self) -> Iterator[str]:
        """Say what is wrong with how the block is marked."""
        for unknown in sorted(set(self.marks) - _MARKS):
            yield f"{self}: unknown mark {unknown!r}"
        if self.handling not in {*_KNOWN, "not run", "file", "output", "stays"}:
            yield f"{self}: a block in {self.language or 'no language'} is neither run nor marked"
        if self.handling == "not run" and len(self.marks["not run"].split()) < 2:
            yield f"{self}: says no reason why it is not run"
        if "fails" in self.marks and (self.language != "bash" or not self.marks["fails"].isdigit()):
            yield f"{self}: 'fails' takes an exit code, of a bash block"


@dataclass(frozen=True)
class Guide:
    """A Markdown guide.

    Attributes:
        name: of its file in ``tutorials/``.
        text: all of it.
    """

    name: str
    text: str

    @classmethod
    def read(cls, name: str, replace: Mapping[str, str] | None = None) -> Guide:
        """Read a guide of ``tutorials/``.

        Args:
            name: of the file.
            replace: text to text, for what cannot be the same on another machine, such as a port.

        Raises:
            AssertionError: what should be replaced does not occur.
        """
        text = (FOLDER / name).read_text(encoding="utf-8")
        for old, new in (replace or {}).items():
            assert old in text, f"{name} does not say {old!r}"
            text = text.replace(old, new)
        return cls(name, text)

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order; those in list items too, without their indentation."""
        found, marks, heading, lines = [], {}, "", iter(enumerate(self.text.splitlines(), start=1))
        for number, line in lines:
            if mark := re.fullmatch(r"\s*<!-- ([a-z ]+?)(?:: (.*?))? -->", line):
                marks[mark[1]] = mark[2] or ""
            elif fence := re.fullmatch(r"( *)(`{3,})(\S*)", line):
                inside = []
                for _, each in lines:
                    if each.strip() == fence[2]:
                        break
                    inside.append(each.removeprefix(fence[1]))
                else:
                    raise AssertionError(f"{self.name}, line {number}: the block has no end")
                text = "".join(f"{each}\n" for each in inside)
                found.append(Block(self.name, number, fence[3], text, heading, marks))
                marks = {}
            elif line.strip():
                marks = {}  # a comment that belongs to no block
                heading = line.lstrip("# ") if line.startswith("#") else heading
        return found

    def of(self, language: str) -> list[str]:
        """Return what is in the blocks of a language."""
        return [block.text for block in self.blocks if block.language == language]

    def section(self, heading: str) -> list[Block]:
        """Return the blocks below a heading, up to the next one."""
        found = [block for block in self.blocks if block.heading == heading]
        assert found, f"{self.name} has no block under {heading!r}"
        return found

    @property
    def prose(self) -> str:
        """The text without blocks and comments."""
        return re.sub(r"^ *(`{3,}).*?^ *\1$|<!--.*?-->", "", self.text, flags=re.MULTILINE | re.DOTALL)


class Reader:
    """Types a guide's blocks in a folder, and looks at what they print.

    Args:
        folder: a folder that exists, where the guide's files go.
        environment: variables that its commands see beside this process's own.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.printed = ""
        """What the last block that was run printed."""
        self.environment = reader_environment(environment or {})
        self._python: subprocess.Popen[str] | None = None
        self._staying: list[subprocess.Popen[str]] = []
        if not (folder / ".venv").exists():
            (folder / ".venv").symlink_to(sys.prefix)

    def take_all(self, guide: Guide) -> None:
        """Take every block of a guide."""
        assert [fault for block in guide.blocks for fault in block.faults()] == []
        for block in guide.blocks:
            self.take(block)

    def take(self, block: Block) -> None:
        """Do with a block what its language and its marks say.

        Raises:
            AssertionError: it failed, or printed something else than the guide says.
        """
        if block.handling == "file":
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            if path.suffix == ".json":
                json.loads(block.text)
        elif block.handling == "output":
            assert same(self.printed, block.text), f"{block} says\n{block.text}\nand this came:\n{self.printed}"
        elif block.handling == "json":
            json.loads(block.text)
        elif block.handling == "stays":
            options = {**_caught(self.folder, self.environment, subprocess.DEVNULL), "stdout": subprocess.DEVNULL}
            self._staying.append(subprocess.Popen(self.typed(block), **options))
        elif block.handling == "bash":
            code, self.printed = run(self.typed(block), self.folder, self.environment)
            wanted = int(block.marks.get("fails", 0))
            assert code == wanted, f"{block} ended with {code}, expected {wanted}:\n{self.printed}"
        elif block.handling == "python":
            code, self.printed = self._exec(block)
            assert code == 0, f"{block} failed:\n{self.printed}"

    def typed(self, block: Block) -> list[str]:
        """Return the command that runs a block of ``bash``."""
        return ["bash", "--norc", "-euo", "pipefail", "-c", block.text]

    def _exec(self, block: Block) -> tuple[int, str]:
        if self._python is None:
            self._python = subprocess.Popen(
                [self.folder / ".venv" / "bin" / "python", "-c", _SESSION],
                **_caught(self.folder, self.environment, subprocess.PIPE),
            )
        python, printed = self._python, []
        assert python.stdin and python.stdout
        with _time_limit(python):
            python.stdin.write(json.dumps({"guide": block.guide, "line": block.line, "text": block.text}) + "\n")
            python.stdin.flush()
            for line in python.stdout:
                if line.startswith("\x1e"):
                    return int(line[1:]), "".join(printed).removesuffix("\n")
                printed.append(line)
        raise AssertionError(f"{block} ended Python, or took more than {LONGEST} s:\n{''.join(printed)}")

    def close(self) -> None:
        """End the Python that ran the blocks, what it started, and what stays."""
        for process in (*self._staying, *([self._python] if self._python else [])):
            _kill(process)
            process.communicate()
        self._python, self._staying = None, []


def reader_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a reader: this checkout's package and interpreter, and 100 columns.

    Args:
        more: further ones.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
    path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **more}


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command to its end.

    Returns:
        Its exit code, and what it printed on both streams.

    Raises:
        AssertionError: it took too long.
    """
    process = subprocess.Popen(command, **_caught(folder, environment, subprocess.DEVNULL))
    with _time_limit(process) as late:
        printed = process.communicate()[0]
    assert not late.is_set(), f"{command[-1]}\ntook more than {LONGEST} s:\n{printed}"
    return process.returncode, printed


def _caught(folder: Path, environment: Mapping[str, str], stdin: int) -> dict[str, Any]:
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "backslashreplace"}
    return {"cwd": folder, "env": dict(environment), "stdin": stdin, "start_new_session": True, **both}


@contextlib.contextmanager
def _time_limit(process: subprocess.Popen[str]) -> Iterator[threading.Event]:
    """Kill a process and what it started after `LONGEST` seconds; the event says whether that happened."""
    late = threading.Event()
    timer = threading.Timer(LONGEST, lambda: (late.set(), _kill(process)))
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def same(printed: str, shown: str) -> bool:
    """Compare what was printed with what a guide shows: blank ends do not count, and ``...`` is anything.

    >>> same("score 0.61 after 3 s", "score ... after ... s")
    True
    """
    parts = (re.escape(part) for part in _trimmed(shown).split("..."))
    return re.fullmatch(".*?".join(parts), _trimmed(printed), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
