"""Lesson 08: what stands around a sampler, and what is read from a study; each piece an exercise."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l08_optuna.exercises.asking import suggest_row, suggest_network
from binpack.course.l08_optuna.exercises.scoring import mean_over_seeds
from binpack.course.l08_optuna.exercises.resuming import open_study, continue_study
from binpack.course.l08_optuna.exercises.stopping import stop_after
from binpack.course.l08_optuna.exercises.ending import tell_outcome
from binpack.course.l08_optuna.exercises.planning import seed_plan
from binpack.course.l08_optuna.exercises.pruning import median_stops, replay_pruner, halving_goes_on
from binpack.course.l08_optuna.exercises.reading import importance_by_means, pareto_front, hypervolume
# isort: on

__all__ = [
    "continue_study",
    "halving_goes_on",
    "hypervolume",
    "importance_by_means",
    "mean_over_seeds",
    "median_stops",
    "open_study",
    "pareto_front",
    "replay_pruner",
    "seed_plan",
    "stop_after",
    "suggest_network",
    "suggest_row",
    "tell_outcome",
]
