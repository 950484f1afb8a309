"""Lesson 08: what stands around a sampler: a space to ask for, a score, a storage, ends, seeds."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l08_optuna.exercises.asking import suggest_row, suggest_network
from binpack.course.l08_optuna.exercises.scoring import mean_over_seeds
from binpack.course.l08_optuna.exercises.resuming import open_study, continue_study
from binpack.course.l08_optuna.exercises.stopping import stop_after
from binpack.course.l08_optuna.exercises.ending import tell_outcome
from binpack.course.l08_optuna.exercises.planning import seed_plan
# isort: on

__all__ = [
    "continue_study",
    "mean_over_seeds",
    "open_study",
    "seed_plan",
    "stop_after",
    "suggest_network",
    "suggest_row",
    "tell_outcome",
]
