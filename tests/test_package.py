"""The package itself: what importing it costs, and how gymnasium comes to know the environment."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import pytest


def python(code: str) -> str:
    """Run code in an interpreter of its own and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("binpack", {"numpy", "gymnasium", "torch", "optuna", "pydantic"}),
        ("binpack.items.sources", {"gymnasium", "torch", "optuna", "pydantic"}),
        ("binpack.env.single", {"torch", "optuna", "plotly", "matplotlib"}),
    ],
)
def test_an_import_brings_no_more_than_it_needs(name, absent):
    found = python(f"import sys, {name}; print(*sys.modules)").split()
    assert name in found and not absent & set(found)


MAKE = "gymnasium.make('BinPacking-v0', bin_size=(5, 5, 5))"
WITH_NAME = "gymnasium.make('binpack:BinPacking-v0', bin_size=(5, 5, 5))"


@pytest.mark.parametrize(
    "code",
    [
        *(f"import {first}; import {second}; env = {MAKE}" for first, second in permutations(["binpack", "gymnasium"])),
        f"import gymnasium; env = {WITH_NAME}",
        f"import binpack; import gymnasium; env = {WITH_NAME}",
        f"from gymnasium.envs.registration import make; import gymnasium; env = {WITH_NAME}",
        f"import binpack.core.placement; import gymnasium; env = {MAKE}",
        f"from binpack.env import EnvConfig; import gymnasium; env = {MAKE}",
    ],
)
def test_gymnasium_knows_the_environment_whatever_is_imported_first(code):
    shown = python(f"{code}; print(type(env.unwrapped).__name__, env.observation_space['heights'].shape)")
    assert shown == "BinPackingEnv (5, 5)"
    count = "sum(name == 'BinPacking-v0' for name in gymnasium.registry)"
    assert python(f"{code}; import sys; print({count}, [type(f).__name__ for f in sys.meta_path])").startswith("1 ")
    assert "_WithGymnasium" not in python(f"{code}; import sys; print(sys.meta_path)")
