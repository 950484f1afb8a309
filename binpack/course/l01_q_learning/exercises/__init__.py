"""Lesson 01: the Q-table, how it learns from rewards, how an agent uses it, and a bin in which it finds the optimum."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l01_q_learning.exercises.table import discounted_return, greedy_policy, td_update
from binpack.course.l01_q_learning.exercises.agent import epsilon_greedy, q_learning
from binpack.course.l01_q_learning.exercises.tiny_bin import state_number, value_sweep
# isort: on

__all__ = [
    "discounted_return",
    "epsilon_greedy",
    "greedy_policy",
    "q_learning",
    "state_number",
    "td_update",
    "value_sweep",
]
