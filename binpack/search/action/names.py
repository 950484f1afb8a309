"""Names as they may stand in files, in ids and in lists that are separated by commas."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[%:,/\\\x00-\x1f\x7f]|^\.")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")


def encode(name: str) -> str:
    """Encode what separates names (``:`` and ``,``), what separates folders, ``%`` itself and a leading dot.

        >>> encode("lr: 1e-3, wide")
        'lr%3A 1e-3%2C wide'
        >>> decode(encode("../50%")) == "../50%"
        True

    Args:
        name: any text.
    """
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", name)


def decode(text: str) -> str:
    """Return the name that ``encode`` made the text of."""
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), text)
