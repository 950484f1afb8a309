"""Out of a notebook runs what an answer uses, and nothing else."""

import ast
import inspect

import pytest

from binpack.course.exercises.core import exercises_of
from binpack.course.grading.answers import Answers, NoAnswer
from binpack.course.grading.copies import read_copy, sheets
from binpack.system import checkout

EXERCISES = ("walk", "jump")


def define(name, *cells):
    namespace = {"__name__": "__main__", "walk": "the reference", "jump": "the reference"}
    return Answers(cells, EXERCISES).define(name, namespace)


def test_what_a_function_uses_runs_and_a_training_cell_does_not():
    cells = (
        "import math\nfrom os import path as where",
        "STEP = 2\ntable = {}\ntable['a'] = STEP + 1",
        "raise RuntimeError('an hour of training')",
        "def helper(x):\n    return x + table['a']",
        "def walk(x):\n    return math.sqrt(helper(x))",
        "walk = ex.check(walk)",
        "STEP = undefined",
    )
    assert define("walk", *cells)(1) == 2
    answers = Answers(cells, EXERCISES)
    ran = {ast.unparse(answers.statements[number].tree).split("\n")[0] for number in answers.needed("walk")}
    assert ran == {"import math", "STEP = 2", "table = {}", "table['a'] = STEP + 1", "def helper(x):", "def walk(x):"}


def test_a_name_is_what_it_was_where_the_answer_stands():
    first = define(
        "walk", "n = 1\nn += 1\nm = n\nn = 7", "def walk():\n    return n, m", "walk = ex.check(walk)", "n = 9"
    )
    assert first() == (7, 2)
    below = define("walk", "def walk():\n    return later()", "walk = ex.check(walk)", "def later():\n    return 3")
    assert below() == 3


def test_the_last_definition_above_the_check_counts_and_other_exercises_are_given():
    cells = ("def walk():\n    return 1", "def walk():\n    return 2, jump", "walk = ex.check(walk)", "walk = 5")
    assert define("walk", *cells, "def jump():\n    return 4")() == (2, "the reference")
    assert define("jump", "jump = ex.check(jump)", "jump = lambda: 6")() == 6


def test_magics_and_the_cell_s_own_lines_are_kept_apart():
    function = define("walk", "%matplotlib inline\n!ls\nimport math", "%%time\ndef walk():\n    return math.pi")
    assert function() > 3
    assert inspect.getsource(function) == "def walk():\n    return math.pi"
    assert function.__code__.co_firstlineno == 2
    assert define("walk", "def walk(a, b):\n    return (a\n        % b)")(7, 4) == 3


def test_no_function_and_no_python_are_told_apart():
    with pytest.raises(NoAnswer) as raised:
        define("walk", "x = 1", "walk = ex.check(walk)")
    assert str(raised.value) == ""
    with pytest.raises(NoAnswer, match="its cell is no Python: expected ':', in line 2"):
        define("walk", "x = 1", "x = 2\ndef walk()\n    return 1")
    with pytest.raises(NoAnswer, match="its cell is no Python"):
        define("walk", "def walk():\n    return 1\0")
    with pytest.raises(NoAnswer, match="its cell is no Python"):
        define("walk", "def walk():\n    return " + "(" * 9999)


@pytest.mark.parametrize("sheet", sheets(checkout()), ids=lambda sheet: sheet.number)
def test_the_solutions_of_the_course_stand_on_imports_and_definitions_alone(sheet):
    """Where a lesson's own answers need a cell that trains, grading would take as long as the lesson."""
    path = checkout() / "notebooks" / "solutions" / f"{sheet.stem}.ipynb"
    answers = Answers(read_copy(path, path.parent, [sheet]).cells, sheet.exercises)
    for name in sheet.exercises:
        for number in answers.needed(name):
            statement = answers.statements[number]
            calls = [each for each in ast.walk(statement.tree) if isinstance(each, ast.Call)]
            assert isinstance(statement.tree, ast.Import | ast.ImportFrom) or statement.defines or not calls


def test_the_exercises_of_a_lesson_are_those_of_its_notebooks():
    from binpack.course.exercises._lessons import Lesson

    lesson = Lesson(0, "start_here")
    lesson.load()
    assert [sheets(checkout())[0].exercises] == [tuple(made.name for made in exercises_of(lesson.package))]
