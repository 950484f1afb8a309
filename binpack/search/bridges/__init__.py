"""Bridges to other libraries that search: the same space and the same objective, and a study that ``show`` takes.

Weights & Biases (``sweep_config``, ``run_sweep``, ``wandb_run``) and Hyperopt (``to_hyperopt``, ``run_hyperopt``) are
optional: importing this imports neither, and where one is missing, one line says how to install it.
"""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.search.bridges.hyperopt import run_hyperopt, to_hyperopt
    from binpack.search.bridges.local_sweep import run_sweep
    from binpack.search.bridges.sweep import check_sweep, sweep_config, to_yaml
    from binpack.search.bridges.tried import BridgeResult, load_bridge
    from binpack.search.bridges.wandb_run import wandb_run

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
