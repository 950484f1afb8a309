"""Search: spaces as data, and studies that can be killed and resumed."""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.search._model import SearchError
    from binpack.search.config import TuneConfig
    from binpack.search.report import Comparison, TuneResult, load_result, study_config, to_csv, trials_table
    from binpack.search.samplers import PrunerConfig, SamplerConfig
    from binpack.search.seeds import SeedPlan
    from binpack.search.space import DEFAULT_SPACE, WIDE_SPACE, Categorical, Condition, Float, Int, Space
    from binpack.search.storage import load_study
    from binpack.search.study import TuneInterrupted, tune

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
