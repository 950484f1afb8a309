"""Every figure of the course, interactive and still from one call.

A function makes a `Figure`; `show` puts it into a notebook and `save` into a file. Figures of a study, of results with
their spread, of speed, of packings and their maps, tables and films live in a module each.
"""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.plots.boxes import heightmap, landing, mask, packing, packings
    from binpack.plots.contours import contour
    from binpack.plots.figure import Figure, save, show, show_picture
    from binpack.plots.films import film
    from binpack.plots.results import bars_with_spread, curves_with_spread
    from binpack.plots.speed import mask_curve
    from binpack.plots.study import (
        edf,
        history,
        hypervolume,
        importance,
        intermediate_values,
        parallel_coordinate,
        pareto_front,
        rank,
        slice_,
        timeline,
    )
    from binpack.plots.tables import heat_table

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
