"""How pytest runs the notebooks: nbval compares every output except those that no two machines share.

A plugin that pyproject.toml names rather than a conftest.py, which would have to lie among the notebooks.
"""

from pathlib import Path

import pytest

from binpack.system import use_private_folders

use_private_folders(Path(__file__).resolve().parents[2])

# A figure is compared by its line of text; plotly's JSON holds floats and stderr holds warnings of other packages.
NOT_COMPARED = ("application/vnd.plotly.v1+json", "image/svg+xml", "stderr")


def pytest_configure(config: pytest.Config) -> None:
    """Find the sanitize file from any working directory: pyproject.toml names it relative to itself."""
    name = config.option.nbval_sanitize_with
    if name and not Path(name).is_file():
        config.option.nbval_sanitize_with = str(config.rootpath / name)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Extend what nbval leaves out of the comparison."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += NOT_COMPARED
