"""Lesson 10: what a grid wastes, what a budget buys, who goes to the final, and what may be said of it."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l10_capstone.exercises.planning import rounding_loss, plan_budget, choose_finalists
from binpack.course.l10_capstone.exercises.judging import gain_kept, holm
# isort: on

__all__ = ["choose_finalists", "gain_kept", "holm", "plan_budget", "rounding_loss"]
