"""Nothing that a test writes lands outside the checkout."""

import os
from pathlib import Path

import pytest

from binpack.system import use_private_folders

ROOT = Path(__file__).resolve().parent.parent

use_private_folders(ROOT)
(ROOT / ".cache" / "tmp").mkdir(parents=True, exist_ok=True)
os.environ["PYTEST_DEBUG_TEMPROOT"] = str(ROOT / ".cache" / "tmp")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of what takes long; an option is known only where it stands for all tests."""
    parser.addoption("--all-lessons", action="store_true", help="lessons with all right answers, and in the browser")
    kept = os.environ.get("BINPACK_SCREENSHOTS")
    parser.addoption("--screenshots", metavar="FOLDER", default=kept, help="keep pictures of them in a folder")
