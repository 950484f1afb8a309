"""How pytest runs the notebooks and the doctests.

nbval compares every output except those that no two machines share. A plugin that pyproject.toml names rather than a
conftest.py, which would have to lie among the notebooks.
"""

import os
from functools import cache
from pathlib import Path

import nbval.kernel
import pytest
from kernels import again_where_it_died_early
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from binpack.system import use_private_folders

ROOT = Path(__file__).resolve().parents[2]
use_private_folders(ROOT)

# A figure is compared by its line of text, which Markdown repeats (so it does that of a solution); plotly's JSON holds
# floats and stderr holds warnings of other packages.
NOT_COMPARED = ("application/vnd.plotly.v1+json", "image/svg+xml", "text/markdown", "stderr")

DOCTESTED = ("core", "items", "env", "agents", "search")
"""Rooms whose public docstrings hold examples that run."""


def pytest_configure(config: pytest.Config) -> None:
    """Find the sanitize file from any directory, start kernels safely, and keep processes from sharing their cores."""
    name = config.option.nbval_sanitize_with
    if name and not Path(name).is_file():
        config.option.nbval_sanitize_with = str(config.rootpath / name)
    nbval.kernel.start_new_kernel = again_where_it_died_early(nbval.kernel.start_new_kernel)
    if getattr(config.option, "numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Look for doctests in the rooms that have them, and never import a lesson's source."""
    if collection_path.suffix != ".py" or not collection_path.is_relative_to(config.rootpath):
        return None
    parts = collection_path.relative_to(config.rootpath).parts
    if parts[0] == "binpack":
        return len(parts) < 3 or parts[1] not in DOCTESTED or collection_path.stem == "__init__" or None
    return parts[0] == "notebooks" or None


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Extend what nbval leaves out of the comparison."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += NOT_COMPARED


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Deal out notebooks and files with fixtures of their own whole, the longest first, and other tests one by one."""
    return _Scheduling(config, log)


class _Scheduling(LoadScopeScheduling):
    """Keeps the cells of a notebook in one process: they share a kernel and come one after another.

    The tests of a file with a fixture for the module stay together as well, or each process would make it again.
    Its base sends the scopes with most tests first, so that what is left at the end is short. (pytest-xdist's own
    groups, ``--dist=loadgroup``, have no effect with pytest 9.2, whose tests keep the name that they were given.)
    """

    def _split_scope(self, nodeid: str) -> str:
        name = nodeid.partition("::")[0]
        return name if stays_whole(self.config.rootpath / name) else nodeid


@cache
def stays_whole(path: Path) -> bool:
    """Say whether everything in a file runs in one process: it is a notebook, or has a fixture for the module."""
    return path.suffix == ".ipynb" or (path.is_file() and 'scope="module"' in path.read_text(encoding="utf-8"))
