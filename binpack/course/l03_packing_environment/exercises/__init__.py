"""Lesson 03: where a box lands, what may carry it, what an action is, and a rule of thumb, in six exercises."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l03_packing_environment.exercises.landing import landing_height, landing_heights
from binpack.course.l03_packing_environment.exercises.support import fraction_mask
from binpack.course.l03_packing_environment.exercises.actions import action_mask, decode_action
from binpack.course.l03_packing_environment.exercises.scoring import lowest_landing
# isort: on

__all__ = ["action_mask", "decode_action", "fraction_mask", "landing_height", "landing_heights", "lowest_landing"]
