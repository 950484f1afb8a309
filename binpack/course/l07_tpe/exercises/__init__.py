"""Lesson 07: expected improvement, and the parts of a tree-structured Parzen estimator."""

# isort: off
# The order of these imports is the order of the lesson.
from binpack.course.l07_tpe.exercises.acquisition import expected_improvement
from binpack.course.l07_tpe.exercises.parzen import split_trials, place_on_scale, bandwidths, mixture_density
from binpack.course.l07_tpe.exercises.choosing import draw_mixture, best_candidate, choice_probabilities
from binpack.course.l07_tpe.tpe import Parts
# isort: on

REFERENCE = Parts(
    split_trials.reference,
    bandwidths.reference,
    mixture_density.reference,
    draw_mixture.reference,
    best_candidate.reference,
)
"""The reference solutions, as a search wants them."""

__all__ = [
    "REFERENCE",
    "bandwidths",
    "best_candidate",
    "choice_probabilities",
    "draw_mixture",
    "expected_improvement",
    "mixture_density",
    "place_on_scale",
    "split_trials",
]
