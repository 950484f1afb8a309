"""Lesson 04: PPO, from its parts to its comparison with others, each part an exercise."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l04_ppo.exercises.at_work import (
    a2c_arguments,
    end_of_episode,
    masked_targets,
    score_on_streams,
    steps_to_reach,
)
# isort: on

__all__ = ["a2c_arguments", "end_of_episode", "masked_targets", "score_on_streams", "steps_to_reach"]
