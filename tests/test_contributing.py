"""CONTRIBUTING.md names what is there, and its examples work."""

import inspect
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from binpack.course.exercises import exercise, expect_close, expect_shape
from binpack.env import BinPackingVecEnv, EnvConfig

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TOPS = (ROOT, ROOT / "binpack", ROOT / "binpack" / "course")
IMAGINED = {"corners.py"}
"""Files that the reader is to write."""


def block(start: str) -> str:
    """Return the Python block that begins with a text."""
    return next(code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if code.startswith(start))


def test_every_file_and_folder_that_it_names_is_there():
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    names = set(re.findall(r"`([\w./]+(?:\.(?:py|md|toml|txt|cff)|/\w*))`", prose)) - IMAGINED
    names |= set(re.findall(r"(?:pytest|python)(?: -\S+| 0)* ((?:tests|notebooks)/[\w./]+)", TEXT))
    assert {"env/rewards.py", "tests/test_rooms.py", "tests/core", "notebooks/source/build.py"} <= names
    real = {name for name in names if "NN" not in name}
    missing = [name for name in real if not any((top / name).exists() for top in TOPS)]
    assert missing == []


def test_the_reward_of_the_example_pays_twice_in_a_corner(monkeypatch):
    module = types.ModuleType("corners")
    exec(block("def corner_bonus"), module.__dict__)
    monkeypatch.setitem(sys.modules, "corners", module)
    env = BinPackingVecEnv(EnvConfig(bin_size=(4, 4, 4), items="random:2-2", reward="corners:corner_bonus"), 2, seed=0)
    env.reset()
    in_the_corner, beside_it = 0, 1  # an action counts y first
    rewards = env.step(np.array([in_the_corner, beside_it]))[1]
    assert rewards.tolist() == [2 * 8 / 64, 8 / 64]


def test_the_exercise_of_the_example_is_one():
    code = block("@exercise")
    made = {}

    def keep(**about):
        def decorate(function):
            made.update(about, function=function)
            function.check = lambda check: made.update(check=check)
            return function

        return decorate

    scope = {"np": np, "exercise": keep, "expect_close": expect_close, "expect_shape": expect_shape}
    exec(code, scope)
    assert made.keys() - {"function", "check"} <= inspect.signature(exercise).parameters.keys()
    made["check"](made["function"])
    with pytest.raises(Exception, match="did you take the mean"):
        made["check"](lambda heights, length: np.array([1.0, 1.5]))
