"""Lesson 06: counting a grid, drawing at random, and judging a search by what its choice is truly worth."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l06_grid_and_random.exercises.drawing import grid_cells, search_years, log_uniform, trials_needed
from binpack.course.l06_grid_and_random.exercises.judging import worth_so_far, chance_better, main_effect
# isort: on

__all__ = [
    "chance_better",
    "grid_cells",
    "log_uniform",
    "main_effect",
    "search_years",
    "trials_needed",
    "worth_so_far",
]
