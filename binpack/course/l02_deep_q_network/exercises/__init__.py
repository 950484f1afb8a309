"""Lesson 02: a deep Q-network (Mnih et al., 2015) in ten parts, each an exercise."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l02_deep_q_network.exercises.network import add, epsilon, make_network
from binpack.course.l02_deep_q_network.exercises.learning import td_loss, td_targets, update
from binpack.course.l02_deep_q_network.exercises.training import REFERENCE, evaluate, train
from binpack.course.l02_deep_q_network.exercises.saving import save_and_load
from binpack.course.l02_deep_q_network.exercises.hunting import is_over, prepare_study, suggest
from binpack.course.l02_deep_q_network.exercises.tuning import tune_objective
# isort: on

__all__ = [
    "REFERENCE",
    "add",
    "epsilon",
    "evaluate",
    "is_over",
    "make_network",
    "prepare_study",
    "save_and_load",
    "suggest",
    "td_loss",
    "td_targets",
    "train",
    "tune_objective",
    "update",
]
