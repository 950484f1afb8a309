"""Lesson 10: what a grid wastes, what a budget buys, who goes to the final, and what may be said of it; then 10b, a
reward, a support rule and an environment of one's own.
"""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l10_capstone.exercises.planning import rounding_loss, plan_budget, choose_finalists
from binpack.course.l10_capstone.exercises.judging import gain_kept, holm
from binpack.course.l10_capstone.exercises.shaping import exact_values, shaping
from binpack.course.l10_capstone.exercises.own import three_feet, a_day
# isort: on

__all__ = [
    "a_day",
    "choose_finalists",
    "exact_values",
    "gain_kept",
    "holm",
    "plan_budget",
    "rounding_loss",
    "shaping",
    "three_feet",
]
