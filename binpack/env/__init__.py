"""The packing environment: for gymnasium (one bin), for Stable-Baselines3 (many), and the batch behind both."""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.env.batch import PackingBatch
    from binpack.env.config import EnvConfig
    from binpack.env.observations import Features
    from binpack.env.rewards import Reward, Step
    from binpack.env.single import BinPackingEnv
    from binpack.env.vector import BinPackingVecEnv

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
