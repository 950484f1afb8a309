"""Package faces that load what they name when it is asked for.

A face says which names of a room others may use. Importing all of them at once would make ``from binpack.plots import
packing`` pay for Optuna, and ``from binpack.env import EnvConfig`` for torch. So a face imports its names under
``if TYPE_CHECKING``, where editors and type checkers read them, and `lazy_face` reads the same lines for everybody
else: no name is written twice.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


def lazy_face(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make the ``__getattr__``, ``__dir__`` and ``__all__`` of a package (PEP 562).

    Args:
        package: the package's ``__name__``.
        file: the package's ``__file__``, whose imports under ``if TYPE_CHECKING`` are the face.
    """
    where: dict[str, tuple[str | None, str]] = {}
    for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for line in node.body:
                if isinstance(line, ast.ImportFrom):
                    where |= {alias.asname or alias.name: (line.module, alias.name) for alias in line.names}

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = where[name]
        return getattr(importlib.import_module(str(module)), attribute)

    return get, lambda: sorted(where), sorted(where)
