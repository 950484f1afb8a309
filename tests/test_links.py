"""Links, anchors, file names and commands in README, tutorials and lessons lead to what is there."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
import typer
from lesson import lesson_sources, read_source

from binpack.__main__ import app

ROOT = Path(__file__).resolve().parents[1]

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "binpack/agents/shipped/README.md")),
    *sorted((ROOT / "tutorials").glob("*.md")),
]
SOURCES = [*lesson_sources(ROOT / "notebooks" / "source"), *lesson_sources(ROOT / "notebooks" / "source" / "drafts")]
NOTEBOOKS = {f"{source.stem}.ipynb" for source in SOURCES}
BASES = (ROOT, ROOT / "binpack", ROOT / "binpack" / "course", ROOT / "tutorials", ROOT / "notebooks")
TOPS = ("binpack/", "tests/", "notebooks/", "tutorials/", ".ci/", ".github/", ".cursor/", ".devcontainer/")
MADE_BY_A_LEARNER = {".cache/", "my_lessons/", "notebooks/solutions/"}

COMMANDS = typer.main.get_command(app)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")


def prose(text: str) -> str:
    """Return Markdown without its code."""
    return _CODE.sub("` `", _FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Return what a page links to within the checkout: links, pictures, and the lines that give a link its target."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(text))
    found += re.findall(r"(?:src|href|srcset)=\"([^\"]+)\"", prose(text))
    found += re.findall(r"^\[[^\]]+\]: (\S+)$", prose(text), re.MULTILINE)
    return [link for link in found if not re.match(r"[a-z][a-z0-9+.-]*:", link)]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    found: set[str] = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (name := slug if number == 0 else f"{slug}-{number}") in found:
            number += 1
        found.add(name)
    return found


def broken(page: Path, text: str) -> list[str]:
    """Say which links of a page lead nowhere."""
    found = []
    for link in links(text):
        name, _, anchor = link.partition("#")
        target = Path(os.path.normpath(page.parent / name)) if name else page
        if not target.exists():
            found.append(f"{link}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            found.append(f"{link}: no such heading")
    return found


def words_of_commands(text: str) -> list[list[str]]:
    """Return the words behind `python -m binpack` of every command in a text."""
    found = []
    for line in re.findall(
        r"""python -m binpack\b(?![.'])([^\n`|;&#()]*)""", text.replace("\\\n", " ").replace("-->", "\n")
    ):
        if line.count("'") % 2:
            line = line.rpartition("'")[0]  # the end of a text that the command stands in
        try:
            found.append(shlex.split(line))
        except ValueError:
            found.append(line.split())
    return found


def wrong_command(words: list[str]) -> str:
    """Say what is wrong with a command line; empty where it has a command that knows its options.

    Behind the first word that no command line has, text goes on.
    """
    known, place = COMMANDS, "python -m binpack"
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("--") and len(word) > 2:
            name = word.partition("=")[0].rstrip(",.:?")
            options = {option for each in known.params for option in [*each.opts, *each.secondary_opts]} | {"--help"}
            if name not in options:
                return f"{place} has no option {name}"
            takes = next((each for each in known.params if name in each.opts and not getattr(each, "is_flag", 1)), None)
            if takes is not None and "=" not in word and left:
                left.pop(0)
        elif known is COMMANDS:
            name = word.strip(",.:?")
            if name in COMMANDS.commands:
                known, place = COMMANDS.commands[name], f"{place} {name}"
            else:
                return f"there is no command {name}"
    return ""


def lesson_text(source: Path) -> str:
    return "\n\n".join(cell.text for cell in read_source(source) if cell.kind == "markdown")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_and_anchors_of_a_page_lead_somewhere(page):
    assert broken(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_links_of_a_lesson_lead_to_notebooks_that_are_there_or_drafted(source):
    named = [link.partition("#")[0] for link in links(lesson_text(source))]
    assert {Path(name).name for name in named if name} <= NOTEBOOKS


@pytest.mark.parametrize("page", [*PAGES, *SOURCES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_folders_that_are_named_are_there(page):
    text = page.read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./-]+)`", text) if name.startswith(TOPS)} - MADE_BY_A_LEARNER
    missing = {name for name in named if "NN" not in name and not any((base / name).exists() for base in BASES)}
    if page.name == "CHANGELOG.md":
        return  # it may name what has gone since
    assert missing == set()


@pytest.mark.parametrize("page", [*PAGES, *SOURCES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_are_ones_that_binpack_knows(page):
    wrong = [wrong_command(words) for words in words_of_commands(page.read_text(encoding="utf-8"))]
    assert [each for each in wrong if each] == []


def test_every_page_of_the_tutorials_is_in_the_index_and_every_row_has_its_minutes():
    index = (ROOT / "tutorials" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w-]+\.md)\]\(([\w-]+\.md)\) \| (\d*) ?\| (.+) \|$", index, re.MULTILINE)
    assert all(name == link and len(what.split()) >= 5 for name, link, _, what in rows)
    listed = {name for name, *_ in rows}
    there = {page.name for page in (ROOT / "tutorials").glob("*.md")} - {"README.md"}
    assert there - listed == set(), "add a row to tutorials/README.md"
    assert listed - there == set()
    assert {name for name, _, minutes, _ in rows if not minutes} == {"glossary.md", "references.md"}


def test_what_is_broken_is_found(tmp_path):
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# One `two`\n\n## Same\n\n## Same\n\n```\n# no heading\n```\n")
    text = (
        "[a](other.md#one-two) [b](other.md#same-1) [c](#here) [d](none.md) [e](other.md#no-heading) `[f](g)`\n# Here\n"
    )
    page.write_text(text)
    assert broken(page, text) == ["none.md: no such file", "other.md#no-heading: no such heading"]
    assert broken(page, '<img src="a.png">\n\n[x]: b.md\n') == ["a.png: no such file", "b.md: no such file"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("python -m binpack", ""),
        ("python -m binpack --version", ""),
        ("python -m binpack --import mine evaluate --agent runs/mine", ""),
        ("`python -m binpack train --set learning_rate=3e-4 --out a`, and", ""),
        ("python -m binpack lab --reset 03", ""),
        ("python -m binpack lab --no-browser\n", ""),
        ("python -m binpack evaluate \\\n  --agents x", "python -m binpack evaluate has no option --agents"),
        ("python -m binpack tunes", "there is no command tunes"),
        ("python -m binpack --imports x", "python -m binpack has no option --imports"),
        ("python -m binpack pack --agent=x --quiet", "python -m binpack pack has no option --quiet"),
    ],
)
def test_a_command_is_looked_at_as_far_as_it_goes(text, says):
    (words,) = words_of_commands(text)
    assert wrong_command(words) == says


def test_a_module_of_the_package_is_no_command():
    assert words_of_commands("python -m binpack.course.l00_start_here.story runs") == []
