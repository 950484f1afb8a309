"""Lesson 05: what hyperparameters do and what a sweep says of them; then reading a run, and changing it on its way."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l05_hyperparameters.exercises.meaning import (
    policy_change,
    clip_by_norm,
    minibatch_sizes,
    estimate_weights,
)
from binpack.course.l05_hyperparameters.exercises.judging import judge_claim, honest_gain
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
    "clip_by_norm",
    "diagnose",
    "estimate_weights",
    "explained_variance",
    "honest_gain",
    "judge_claim",
    "linear_schedule",
    "merge_statistics",
    "minibatch_sizes",
    "next_learning_rate",
    "one_change_apart",
    "policy_change",
]
