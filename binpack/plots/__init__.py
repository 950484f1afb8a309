"""Every figure of the course, interactive and still from one call.

A function makes a `Figure`; `show` puts it into a notebook and `save` into a file. Figures of a study, of results with
their spread, of speed, of packings and of height maps live in a module each.
"""

from binpack.plots.boxes import heightmap, landing, mask, packing, packings
from binpack.plots.figure import Figure, save, show
from binpack.plots.results import bars_with_spread, curves_with_spread
from binpack.plots.speed import mask_curve
from binpack.plots.study import (
    contour,
    edf,
    history,
    importance,
    intermediate_values,
    parallel_coordinate,
    pareto_front,
    rank,
    slice_,
    timeline,
)

__all__ = [
    "Figure",
    "bars_with_spread",
    "contour",
    "curves_with_spread",
    "edf",
    "heightmap",
    "history",
    "importance",
    "intermediate_values",
    "landing",
    "mask",
    "mask_curve",
    "packing",
    "packings",
    "parallel_coordinate",
    "pareto_front",
    "rank",
    "save",
    "show",
    "slice_",
    "timeline",
]
