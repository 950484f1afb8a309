"""Exercises of the course: stubs, hints, checks and solutions, all made from one reference solution each.

A lesson uses four functions, ``check``, ``hint``, ``solution`` and ``whose``. Its package,
``binpack/course/lNN_topic/``, defines its exercises with ``exercise``, ``promise`` and the ``expect...`` helpers, in
``exercises.py`` or in the modules of ``exercises/``. Only what makes the notebooks, in ``notebooks/source/``, needs the
rest.
"""

from binpack.course.exercises import promise
from binpack.course.exercises._expect import (
    Mistake,
    expect,
    expect_close,
    expect_shape,
    expect_type,
    global_randomness_untouched,
)
from binpack.course.exercises.core import Exercise, ExerciseError, Verdict, exercise, exercises_of, find
from binpack.course.exercises.notebook import check, hint, solution, whose

__all__ = [
    "Exercise",
    "ExerciseError",
    "Mistake",
    "Verdict",
    "check",
    "exercise",
    "exercises_of",
    "expect",
    "expect_close",
    "expect_shape",
    "expect_type",
    "find",
    "global_randomness_untouched",
    "hint",
    "promise",
    "solution",
    "whose",
]
