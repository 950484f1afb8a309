"""What holds for every exercise of lesson 02; their checks are tested in `exercises`."""

import pytest
from judging import verdict

from binpack.course.exercises.core import exercises_of
from binpack.course.l02_deep_q_network import exercises as lesson


@pytest.mark.parametrize("exercise", exercises_of(lesson), ids=lambda exercise: exercise.name)
def test_an_answer_without_return_is_told_so(exercise):
    assert verdict(exercise, lambda *_, **__: None).outcome in ("wrong", "error")
