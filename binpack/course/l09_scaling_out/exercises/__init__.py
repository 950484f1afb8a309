"""Lesson 09: workers side by side, who may run what, stopping without waiting, populations, and interruptions."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l09_scaling_out.exercises.pool import speed_up, run_pool
from binpack.course.l09_scaling_out.exercises.leases import lease_says
from binpack.course.l09_scaling_out.exercises.halving import halving_plan, hyperband_brackets, promotable
from binpack.course.l09_scaling_out.exercises.population import exploit_and_explore
from binpack.course.l09_scaling_out.exercises.interruption import checkpoint_plan
# isort: on

__all__ = [
    "checkpoint_plan",
    "exploit_and_explore",
    "halving_plan",
    "hyperband_brackets",
    "lease_says",
    "promotable",
    "run_pool",
    "speed_up",
]
