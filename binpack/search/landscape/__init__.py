"""The recorded study: thousands of real training runs of one small task, to be searched in seconds.

``objective``, ``curve``, ``worth`` and ``space`` are for testing a search method on it; ``load`` and ``Surrogate`` are
what stands behind them: the recorded runs as tables, and the model of those that were not run.
"""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.search.landscape.query import curve, objective, space, worth
    from binpack.search.landscape.surrogate import Surrogate
    from binpack.search.landscape.table import Landscape, Runs, load

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
