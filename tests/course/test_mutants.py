"""No check says something false: every reference with one small change gets a message that is true of it."""

import numpy as np
import pytest
from judging import run_cell
from mutants import FOLDER, IN_PLACE, NOT_RETURNED, PRINTED, judged, lines, mutants

from binpack.course.exercises import exercises_of
from binpack.course.exercises._lessons import lessons
from binpack.course.exercises._values import close
from binpack.course.exercises.core import Exercise

LESSONS = [each for each in lessons() if each.sources()]
for each in LESSONS:
    each.load()
EXERCISES = [exercise for each in LESSONS for exercise in exercises_of(each.package)]
EXAMINED = [exercise for exercise in EXERCISES if exercise.examination is not None]
OTHERS = [exercise for exercise in EXERCISES if exercise.examination is None]
FRESH = 99


@pytest.mark.parametrize("exercise", EXAMINED, ids=lambda exercise: exercise.name)
def test_what_is_said_of_a_mutant_is_true_of_it_on_fresh_inputs(exercise: Exercise):
    examination = exercise.examination
    inputs = [*examination.drawn(seed=FRESH, count=20)]
    for label, source in mutants(exercise):
        verdict = judged(exercise, source)
        answer = run_cell("\n".join(["import numpy as np", *exercise.imports(), source]))[exercise.name]
        got = [examination.tried(answer, each) for each in inputs]
        if verdict.message in examination.mistakes:
            named = [examination.tried(examination.mistakes[verdict.message], each) for each in inputs]
            assert all(map(close, got, named)), f"{label}: not on every input {verdict.message!r}"
        if verdict.outcome == "correct":
            right = [examination.outcome(exercise.reference, each) for each in inputs]
            assert all(map(close, got, right)), f"{label}: accepted though it is wrong"
        expect_kind(exercise, label, verdict)


def expect_kind(exercise: Exercise, label: str, verdict) -> None:
    """What any function can do wrong is named as that, or does no harm."""
    if not exercise.returns.returns:
        return
    if label == PRINTED:
        assert verdict.message == "it prints its answer and returns None: end with return"
    if label == NOT_RETURNED:
        assert "is there a return?" in verdict.message
    if label == IN_PLACE and verdict.outcome != "correct" and not exercise.changes:
        assert verdict.message.startswith("it changes its argument ")


@pytest.mark.parametrize("exercise", OTHERS, ids=lambda exercise: exercise.name)
def test_what_is_said_of_a_mutant_has_been_read(exercise: Exercise):
    path = FOLDER / f"{exercise.lesson.package.rpartition('.')[2]}.txt"
    read = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(f"{exercise.name} | ")]
    assert read and list(lines(exercise)) == read, "read tests/course/mutants.py, then write them with --write"


def test_a_mutant_is_one_change():
    exercise = next(each for each in EXERCISES if each.name == "discounted_return")
    found = dict(mutants(exercise))
    assert any("Div" in label for label in found) and PRINTED in found
    assert len(found) == len(set(found.values())) > 5
    assert not np.isclose(run_cell(found[PRINTED] + "\nimport numpy as np")["inner"]([1.0, 1.0], 0.5), 2.0)
