"""The packing core: where items can stand, how placements are scored, and an independent check; numpy alone."""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.core.bearing import Bearing, Patterns
    from binpack.core.geometry import CheckableRule, GeometryError, check, utilization, verify
    from binpack.core.heuristics import HEURISTICS, Heuristic, choose
    from binpack.core.placement import (
        ORIENTATIONS,
        OUTSIDE,
        ROTATIONS,
        Candidates,
        feasible,
        landing_heights,
        orient,
        place,
        supported_cells,
        supported_corners,
    )
    from binpack.core.registry import Registry, without_imports
    from binpack.core.support import SUPPORT_RULES, SupportRule, support_rule

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
