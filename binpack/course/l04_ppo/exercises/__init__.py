"""Lesson 04: proximal policy optimization (Schulman et al., 2017), its parts and then its use, each an exercise."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l04_ppo.agent import Parts
from binpack.course.l04_ppo.exercises.policy import entropy, masked_log_probs
from binpack.course.l04_ppo.exercises.rollout import collect
from binpack.course.l04_ppo.exercises.advantages import gae, normalize
from binpack.course.l04_ppo.exercises.losses import clipped_loss, total_loss
from binpack.course.l04_ppo.exercises.updating import update
from binpack.course.l04_ppo.exercises.mending import listing_loss
from binpack.course.l04_ppo.exercises.at_work import (
    a2c_arguments,
    end_of_episode,
    masked_targets,
    score_on_streams,
    steps_to_reach,
)
# isort: on

REFERENCE = Parts(
    masked_log_probs.reference,
    entropy.reference,
    collect.reference,
    gae.reference,
    normalize.reference,
    clipped_loss.reference,
    total_loss.reference,
    update.reference,
)
"""The reference solutions, as a training loop wants them."""

__all__ = [
    "REFERENCE",
    "a2c_arguments",
    "clipped_loss",
    "collect",
    "end_of_episode",
    "entropy",
    "gae",
    "listing_loss",
    "masked_log_probs",
    "masked_targets",
    "normalize",
    "score_on_streams",
    "steps_to_reach",
    "total_loss",
    "update",
]
