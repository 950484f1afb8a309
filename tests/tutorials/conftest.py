"""The reader of the guides' blocks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from guides import Reader


@pytest.fixture
def guide_reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader in an empty folder."""
    reader = Reader(tmp_path)
    yield reader
    reader.close()
