"""The house stands as CONTRIBUTING.md draws it: rooms on floors, imports that go down only, and no circle of files."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLAT = {"__init__", "__main__", "bench", "files", "stopping", "system", "text"}
"""The only modules that lie in the package itself."""


def floors(text: str) -> dict[str, int]:
    """Read the table of rooms: the name of a room, or of a flat module, to its floor."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE)
    return {name.rstrip("/"): int(floor) for floor, names in rows for name in re.findall(r"`([\w/]+)`", names)}


def modules(root: Path) -> dict[str, Path]:
    """Return every module below a package's folder: its full name to its file."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path) -> dict[str, set[str]]:
    """Return what each module imports of its own package, in functions and under TYPE_CHECKING too."""
    files = modules(root)
    arrows = {}
    for name, path in files.items():
        arrows[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(node, name, path)
                wanted = [f"{base}.{a.name}" if f"{base}.{a.name}" in files else base for a in node.names]
            else:
                continue
            arrows[name] |= {each for each in wanted if each in files}
    return arrows


def named(root: Path) -> dict[str, set[str]]:
    """Return what each module names in text, as registries of built-in choices do: it is imported when asked for."""
    files = modules(root)
    form = re.compile(rf"({root.name}(?:\.\w+)+)(?::\w+)?")
    found = {}
    for name, path in files.items():
        texts = [
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        found[name] = {match[1] for text in texts if (match := form.fullmatch(text)) and match[1] in files}
    return found


def _absolute(node: ast.ImportFrom, name: str, path: Path) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    keep = len(parts) - node.level + (path.stem == "__init__")
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def room(module: str) -> str:
    """Return the room of a module, or its own name where it lies flat."""
    return [*module.split("."), "__init__"][1]


def upward(arrows: dict[str, set[str]], floor: dict[str, int]) -> list[str]:
    """Say which imports do not go down: to a higher floor, or to another room of the same one."""
    return [
        f"{name} imports {other}: {room(name)} is on floor {floor[room(name)]}, {room(other)} on {floor[room(other)]}"
        for name, others in sorted(arrows.items())
        for other in sorted(others)
        if room(name) != room(other) and floor[room(other)] >= floor[room(name)]
    ]


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected parts of several modules (Tarjan, 1972), and modules that import themselves."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in arrows[name]:
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            part = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(part) > 1 or name in arrows[name]:
                found.append(sorted(part))

    for name in arrows:
        if name not in order:
            visit(name)
    return found


@pytest.fixture(scope="module")
def floor():
    return floors((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def arrows():
    return imports(ROOT / "binpack")


def test_the_table_names_every_room_and_nothing_else_lies_flat(floor):
    package = ROOT / "binpack"
    rooms = {path.name for path in package.iterdir() if any(path.glob("*.py"))}
    assert {path.stem for path in package.glob("*.py")} == FLAT
    assert set(floor) == rooms | FLAT


def test_the_drawn_layout_is_the_one_that_stands():
    drawing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[1]
    drawn = {line.split()[0].rstrip("/") for line in drawing.splitlines() if line[:1].strip()} - {"text"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not listed:
        pytest.skip("not a git checkout")
    assert {name for name in drawn if not (ROOT / name).exists()} == set()
    top = {name.split("/")[0] for name in listed if not name.startswith(".")}
    assert top - {name.split("/")[0] for name in drawn} == set()


def test_imports_go_down_only(arrows, floor):
    assert upward(arrows, floor) == []


def test_names_in_text_go_down_too_except_for_what_gymnasium_opens(floor):
    assert upward(named(ROOT / "binpack"), floor) == [
        "binpack imports binpack.env: __init__ is on floor 0, env on 3",
    ]


def test_there_is_no_circle_of_files(arrows):
    assert circles(arrows) == []


def test_a_lesson_imports_no_other_lesson(arrows):
    lesson = re.compile(r"binpack\.course\.(l\d\d_\w+)")
    crossing = [
        f"{name} imports {other}"
        for name, others in arrows.items()
        for other in others
        if (here := lesson.match(name)) and (there := lesson.match(other)) and here[1] != there[1]
    ]
    assert crossing == []


def test_an_import_that_goes_up_and_a_circle_are_found(tmp_path):
    package = tmp_path / "house"
    texts = {
        "__init__.py": "",
        "cellar/__init__.py": "",
        "cellar/a.py": "def f():\n    from house.attic import b\n",
        "attic/__init__.py": "from house.attic.b import x\n",
        "attic/b.py": "import house.cellar.a\nfrom . import c\nx = 1\n",
        "attic/c.py": "from house.attic.b import x\n",
    }
    for name, text in texts.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    table = "| floor | room |\n| --- | --- |\n| 0 | `__init__` |\n| 1 | `cellar/` |\n| 2 | `attic/` |\n"
    found = imports(package)
    assert upward(found, floors(table)) == [
        "house.cellar.a imports house.attic.b: cellar is on floor 1, attic on 2",
    ]
    assert circles(found) == [["house.attic.b", "house.attic.c", "house.cellar.a"]]
    (package / "cellar" / "a.py").write_text('CHOICES = {"x": "house.attic.b:x"}\n', encoding="utf-8")
    assert upward(imports(package), floors(table)) == []
    assert named(package)["house.cellar.a"] == {"house.attic.b"}
    assert len(upward(named(package), floors(table))) == 1


HEAVY = {"torch", "gymnasium", "optuna", "pydantic", "matplotlib", "plotly", "stable_baselines3", "scipy"}


@pytest.mark.parametrize("module", [name for name in modules(ROOT / "binpack") if room(name) in ("core", "files")])
def test_the_core_needs_numpy_alone(module):
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_an_import_at_the_top_of_the_core_is_found_where_it_is_added(tmp_path, floor):
    """The real package with one line more: the floors and the circle both notice."""
    package = tmp_path / "binpack"
    for path in (ROOT / "binpack").rglob("*.py"):
        (package / path.relative_to(ROOT / "binpack")).parent.mkdir(parents=True, exist_ok=True)
        (package / path.relative_to(ROOT / "binpack")).write_bytes(path.read_bytes())
    with (package / "core" / "placement.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef _up():\n    from binpack.agents.training import train\n")
    found = imports(package)
    assert upward(found, floor) == [
        "binpack.core.placement imports binpack.agents.training: core is on floor 1, agents on 4"
    ]
    assert any({"binpack.core.placement", "binpack.agents.training"} <= set(part) for part in circles(found))


def summary(found: dict[str, set[str]], floor: dict[str, int]) -> str:
    """Count rooms, arrows between them, floors and circles."""
    between = {(room(a), room(b)) for a, others in found.items() for b in others if room(a) != room(b)}
    rooms = {room(name) for name in found}
    assert all(low <= high for low, high in pairwise(sorted(floor.values())))
    return (
        f"{len(rooms)} rooms and flat modules, {len(between)} import arrows between them, "
        f"{len({floor[name] for name in rooms})} floors, {len(circles(found))} circles"
    )


if __name__ == "__main__":
    print(summary(imports(ROOT / "binpack"), floors((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))))
