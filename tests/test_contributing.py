"""CONTRIBUTING.md names what is there, and its examples work."""

import re
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np

from binpack.course.exercises import core, exercise, promise
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


def test_the_exercise_of_the_example_is_one(monkeypatch):
    module = types.ModuleType("binpack.course.l99_packing.exercises")
    monkeypatch.setattr(core, "_REGISTRY", {})
    module.__dict__.update(np=np, exercise=exercise, promise=promise)
    exec(block("@exercise"), module.__dict__)
    made = module.landing_height
    assert made.hints[0].startswith("Begin")

    def by_loop(heights, length):
        return [max(heights[place : place + length]) for place in range(len(heights) - length + 1)]

    def first_cell(heights, length):
        return np.array([heights[place] for place in range(len(heights) - length + 1)])

    def lowest(heights, length):
        return np.lib.stride_tricks.sliding_window_view(heights, length).min(axis=-1)

    assert made.judge(by_loop).outcome == "correct"
    assert "it looks at the first cell under the box alone" in made.judge(first_cell).text
    assert "expected [2, 2], for heights=[0, 2, 1], length=2" in made.judge(lowest).text


def test_no_two_modules_of_the_tests_have_one_name():
    """They are imported by their names alone, so the second of two would be the first."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert [name for name, count in Counter(names).items() if count > 1] == []
