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
    "clipped_loss",
    "collect",
    "entropy",
    "gae",
    "listing_loss",
    "masked_log_probs",
    "normalize",
    "total_loss",
    "update",
]
