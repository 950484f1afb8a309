"""A record of sweeps that is not the recorded one."""

import pytest
from invented_sweeps import invented

from binpack.course.l05_hyperparameters.results import Sweeps


@pytest.fixture(scope="session")
def record() -> Sweeps:
    """Six seeds of invented scores."""
    return Sweeps(invented())
