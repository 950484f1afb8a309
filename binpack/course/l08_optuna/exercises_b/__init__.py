"""Lesson 08b: when a trial is stopped, what its stopping saves, and what is read from a study."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l08_optuna.exercises_b.stopping import median_stops, replay_pruner, halving_goes_on
from binpack.course.l08_optuna.exercises_b.reading import importance_by_means, pareto_front, hypervolume
# isort: on

__all__ = [
    "halving_goes_on",
    "hypervolume",
    "importance_by_means",
    "median_stops",
    "pareto_front",
    "replay_pruner",
]
