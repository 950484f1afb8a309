"""What holds for the exercises of every lesson."""

import pytest
from judging import verdict

from binpack.course.exercises import exercises_of
from binpack.course.exercises._lessons import lessons

LESSONS = [lesson for lesson in lessons() if lesson.sources()]
for each in LESSONS:
    each.load()
EXERCISES = [exercise for lesson in LESSONS for exercise in exercises_of(lesson.package)]


def test_every_lesson_is_found():
    assert {0, 1, 2, 3, 8} <= {lesson.number for lesson in LESSONS}
    assert all(exercises_of(lesson.package) for lesson in LESSONS)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: f"{exercise.topic}.{exercise.name}")
def test_the_reference_pasted_into_a_cell_is_right(exercise):
    namespace = {}
    exec("\n".join(exercise.imports()) + "\n" + exercise.source, namespace)
    judged = verdict(exercise, namespace[exercise.name])
    assert judged.outcome == "correct", judged


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: f"{exercise.topic}.{exercise.name}")
def test_hints_begin_and_lead_to_code(exercise):
    assert 2 <= len(exercise.hints) <= 4
    assert not any(hint.startswith("If ") for hint in exercise.hints)
    assert "`" in exercise.hints[-1] or "=" in exercise.hints[-1]
