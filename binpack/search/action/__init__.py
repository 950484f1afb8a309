"""The train action: one JSON object that says what is trained or tuned, and what comes out of it.

``perform`` does what ``python -m binpack action`` does; ``tutorials/train-action.md`` is the guide.
"""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.search.action.conduct import TrainingFailed, perform
    from binpack.search.action.faults import Fault, JobError
    from binpack.search.action.job import Job, parse_job, read_job
    from binpack.search.action.result import Report
    from binpack.search.action.run import Run, StopTrial
    from binpack.search.action.table import JsonLines, Notebook, TrialTable

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
