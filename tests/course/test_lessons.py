"""What holds for the exercises of every lesson."""

import importlib
import pkgutil

import pytest
from judging import verdict

from binpack.course import exercises
from binpack.course.exercises.core import exercises_of

NAMES = [each.name for each in pkgutil.iter_modules(exercises.__path__)]
MODULES = [importlib.import_module(f"binpack.exercises.{name}") for name in NAMES]
LESSONS = [module for module in MODULES if hasattr(module, "LESSON")]
EXERCISES = [exercise for module in LESSONS for exercise in exercises_of(module)]


def test_every_lesson_is_found():
    assert {0, 1, 2, 3, 8} <= {module.LESSON for module in LESSONS}
    assert all(exercises_of(module) for module in LESSONS)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: f"{exercise.topic}.{exercise.name}")
def test_the_reference_pasted_into_a_cell_is_right(exercise):
    namespace = {}
    exec("\n".join(exercise.imports()) + "\n" + exercise.source, namespace)
    judged = verdict(exercise, namespace[exercise.name])
    assert judged.outcome == "correct", judged


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: f"{exercise.topic}.{exercise.name}")
def test_each_exercise_has_two_hints_phrased_as_the_learners_error(exercise):
    assert len(exercise.hints) == 2
    assert all(hint.startswith("If ") for hint in exercise.hints)
