"""A hands-on lab for tuning reinforcement learning, on the problem of packing boxes into a bin.

Importing the package registers ``BinPacking-v0`` with gymnasium. Where a worker process is spawned by code that does
not import ``binpack`` itself, ``gymnasium.make("binpack:BinPacking-v0")`` imports it there.
"""

from gymnasium.envs.registration import register

__version__ = "0.1.0"

register(id="BinPacking-v0", entry_point="binpack.env.single:BinPackingEnv")
