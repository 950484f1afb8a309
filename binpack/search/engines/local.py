"""The default engine: processes of one machine, and Optuna's journal file; see ``study``."""

from __future__ import annotations

from collections.abc import Sequence

from binpack.search.action.result import Trial
from binpack.search.engines.crew import Crew, Listener, OneAfterAnother, SideBySide
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.searches import SEARCHES
from binpack.search.engines.study import SCHEDULED, run_study
from binpack.system import usable_cores


class _Local:
    searches = SEARCHES
    schedulers = SCHEDULED

    def tune(self, tuning: Tuning, watch: Watch) -> Sequence[Trial]:
        """Run the trials; see ``Engine.tune``."""
        params = tuning.params
        side_by_side = params.tuning.max_concurrent_trials or max(1, int(usable_cores() // params.num_cpus))
        return run_study(tuning, watch, side_by_side, _crew)


LOCAL = _Local()


def _crew(listener: Listener, size: int) -> Crew:
    return OneAfterAnother(listener) if size == 1 else SideBySide(listener, size)
