"""The engine for many machines: a study on a PostgreSQL server, in which any number of workers take part.

The tuner is one of them; ``python -m binpack worker`` starts others, which join and leave whenever they like. Who
trains what says a table of leases (``leases``), and what the job is lies in the study (``stored``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from binpack.search._model import SearchError
from binpack.search.action.result import Trial
from binpack.search.engines.database import Terms, connected
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.participant import Participant
from binpack.search.engines.searches import PRUNED, SEARCHES
from binpack.search.engines.stored import store
from binpack.search.storage import Location, broken, driver_url
from binpack.search.urls import shown

VARIABLE = "BINPACK_STORAGE"
"""The environment variable that names the database where no option does."""


class Postgres:
    """See ``Engine``.

    Args:
        terms: how the tuner takes part.
    """

    searches = SEARCHES
    schedulers = PRUNED

    def __init__(self, terms: Terms | None = None) -> None:
        self._terms = terms or Terms()

    def storage_faults(self, storage: str | None) -> Iterator[str]:
        """Yield what is wrong with a database's URL; see ``engine.check_storage``."""
        try:
            location_of(storage, "")
        except SearchError as error:
            yield str(error)

    def tune(self, tuning: Tuning, watch: Watch) -> Sequence[Trial]:
        """Run the trials; see ``Engine.tune``."""
        location = location_of(tuning.storage, tuning.params.name)
        with connected(location, self._terms.patience, teller(watch)) as database:
            stored = store(database, tuning)
            return Participant(database, stored, tuning, self._terms, watch).run()


POSTGRESQL = Postgres()


def location_of(storage: str | None, name: str) -> Location:
    """Return where a study is.

    Args:
        storage: the database's URL; None for the one that the environment names.
        name: of the study.

    Raises:
        SearchError: no URL, none of a PostgreSQL server, or its driver is missing; one line.
    """
    url = storage or os.environ.get(VARIABLE)
    if not url:
        raise SearchError(
            f"a PostgreSQL server is needed: --storage postgresql://USER@HOST/DATABASE, or {VARIABLE} in the "
            "environment"
        )
    if not url.startswith(("postgresql://", "postgresql+", "postgres://")):
        raise SearchError(f"{shown(url)} is no PostgreSQL server: expected postgresql://USER@HOST/DATABASE")
    location = Location(url, name, None, Path(), Path())
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(driver_url(url))
    except SearchError:
        raise
    except (ArgumentError, ValueError) as error:
        raise broken(location, "is no URL of a server", error) from None
    return location


def teller(watch: Watch) -> Callable[[str], None]:
    """Return what tells a line as a notice."""
    return lambda line: watch({"event": "notice", "line": line})
