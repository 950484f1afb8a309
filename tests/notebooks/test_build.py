"""From a source to two executed notebooks, and every way in which pytest must then notice that something is off.

A small checkout is made of this one's pipeline and a lesson of a few cells. Its exercise lives in a folder that
`sitecustomize` adds to the course in every process that runs there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build
import nbformat
import pytest
from lesson import BuildError, bound_names, render
from lint import lint
from tiny_lesson import LESSON, write_exercises

ROOT = Path(__file__).resolve().parents[2]

# ------------------------------------------------------------------------------------------------------------ rendering


def test_an_exercise_becomes_heading_stub_and_check(source):
    notebook = render(source, solved=False)
    heading, answer, check = notebook.cells[3:6]
    assert heading.source.startswith(
        "### Exercise 1.1: `diagonal`\n\nMeasure across a floor.\n\n*3 minutes, medium (2 of 3).*"
    )
    assert answer.source.startswith("import math\n\n\ndef diagonal(length: float, width: float) -> float:")
    assert answer.source.endswith('    # 1. Pythagoras\n    raise NotImplementedError("exercise 1.1 diagonal")')
    assert check.source == (
        "diagonal = ex.check(diagonal)  # NameError after a restart? Run > Run All Above Selected Cell"
    )
    assert notebook.cells[7].id.startswith("code-") and notebook.cells[8].metadata == {"tags": ["nbval-ignore-output"]}


def test_the_solution_holds_the_reference(source):
    answer = render(source, solved=True).cells[4].source
    assert answer.endswith("return math.hypot(length, width)") and "@exercise" not in answer


def test_a_cell_may_stand_in_one_of_the_notebooks_only(source):
    cells = '\n# %% tags=["learner"]\nbroken = True\n\n# %% tags=["solution"]\nbroken = False\n'
    source.write_text(LESSON + cells, encoding="utf-8")
    texts = {solved: [cell.source for cell in render(source, solved=solved).cells] for solved in (False, True)}
    assert "broken = True" in texts[False] and "broken = False" not in texts[False]
    assert "broken = False" in texts[True] and "broken = True" not in texts[True]


def test_an_import_that_the_lesson_makes_is_not_repeated(source):
    source.write_text(
        LESSON.replace("from binpack.course import", "import math\nfrom binpack.course import"), encoding="utf-8"
    )
    assert render(source, solved=True).cells[4].source.startswith("def diagonal(")


def test_rendering_twice_gives_the_same_cells_and_ids_are_unique(source):
    source.write_text(LESSON + "\n# %%\nprint(1)\n\n# %%\nprint(1)\n", encoding="utf-8")
    first, second = (render(source, solved=False) for _ in range(2))
    assert first == second
    assert len({cell.id for cell in first.cells}) == len(first.cells)
    nbformat.validate(first)


def test_bound_names():
    cell = "import a.b, c as d\nx, (y, *z) = 1, (2, 3)\nfor i in []:\n    j = [k for k in x]\ndef f():\n    inner = 1"
    assert bound_names(cell) == {"a", "d", "x", "y", "z", "i", "j", "f"}
    assert bound_names("%matplotlib inline") == set()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("# %% [exercise diagonal]", "01_tiny.py: [exercise diagonal] should read [exercise topic.diagonal]"),
        (
            "# %% [exercise no_topic.f]",
            "01_tiny.py: [exercise no_topic.f]: there is no exercise called 'no_topic.f': no lesson is called"
            " lNN_no_topic",
        ),
        (
            "# %% [exercise tiny.f]",
            "01_tiny.py: [exercise tiny.f]: there is no exercise called 'tiny.f': binpack.course.l01_tiny defines none"
            " of that name",
        ),
        (
            "# %% [exercise tiny.diagonal]\nprint(1)",
            "01_tiny.py: text stands below [exercise tiny.diagonal]; start a cell of its own for it",
        ),
    ],
)
def test_a_wrong_exercise_line_is_told(source, line, message):
    source.write_text(LESSON + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(BuildError) as raised:
        render(source, solved=False)
    assert str(raised.value) == message


def test_the_command_line_answers_wrong_names_and_lists_what_is_missing(source, capsys):
    folder = source.parent.parent
    assert build.main(["02"], folder) == 2
    assert capsys.readouterr().err == "build.py: no source starts with '02'; there are: 01_tiny\n"
    (folder / "09_stray.ipynb").write_text("{}")
    assert build.main(["--check"], folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        "notebooks/01_tiny.ipynb is missing",
        "notebooks/solutions/01_tiny.ipynb is missing",
        "notebooks/09_stray.ipynb has no source",
    ]


def test_a_folded_cell_carries_what_jupyterlab_folds_it_by(source):
    source.write_text(LESSON + '\n# %% tags=["hide-cell"]\nassert 1\n\n# %% tags=["hide-input"]\n2\n', encoding="utf-8")
    cell, code = render(source, solved=False).cells[-2:]
    assert cell.metadata == {"tags": ["hide-cell"], "jupyter": {"source_hidden": True, "outputs_hidden": True}}
    assert code.metadata == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}


# ------------------------------------------------------------------------------------ lessons of parts, and their links

SECOND = """\
# %% [markdown]
# # 01b Tinier
#
# *5 minutes. Builds on lesson 01.*
#
# When you are done you can
#
# - measure less.

# %%
from binpack.course import exercises as ex

# %% [markdown]
# ## Measuring
#
# A square is measured by its area, as tiles are counted. How long its side is follows from that alone, and the next
# function says how.

# %% [exercise tiny.side]

# %%
print(side(9))
"""

SIDE = '''

@exercise(minutes=1, difficulty=1, hints=("A square root.",))
def side(area: float) -> float:
    """Measure the side of a square.

    Args:
        area: in cells.
    """
    # 1. the square's root
    return math.sqrt(area)


@side.check
def _(answer):
    expect_close(answer(9), 3, "for 9 it should be 3")
'''


@pytest.fixture
def parts(source, exercises):
    """Lesson 01 in two parts, 01 and 01b, and a lesson 04."""
    with (exercises / "l01_tiny" / "exercises.py").open("a", encoding="utf-8") as file:
        file.write(SIDE)
    second, other = source.with_name("01b_tinier.py"), source.with_name("04_other.py")
    second.write_text(SECOND + LESSON.partition("print(id(object()))\n")[2], encoding="utf-8")
    other.write_text("# %% [markdown]\n# # 04 Other\n", encoding="utf-8")
    return source, second, other


def test_the_parts_of_a_lesson_are_sources_in_order_and_share_their_exercises(parts):
    first, second, other = parts
    folder = first.parent.parent
    assert build.sources(folder) == [first, second, other]
    assert build.sources(folder, ["01"]) == [first, second]
    assert build.sources(folder, ["01b"]) == build.sources(folder, ["notebooks/01b_tinier.ipynb"]) == [second]
    assert build.sources(folder, ["01_"]) == [first]
    assert "### Exercise 1.2: `side`" in render(second, solved=False).cells[3].source
    assert [*lint(first), *lint(second)] == ["there should be a *Predict, then run.* question"]


def test_an_exercise_that_no_part_sets_is_missed_and_a_title_names_its_part(parts):
    first, second, _ = parts
    second.write_text(second.read_text().replace("# %% [exercise tiny.side]", "").replace("# # 01b", "# # 01"))
    assert "exercises stand as diagonal but binpack.course.l01_tiny defines diagonal, side" in lint(first)
    assert "the first cell should start with '# 01b Title'" in lint(second)


def links(source: Path, *, solved: bool) -> tuple[str, str]:
    """Return the line under the title and the one at the end of "What comes next"."""
    texts = [cell.source for cell in render(source, solved=solved).cells if cell.cell_type == "markdown"]
    title = next(text for text in texts if text.startswith("# "))
    following = next(text for text in texts if "## What comes next" in text)
    return title.split("\n\n")[1], following.partition("\n\n## References")[0].rpartition("\n\n")[2]


def test_lessons_link_to_their_neighbours_and_to_their_solutions(parts):
    first, second, _ = parts
    assert links(first, solved=False) == (
        "Next: [01b Tinier](01b_tinier.ipynb) | [Solutions](solutions/01_tiny.ipynb)",
        "Go on with [01b Tinier](01b_tinier.ipynb). "
        "Every exercise of this lesson is solved in its [solutions](solutions/01_tiny.ipynb).",
    )
    assert links(second, solved=True) == (
        "Before: [01 Tiny](01_tiny.ipynb) | Next: [04 Other](04_other.ipynb) | [The lesson](../01b_tinier.ipynb)",
        "Lessons 02 and 03 are still being written; go on with [04 Other](04_other.ipynb). "
        "To do the exercises yourself, open [the lesson](../01b_tinier.ipynb).",
    )


def test_the_solutions_say_that_they_are(parts):
    titles = [render(parts[0], solved=solved).cells[0].source.splitlines()[0] for solved in (False, True)]
    assert titles == ["# 01 Tiny", "# 01 Tiny: solutions"]


def test_the_last_lesson_says_that_it_is_and_one_missing_lesson_is_named_alone(parts):
    _, second, other = parts
    other.rename(other.with_name("03_other.py"))
    assert links(second, solved=False)[1].startswith("Lesson 02 is still being written; go on with [04 Other]")
    other.with_name("03_other.py").unlink()
    assert links(second, solved=False)[1].startswith("This is the last lesson. Every exercise")


def test_links_leave_the_ids_of_cells_as_they_are(parts):
    first, second, _ = parts
    before = [cell.id for cell in render(first, solved=False).cells]
    second.unlink()
    assert [cell.id for cell in render(first, solved=False).cells] == before


# ------------------------------------------------------------------------------------ three things that pytest must see


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A small checkout with one lesson, built."""
    top = tmp_path_factory.mktemp("checkout")
    modules = ("build", "kernels", "lesson", "lint", "lint_prose", "pytest_course")
    for name in (*(f"{module}.py" for module in modules), "nbval_sanitize.cfg"):
        copy(f"notebooks/source/{name}", top)
    for name in ("pyproject.toml", "tests/conftest.py", "tests/notebooks/test_notebooks.py"):
        copy(name, top)
    (top / "notebooks" / "source" / "01_tiny.py").write_text(LESSON, encoding="utf-8")
    write_exercises(top / "more")
    (top / "sitecustomize.py").write_text(f"import binpack.course as c\nc.__path__.append({str(top / 'more')!r})\n")
    built = python(top, "notebooks/source/build.py")
    assert built.returncode == 0, built.stderr
    return top


def copy(name: str, top: Path) -> None:
    """Copy a file of this checkout to the small one."""
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / name, top / name)


def python(top: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run this interpreter in the small checkout."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(top), str(ROOT)])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=top, env=environment, capture_output=True, text=True, timeout=120
    )


def failed(top: Path, *arguments: str) -> list[str]:
    """Run pytest in the small checkout and list the tests that failed."""
    done = python(top, "-m", "pytest", "-q", "-rf", "--color=no", *arguments)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert bool(lines) == (done.returncode == 1), done.stdout
    return [line.removeprefix("FAILED ").partition(" - ")[0] for line in lines]


@pytest.fixture
def learner(checkout):
    """The learner's notebook of the small checkout, restored afterwards."""
    path = checkout / "notebooks" / "01_tiny.ipynb"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def edit(path: Path, number: int, **changes: object) -> None:
    """Change the code cell of a number, counted from 0, in a notebook file."""
    notebook = nbformat.read(path, as_version=4)
    [cell for cell in notebook.cells if cell.cell_type == "code"][number].update(changes)
    nbformat.write(notebook, path)


def test_a_built_lesson_passes(checkout):
    notebook = nbformat.read(checkout / "notebooks" / "01_tiny.ipynb", as_version=4)
    box, printed, _ = (cell.outputs[0] for cell in notebook.cells if cell.get("outputs"))
    assert box.data["text/plain"] == "exercise 1.1 diagonal not attempted yet: going on with the reference solution"
    assert "Not attempted" in box.data["text/html"] and "ex.hint(diagonal)" in box.data["text/html"]
    assert printed.text == "13.0 cells\n"
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    solved = nbformat.read(checkout / "notebooks" / "solutions" / "01_tiny.ipynb", as_version=4)
    assert solved.cells[5].outputs[0].data["text/plain"] == "exercise 1.1 diagonal: correct"
    # everything passes, each notebook in one process, its cells in order
    done = python(checkout, "-m", "pytest", "-n2", "-v", "--color=no")
    assert done.returncode == 0, done.stdout
    ran = re.findall(r"^\[(gw\d)\].* PASSED (\S+?)(?:::|\.)ipynb::Cell (\d+)", done.stdout, re.MULTILINE)
    for name in ("notebooks/01_tiny", "notebooks/solutions/01_tiny"):
        cells = [(worker, int(cell)) for worker, each, cell in ran if each == name]
        assert len(cells) > 3
        assert cells == [(cells[0][0], number) for number in range(len(cells))]


def test_an_output_edited_by_hand_fails(checkout, learner):
    output = nbformat.v4.new_output("stream", name="stdout", text="14.0 cells\n")
    edit(learner, 3, outputs=[output])
    assert failed(checkout, "-n0", "notebooks/01_tiny.ipynb") == ["notebooks/01_tiny.ipynb::Cell 3"]


def test_a_notebook_out_of_date_with_its_source_fails(checkout):
    path = checkout / "notebooks" / "source" / "01_tiny.py"
    path.write_text(LESSON.replace("5 x 12", "5 x 13"), encoding="utf-8")
    try:
        name = "tests/notebooks/test_notebooks.py::test_notebooks_are_up_to_date_with_their_source[01_tiny]"
        assert failed(checkout, "-n0", "tests") == [name]
        assert python(checkout, "notebooks/source/build.py", "--check").stdout.splitlines() == [
            "notebooks/01_tiny.ipynb is out of date with 01_tiny.py",
            "notebooks/solutions/01_tiny.ipynb is out of date with 01_tiny.py",
        ]
    finally:
        path.write_text(LESSON, encoding="utf-8")


def test_a_cell_that_was_not_executed_fails(checkout, learner):
    edit(learner, 3, outputs=[], execution_count=None)
    name = "tests/notebooks/test_notebooks.py::test_every_code_cell_was_executed_in_order[notebooks/01_tiny]"
    assert failed(checkout, "-n0", "tests") == [name]


def test_new_text_keeps_the_outputs_and_new_code_is_refused(checkout, learner):
    path = checkout / "notebooks" / "source" / "01_tiny.py"
    solved = learner.parent / "solutions" / learner.name
    before, solved_before = learner.read_bytes(), solved.read_bytes()
    try:
        path.write_text(LESSON.replace("# - Floors have", "# - All floors have"), encoding="utf-8")
        done = python(checkout, "notebooks/source/build.py", "--text")
        assert done.stdout.splitlines()[:2] == [
            "notebooks/01_tiny.ipynb has its new text",
            "notebooks/solutions/01_tiny.ipynb has its new text",
        ]
        old, new = nbformat.reads(before.decode(), as_version=4), nbformat.read(learner, as_version=4)
        code = [[cell for cell in each.cells if cell.cell_type == "code"] for each in (old, new)]
        assert code[0] == code[1] and any(cell.outputs for cell in code[1])
        assert "All floors have" in new.cells[-1].source
        assert python(checkout, "notebooks/source/build.py", "--check").returncode == 0
        path.write_text(LESSON.replace("(5, 12)", "(5, 13)"), encoding="utf-8")
        done = python(checkout, "notebooks/source/build.py", "--text")
        message = "build.py: notebooks/01_tiny.ipynb is missing or its code changed: build it\n"
        assert (done.returncode, done.stderr) == (2, message)
    finally:
        path.write_text(LESSON, encoding="utf-8")
        solved.write_bytes(solved_before)


def test_a_new_lesson_changes_the_links_of_its_neighbour_without_running_it(checkout, learner):
    added = checkout / "notebooks" / "source" / "02_added.py"
    solved = learner.parent / "solutions" / learner.name
    before = solved.read_bytes()
    added.write_text("# %% [markdown]\n# # 02 Added\n", encoding="utf-8")
    try:
        done = python(checkout, "notebooks/source/build.py", "02")
        assert "notebooks/02_added.ipynb ran" in done.stdout and "01_tiny.ipynb ran" not in done.stdout
        for path in (learner, solved):
            notebook = nbformat.read(path, as_version=4)
            assert "Next: [02 Added](02_added.ipynb)" in notebook.cells[0].source
            assert any(cell.get("outputs") for cell in notebook.cells)
        assert python(checkout, "notebooks/source/build.py", "--check").returncode == 0
    finally:
        for path in (added, *learner.parent.glob("**/02_added.ipynb")):
            path.unlink()
        solved.write_bytes(before)


def test_a_failing_cell_leaves_the_old_notebook(checkout, learner):
    path = checkout / "notebooks" / "source" / "01_tiny.py"
    before = learner.read_bytes()
    path.write_text(LESSON.replace("print(id(object()))", "1 / 0"), encoding="utf-8")
    try:
        done = python(checkout, "notebooks/source/build.py", "01")
    finally:
        path.write_text(LESSON, encoding="utf-8")
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
    assert learner.read_bytes() == before
