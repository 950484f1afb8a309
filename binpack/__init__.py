"""A hands-on lab for tuning reinforcement learning, on the problem of packing boxes into a bin.

With the package imported, gymnasium knows ``BinPacking-v0``. Where a worker process is spawned by code that does not
import ``binpack`` itself, ``gymnasium.make("binpack:BinPacking-v0")`` imports it there.
"""

import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__version__ = "0.2.0"

_REGISTRY = "gymnasium.envs.registration"


def _register(registration: ModuleType) -> None:
    registration.register(id="BinPacking-v0", entry_point="binpack.env:BinPackingEnv")


class _WithGymnasium(MetaPathFinder):
    """Registers the environment at the moment gymnasium is imported: whoever needs numpy alone does not pay for it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find gymnasium's registry as usual, once, and let it be filled after its module has run."""
        if fullname != _REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Filling(spec.loader)
        return spec


class _Filling(Loader):
    """Loads gymnasium's registry as its own loader does, then registers the environment."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the module's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then register."""
        self._loader.exec_module(module)
        _register(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


if _REGISTRY in sys.modules:
    _register(sys.modules[_REGISTRY])
else:
    sys.meta_path.insert(0, _WithGymnasium())
