"""The check of a pure function: what it says is true of the answer, and names the input that came out wrong."""

import importlib

import numpy as np
import pytest
from judging import run_cell

from binpack.course import exercises as ex
from binpack.course.exercises._calls import BrokenPromise
from binpack.course.exercises._values import close, first_difference, told_apart

MODULE = '''
"""Two pure exercises and one that is mended."""

import numpy as np

from binpack.course.exercises import exercise, promise


@exercise(minutes=1, difficulty=1, hints=("Begin.", "End."), returns=promise.an_int("the span"))
def span(values: np.ndarray, scale: int) -> int:
    """How far the values reach."""
    # 1. from the lowest to the highest
    return (values.max() - values.min()) * scale


span.examine(
    cases=lambda: [(np.array([1, 5, 2]), 1), (np.array([7, 7]), 2), (np.array([0, 9, -4]), 3)],
    draw=lambda rng: (rng.integers(-9, 9, 5), int(rng.integers(1, 4))),
    mistakes={
        "it returns the highest value: take the lowest away from it": lambda values, scale: values.max() * scale,
        "scale is not used": lambda values, scale: values.max() - values.min(),
        "it fails": lambda values, scale: 1 / 0,
    },
)


@exercise(minutes=1, difficulty=1, hints=("a", "b"), changes=("table",), returns=promise.nothing())
def count(table: np.ndarray, place: int) -> None:
    """Count one more."""
    # 1. in place
    table[place] += 1


count.examine(
    cases=lambda: [(np.zeros(3), 0), (np.ones(3), 2), (np.arange(4.0), 1)],
    draw=lambda rng: (rng.random(5), int(rng.integers(5))),
    mistakes={"it sets the entry to 1: add 1 to what is there": lambda table, place: table.__setitem__(place, 1.0)},
)


def published(values):
    return values


published.__name__ = "mend"


@exercise(minutes=1, difficulty=1, hints=("a", "b"), start=published)
def mend(values: list) -> list:
    """Sort them."""
    return sorted(values)


mend.examine(cases=lambda: [([2, 1],), ([3, 2],), ([1],)], draw=lambda rng: (rng.random(4).tolist(),), mistakes={})
'''


@pytest.fixture
def topic(lessons):
    """The lesson's module of exercises."""
    return importlib.import_module(lessons(7, {"exercises.py": MODULE}) + ".exercises")


def judged(exercise, source):
    return exercise.judge(run_cell(source)[exercise.name])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return values.max() * scale", "it returns the highest value: take the lowest away from it"),
        ("return values.max() - values.min()", "scale is not used"),
        (
            "return (values.max() - values.min()) * scale + 1",
            "got 5, expected 4, for values=[1, 5, 2], scale=1",
        ),
        # the highest value where no value is below zero: the named mistake would be false of it
        ("return (values.max() - min(0, values.min())) * scale", "got 5, expected 4, for values=[1, 5, 2], scale=1"),
        ("print(values.max() - values.min())", "it prints its answer and returns None: end with return"),
        ("pass; values.max()", "the span should be a whole number (int), not None: is there a return?"),
        ("values -= values.min(); return values.max() * scale", "it changes its argument values: leave it as it is"),
        ("return (values.max() - values.min()) * scale + 0.5", "the span should be a whole number (int), not 4.5"),
    ],
)
def test_the_message_fits_every_input(topic, body, message):
    verdict = judged(topic.span, f"def span(values, scale):\n    {body}")
    assert verdict.outcome == "wrong" and verdict.message.startswith(message)


def test_the_first_input_that_comes_out_wrong_is_shown(topic):
    verdict = judged(topic.span, "def span(values, scale):\n    return values.max() - values.min()")
    # right for the first two cases, whose scale or span makes no difference
    assert verdict.facts == (("input values", "[ 0, 9, -4]"), ("input scale", "3"), ("got", "13"), ("expected", "39"))


def test_what_changes_in_place_is_compared(topic):
    verdict = judged(topic.count, "def count(table, place):\n    table[place] = 1")
    assert verdict.message == "it sets the entry to 1: add 1 to what is there"
    assert (
        judged(topic.count, "def count(table, place):\n    table[place] = table[place] + 1\n    return 7").outcome
        == "correct"
    )
    verdict = judged(topic.count, "def count(table, place):\n    return table + 1")
    assert verdict.outcome == "wrong" and ("got", "table: [0., 0., 0.]") in verdict.facts


def test_what_an_answer_prints_is_kept_and_cut(topic):
    verdict = judged(topic.span, "def span(values, scale):\n    print('looking at', len(values))\n    return 0")
    assert verdict.printed.splitlines()[0] == "looking at 3"
    assert verdict.printed.splitlines()[-1] == "... and 1 more line" and len(verdict.printed.splitlines()) == 9
    assert judged(topic.span, "def span(values, scale):\n    return 0").printed == ""


def test_an_exercise_may_begin_with_code_to_mend(topic):
    assert topic.mend.stub == "def published(values):\n    return values\n"
    assert judged(topic.mend, "def mend(values):\n    '''Other words.'''\n    return values").outcome == "not attempted"
    assert judged(topic.mend, "def mend(values):\n    return values[::-1]").outcome == "wrong"
    assert judged(topic.mend, "def mend(values):\n    return sorted(values)").outcome == "correct"


def test_a_right_answer_is_held_to_its_promise(topic, capsys):
    answer = run_cell("def span(values, scale):\n    return float(scale) * float(max(values) - min(values))")["span"]
    kept = ex.check(answer)
    assert type(kept(np.array([1, 3]), 2)) is int
    assert ex.check(kept)(np.array([1, 3]), 2) == 4  # the cell of the check may run again
    assert capsys.readouterr().out == "exercise 7.1 span: correct\n" * 2
    with pytest.raises(BrokenPromise, match=r"^exercise 7.1 span, your function: the span should be a whole number"):
        kept(np.array([1.0, 1.5]), 1)


def test_badly_defined_exercises(topic):
    function = run_cell("def f(): ...", __name__="binpack.course.l01_tiny.exercises")["f"]
    with pytest.raises(ex.ExerciseError, match="it has no argument table to change"):
        ex.exercise(minutes=1, difficulty=1, hints=("h",), changes=("table",))(function)
    with pytest.raises(ex.ExerciseError, match="the function to start from is called len"):
        ex.exercise(minutes=1, difficulty=1, hints=("h",), start=len)(function)


def test_a_checks_own_words_stand_without_quotes(topic):
    @topic.count.check
    def _(answer):
        answer(np.zeros(2), 0)
        raise ex.Mistake("counted wrongly", got="593 times 1", wanted="600 times", given="3,000 draws")

    verdict = judged(topic.count, "def count(table, place):\n    table[place] += 1")
    assert verdict.facts == (("for", "3,000 draws"), ("got", "593 times 1"), ("expected", "600 times"))
    verdict = judged(topic.span, "def span(values, scale):\n    return 'four'")
    assert verdict.facts[-1] == ("got", "'four'")


def test_of_long_arrays_the_first_difference_is_told():
    right = np.arange(20).reshape(4, 5)
    got = right.copy()
    assert first_difference(got, right) == ""
    got[2, 3], got[3, 0] = 99, 99
    assert first_difference(got, right) == "got 99, expected 13 at [2, 3]; 2 of 20 places differ"
    assert first_difference(right > 7, right > 8) == "got True, expected False at [1, 3]; 1 of 20 places differ"
    assert first_difference({"a": 1, "b": got}, {"a": 2, "b": right}).startswith("b: got 99, expected 13 at [2, 3]")
    assert first_difference(([1], [1, 2]), ([1], [1, 3])) == ""
    assert first_difference(got[0], right[0] + 1) == "" and first_difference(3, right) == ""  # few, or no arrays


def test_what_looks_the_same_is_told_with_more_digits():
    assert told_apart(np.array([0.5, 1.0]), np.array([0.5, 1.00001])) == ("[0.5, 1. ]", "[0.5 , 1.00001]")
    assert told_apart(0.1234567, 0.1234568) == ("0.1234567", "0.1234568")
    assert told_apart({"a": 1.0}, {"a": 2.0}) == ("a: 1", "a: 2")
    assert told_apart([1.5], [1.5]) == ("[1.5]", "[1.5]")


def test_rounding_in_single_precision_is_no_difference():
    third = np.float32(1) / np.float32(3)
    left = np.array([third + third + third - 1, 1e-7], np.float32)
    assert close(left, np.zeros(2)) and not close(left.astype(float), np.zeros(2))
    assert not close(np.float32([2e-6]), np.float32([0.0]))
