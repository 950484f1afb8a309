"""A lesson of a few cells with an exercise, for tests of what builds and judges lessons."""

from pathlib import Path

EXERCISE = '''
"""An exercise for tests."""

import math

from binpack.course.exercises import exercise, expect_close


@exercise(minutes=3, difficulty=2, hints=("A square root.",))
def diagonal(length: float, width: float) -> float:
    """Measure across a floor.

    Args:
        length: in cells.
    """
    # 1. Pythagoras
    return math.hypot(length, width)


@diagonal.check
def _(answer):
    expect_close(answer(3, 4), 5, "for 3 and 4 it should be 5")
'''

LESSON = """\
# %% [markdown]
# # 01 Tiny
#
# *5 minutes. Builds on lesson 00.*
#
# When you are done you can
#
# - measure a floor.

# %%
from binpack.course import exercises as ex

# %% [markdown]
# ## Measuring
#
# A floor is measured along its walls. What fits on it is often decided by the way across, from one corner to the one
# that lies opposite, which Pythagoras computed.

# %% [exercise tiny.diagonal]

# %% [markdown]
# *Predict, then run.* How far is it across 5 x 12 cells?

# %%
print(f"{diagonal(5, 12):.1f} cells")

# %% tags=["nbval-ignore-output"]
print(id(object()))

# %% [markdown]
# ## Takeaways
#
# - Floors have diagonals.
#
# ## Quiz
#
# 1. How many?
# <details><summary>Answer</summary>Two.</details>
# 2. Equal?
# <details><summary>Answer</summary>Yes, `2 != 3` aside.</details>
#
# ## What comes next
#
# Lesson 02.
#
# ## References
#
# - Euclid, Elements, edition of 1908.
"""


def write_exercises(folder: Path) -> None:
    """Write the tiny lesson's package."""
    (folder / "l01_tiny").mkdir(parents=True)
    (folder / "l01_tiny" / "exercises.py").write_text(EXERCISE, encoding="utf-8")
