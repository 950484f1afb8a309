"""The machinery of exercises: stubs, hints, and one line for everything that a learner's answer can do."""

import functools
import importlib
import random
import sys
import textwrap

import numpy as np
import pytest
from judging import run_cell

from binpack.course import exercises as ex
from binpack.course.exercises import ExerciseError, Mistake, expect, expect_close, expect_shape, expect_type

MODULE = '''
"""Two exercises for tests."""

import math as m
from collections import Counter, OrderedDict

import numpy as np

from binpack.course.exercises import exercise, expect, expect_close, expect_shape

SCALE = 2.0


def helper(value):
    return value * SCALE


@exercise(minutes=4, difficulty=1, hints=("Think of a sum.", "It is np.cumsum."), seconds=0.5)
def running_sum(values: np.ndarray, start: float = SCALE) -> np.ndarray:
    """Add the values up as you go
    from left to right.

    Args:
        values: numbers, shape (n,).
    """
    # 1. a place for the sums
    #    of the same length
    total = np.zeros(len(values))
    for place in range(len(values)):  # no step
        # 2. add to what was there
        total[place] = values[: place + 1].sum()
    # not a step either
    return total + helper(0) * m.pi  # 3. not a line of its own


@running_sum.check
def _(answer):
    got = answer(np.array([1.0, 2.0, 3.0]))
    expect_shape(got, (3,), "the answer for 3 values")
    expect(not np.allclose(got, [1, 2, 3]), "it returns the values themselves: where is the sum?")
    expect_close(got, [1, 3, 6], "for 1, 2, 3 it should be 1, 3, 6")


@exercise(minutes=10, difficulty=3, hints=("One hint.",))
def counted(words: list) -> dict:
    """Count words."""
    # 1. count
    return dict(Counter(words))
'''


@pytest.fixture
def topic(lessons):
    """A lesson's module of exercises, imported as one of the course's."""
    return importlib.import_module(lessons(7, {"exercises.py": MODULE}) + ".exercises")


def test_an_exercise_knows_its_place_and_can_be_called(topic):
    assert topic.running_sum.title == "exercise 7.1 running_sum"
    assert topic.counted.number == "7.2"
    assert topic.running_sum.summary == "Add the values up as you go from left to right."
    assert topic.counted(["a", "b", "a"]) == {"a": 2, "b": 1}
    assert topic.counted.__doc__ == "Count words."


def test_the_stub_keeps_signature_docstring_and_numbered_steps(topic):
    assert topic.running_sum.stub == textwrap.dedent(
        '''\
        def running_sum(values: np.ndarray, start: float = SCALE) -> np.ndarray:
            """Add the values up as you go
            from left to right.

            Args:
                values: numbers, shape (n,).
            """
            # 1. a place for the sums
            #    of the same length
            # 2. add to what was there
            raise NotImplementedError("exercise 7.1 running_sum")
        '''
    )


def test_the_source_is_the_reference_without_its_decorator(topic):
    source = topic.counted.source
    assert source.startswith("def counted(words: list) -> dict:\n") and source.endswith("return dict(Counter(words))\n")


def test_imports_are_those_that_the_reference_needs(topic):
    name = topic.__name__
    assert topic.running_sum.imports() == [
        "import math as m",
        "import numpy as np",
        f"from {name} import SCALE, helper",
    ]
    assert topic.running_sum.imports({"np", "helper"}) == ["import math as m", f"from {name} import SCALE"]
    # counted does not use numpy, but an answer may
    assert topic.counted.imports() == ["import numpy as np", "from collections import Counter"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", " not attempted yet: going on with the reference solution"),
        ("raise NotImplementedError('exercise 7.1')", " not attempted yet: going on with the reference solution"),
        (
            "total = 3\n    raise NotImplementedError",
            " is not finished yet: it still comes to line 5 of your cell, `raise NotImplementedError`; going on with",
        ),
        ("return values", " is not right yet: it returns the values themselves: where is the sum?; going on"),
        ("return 3", " is not right yet: the answer for 3 values should have shape (3,), not (); going on"),
        ("total = 3", " is not right yet: the answer for 3 values is None (is there a return?); going on"),
        ("return 'abc'", " is not right yet: the answer for 3 values should hold numbers, not str; going on"),
        ("return [[1], [1, 2]]", " cannot be turned into an array: it is of type list; going on"),
        ("return [2, 3, 4]", " is not right yet: for 1, 2, 3 it should be 1, 3, 6; going on"),
        (
            "return values[7]",
            " stopped with IndexError: index 7 is out of bounds for axis 0 with size 3, in line 4 of your cell, "
            "`return values[7]`; going on with the reference solution",
        ),
        (
            "return Counter(values)",  # not bound above
            " stopped with NameError: name 'Counter' is not defined, in line 4 of your cell, `return Counter(values)`;",
        ),
        (
            "return helper(values)",
            " `return helper(values)` (after a restart of the kernel: Run > Run All Above Selected Cell); going on",
        ),
        (
            "return values if values > 1 and values < 3 else 0",
            " (join conditions on arrays with & and |, each in brackets, not with `and` and `or`); going on",
        ),
        ("raise SystemExit", " stopped with SystemExit, in line 4 of your cell, `raise SystemExit`; going on"),
        ("raise ValueError(object())", " stopped with ValueError: <object object>, in line 4 of your cell"),
        ("raise ValueError('two\\nlines')", " stopped with ValueError: two lines, in line 4"),
        ("while True: pass", " did not end within 0.5 s: is there a loop that never stops?; going on"),
    ],
)
def test_a_wrong_answer_gets_one_line_and_the_reference(topic, capsys, body, message):
    source = f'''
        def running_sum(values, start=0):
            """Doc."""

            {body.replace(chr(10), chr(10) + " " * 8)}
    '''
    answer = run_cell(source)["running_sum"]
    assert ex.check(answer) is topic.running_sum.reference
    out = capsys.readouterr().out
    assert out.startswith("exercise 7.1 running_sum") and message in out
    assert out.count("\n") == 1 and out.endswith("\n") and "0x" not in out


@pytest.mark.parametrize(
    "source",
    [
        "def running_sum(values):\n    print('a learner may print')\n    return np.cumsum(values)",
        "running_sum = lambda values: list(np.cumsum(values))",
        "running_sum = np.cumsum",
        "import functools\nrunning_sum = functools.partial(np.cumsum, axis=0)",
    ],
)
def test_a_right_answer_of_any_form_is_kept(topic, capsys, source):
    namespace = run_cell(source + "\nchecked = ex.check(running_sum)", ex=ex)
    checked = namespace["checked"]
    np.testing.assert_array_equal(checked(np.array([1, 2])), [1, 3])
    assert ex.whose(checked) == "your function" and ex.whose(topic.running_sum.reference) == "the reference solution"
    assert capsys.readouterr().out.startswith("exercise 7.1 running_sum: correct\n")


def test_a_signature_that_does_not_fit(topic, capsys):
    answer = run_cell("def running_sum(): return 1")["running_sum"]
    assert ex.check(answer) is topic.running_sum.reference
    assert "takes 0 positional arguments but 1 was given" in capsys.readouterr().out


def test_the_reference_itself_is_not_called_correct(topic, capsys):
    again = ex.check(topic.running_sum.reference)
    assert again is topic.running_sum.reference
    assert "this is the reference solution" in capsys.readouterr().out


def test_the_reference_as_a_learner_would_paste_it_is_correct(topic):
    cell = "\n".join(topic.running_sum.imports()) + "\n" + topic.running_sum.source
    assert topic.running_sum.judge(run_cell(cell)["running_sum"]).outcome == "correct"


def test_hints_come_one_at_a_time(topic, capsys):
    for _ in range(3):
        ex.hint(topic.running_sum)
    assert capsys.readouterr().out.splitlines() == [
        "hint 1 of 2 for exercise 7.1 running_sum: Think of a sum.",
        "hint 2 of 2 for exercise 7.1 running_sum: It is np.cumsum.",
        "exercise 7.1 running_sum: no more hints; ex.solution(running_sum) shows a solution",
    ]


def test_a_solution_is_shown_for_an_answer_a_name_and_the_reference(topic, capsys):
    answer = run_cell("def running_sum(values): ...")["running_sum"]
    for asked in (answer, "running_sum", f"{topic.running_sum.topic}.running_sum", topic.running_sum.reference):
        ex.solution(asked)
        assert capsys.readouterr().out == topic.running_sum.source


def test_an_exercise_of_a_lesson_not_imported_yet_is_found(lessons):
    name = lessons(7, {"exercises.py": MODULE.replace("counted", "counted_later")})
    broken = lessons(6, {"exercises.py": "raise AssertionError('imported though it has no such exercise')"})
    assert name not in sys.modules
    found = ex.find("counted_later")
    assert (found.module, found.topic, found.number) == (f"{name}.exercises", name.partition("07_")[2], "7.2")
    assert broken not in sys.modules


SPLIT = {
    # not in the order of the alphabet, and the last module uses an exercise of the first
    "exercises/__init__.py": "from . import walking, climbing, arriving",
    "exercises/walking.py": """
from binpack.course.exercises import exercise

@exercise(minutes=1, difficulty=1, hints=("h",))
def walk():
    'Walk.'
    return 1
""",
    "exercises/climbing.py": """
from binpack.course.exercises import exercise

@exercise(minutes=1, difficulty=1, hints=("h",))
def climb():
    'Climb.'

@exercise(minutes=1, difficulty=1, hints=("h",))
def abseil():
    'Abseil.'
""",
    "exercises/arriving.py": """
from binpack.course.exercises import exercise
from PACKAGE.exercises.walking import walk

@exercise(minutes=1, difficulty=1, hints=("h",))
def arrive():
    'Arrive.'
    return walk() + 1
""",
}


@pytest.fixture
def split(lessons):
    """The name of a lesson whose exercises stand in several modules."""
    return lessons(5, SPLIT, "hike")


def test_exercises_may_stand_in_several_modules_in_the_order_of_their_imports(split):
    abseil = ex.find("hike.abseil")
    assert [each.title for each in ex.exercises_of(split)] == [
        "exercise 5.1 walk",
        "exercise 5.2 climb",
        "exercise 5.3 abseil",
        "exercise 5.4 arrive",
    ]
    for name in (abseil.module, sys.modules[abseil.module], sys.modules[f"{split}.exercises"]):
        assert len(ex.exercises_of(name)) == 4
    assert ex.find("arrive")() == 2
    assert ex.find("arrive").imports() == [f"from {split}.exercises.walking import walk"]


def test_a_lesson_has_one_exercise_of_a_name(lessons):
    twice = SPLIT["exercises/climbing.py"].replace("abseil", "arrive")
    name = lessons(5, {**SPLIT, "exercises/arriving.py": twice}, "hike")
    with pytest.raises(ExerciseError, match=rf"^climb: {name}.exercises.climbing defines an exercise of that name"):
        ex.find("hike.walk")


def test_a_name_after_a_topic_that_is_not_there(topic):
    with pytest.raises(
        ExerciseError, match=r"^there is no exercise called 'chess.mate': no lesson is called lNN_chess$"
    ):
        ex.find("chess.mate")
    where = topic.__name__.removesuffix(".exercises")
    with pytest.raises(
        ExerciseError, match=rf"^there is no exercise called '.*\.mate': {where} defines none of that name"
    ):
        ex.find(f"{topic.counted.topic}.mate")


def test_unknown_and_ambiguous_exercises(topic, lessons):
    with pytest.raises(ExerciseError, match=r"^there is no exercise called 'juggle'$"):
        ex.check(run_cell("def juggle(): ...")["juggle"])
    with pytest.raises(ExerciseError, match=r"^expected the function of an exercise, not int$"):
        ex.check(3)
    other = importlib.import_module(lessons(1, {"exercises.py": MODULE}, "again") + ".exercises")
    with pytest.raises(
        ExerciseError, match=rf"'counted' names more than one exercise: again.counted, {topic.counted.topic}"
    ):
        ex.find("counted")
    assert ex.find(f"{topic.counted.topic}.counted") is topic.counted
    assert ex.find("again.counted") is other.counted


def test_an_exercise_without_a_check_says_so(topic):
    with pytest.raises(ExerciseError, match=r"^exercise 7\.2 counted has no check$"):
        topic.counted.judge(len)


def test_a_badly_defined_exercise_is_refused():
    function = run_cell("def f(): ...", __name__="binpack.course.l01_tiny.exercises")["f"]
    with pytest.raises(ExerciseError, match="difficulty must be 1, 2 or 3, got 4"):
        ex.exercise(minutes=1, difficulty=4, hints=("h",))(function)
    with pytest.raises(ExerciseError, match="needs at least one hint"):
        ex.exercise(minutes=1, difficulty=1, hints=())(function)
    with pytest.raises(ExerciseError, match="must stand in the package of a lesson, .* not in __main__"):
        ex.exercise(minutes=1, difficulty=1, hints=("h",))(run_cell("def f(): ...")["f"])


def test_what_a_check_may_expect():
    expect(np.array([True, True]), "fine")
    with pytest.raises(Mistake, match=r"^named$"):
        expect(np.array([True, False]), "named")
    expect_type(np.int64(3), int, "the action")
    expect_type(3, (int, float), "the value")
    for wrong, kind in ((True, "bool"), (np.bool_(True), "bool"), (3.0, "float"), (None, "NoneType")):
        with pytest.raises(Mistake, match=f"the action should be of type int, not {kind}"):
            expect_type(wrong, int, "the action")
    expect_type(np.bool_(False), bool, "the flag")
    expect_shape([[1, 2]], (1, 2), "it")
    expect_close(0.1 + 0.2, 0.3, "rounding is no mistake")
    with pytest.raises(Mistake, match=r"the answer should have shape \(2,\), not \(\)"):
        expect_close(1, [1, 1], "broadcasting is")


def test_the_global_generator_is_watched():
    with ex.global_randomness_untouched():
        np.random.default_rng(0).random()
    with pytest.raises(Mistake, match="numpy's global generator"), ex.global_randomness_untouched():
        np.random.rand()  # noqa: NPY002
    with pytest.raises(Mistake, match="the standard library's random"), ex.global_randomness_untouched():
        random.random()


def test_wrapped_answers_are_traced_to_their_own_line(topic):
    answer = run_cell("def running_sum(values):\n    return 1 / 0")["running_sum"]
    wrapped = functools.wraps(answer)(lambda values: answer(values))
    assert "ZeroDivisionError: division by zero, in line 2 of your cell" in topic.running_sum.judge(wrapped).text
