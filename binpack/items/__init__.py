"""Items and where they come from: units, cutting generators, catalogues from files, and streams drawn from them."""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.items.catalogue import Catalogue, korea_post, read_catalogue
    from binpack.items.generators import cut_1, cut_2, random_items, split_bin
    from binpack.items.sources import ItemSource, item_source
    from binpack.items.streams import Streams
    from binpack.items.units import InstanceError, parse_bin, parse_length

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
