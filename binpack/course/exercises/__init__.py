"""Exercises of the course: stubs, hints, checks and solutions, all made from one reference solution each.

A lesson uses three functions, ``check``, ``hint`` and ``solution``. Its package, ``binpack/course/lNN_topic/``, defines
its exercises with ``exercise`` and the ``expect...`` helpers, in ``exercises.py`` or in the modules of ``exercises/``.
Only what makes the notebooks, in ``notebooks/source/``, needs the rest.
"""

from binpack.course.exercises._expect import (
    Mistake,
    expect,
    expect_close,
    expect_shape,
    expect_type,
    global_randomness_untouched,
)
from binpack.course.exercises.core import (
    Exercise,
    ExerciseError,
    Verdict,
    check,
    exercise,
    exercises_of,
    find,
    hint,
    solution,
)

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
    "solution",
]
