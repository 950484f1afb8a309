"""Lesson 05: reading a run, changing settings while it goes on, and finding out which change did it."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l05_hyperparameters.exercises.reading import (
    explained_variance,
    diagnose,
    linear_schedule,
    next_learning_rate,
    merge_statistics,
    one_change_apart,
)
# isort: on

__all__ = [
    "diagnose",
    "explained_variance",
    "linear_schedule",
    "merge_statistics",
    "next_learning_rate",
    "one_change_apart",
]
