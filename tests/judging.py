"""What the tests of every lesson's checks use."""

from __future__ import annotations

from collections.abc import Callable

from binpack.course.exercises.core import Exercise, Verdict


def verdict(exercise: Exercise, answer: Callable) -> Verdict:
    """Judge an answer as the notebook does."""
    return exercise.judge(answer)


def wrong(exercise: Exercise, answer: Callable) -> str:
    """Return what the check says about an answer that it must not accept."""
    judged = exercise.judge(answer)
    assert judged.outcome == "wrong", judged
    return judged.text
