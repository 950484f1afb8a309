"""Packages that need not be there."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

from binpack.search._model import SearchError


def needed(module: str, what: str, install: str | None = None) -> ModuleType:
    """Import a package that is an extra of this one.

    Args:
        module: its name.
        what: what it is needed for, for the message.
        install: what pip calls it, where that differs.

    Raises:
        SearchError: it is not installed, or cannot be imported; one line with the command that installs it.
    """
    try:
        # what a library has to say about others' versions is no news for who searches
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        # a package of its own that is missing, or a library of the system's, is worth its name
        why = "" if isinstance(error, ModuleNotFoundError) and error.name == module else f" ({error})"
        package = install or module
        raise SearchError(f"{what} needs the package {package}{why}: pip install {package}") from None
