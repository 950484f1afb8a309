"""What the lessons about searches share: curves without gaps, and means that can be told apart or not."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "search" / "landscape"))
import invented

from binpack.course.searching import apart, curves, with_error
from binpack.search.landscape.table import Landscape


def test_a_run_that_diverges_scores_nothing_and_takes_no_further_steps(tmp_path):
    runs = Landscape(invented.write(tmp_path / "study.npz", seeds=2, more=False)).runs("default")
    runs.utilization[0, 1, 5:], runs.steps[0, 1, 5:] = np.nan, 0
    scores, steps = curves(runs)
    assert scores.shape == steps.shape == (1, 2, 20) and scores.dtype == float and steps.dtype == np.int64
    assert (scores[0, 1, 5:] == 0).all() and (steps[0, 1, 5:] == steps[0, 1, 4]).all()
    assert scores[0, 0] == pytest.approx(runs.utilization[0, 0]) and (np.diff(steps[0, 0]) > 0).all()


def test_two_errors_are_written_behind_a_mean():
    assert with_error(np.array([1.0, 3.0])) == "2.0000 ± 2.0000"
    assert with_error(np.array([1.0, 1.0]), 1) == "1.0 ± 0.0"


def test_means_are_apart_beyond_two_errors_of_their_difference():
    one = np.array([0.0, 2.0])  # mean 1, its error 1
    assert not apart(one, one + 2.8) and apart(one, one + 2.9) and apart(one + 2.9, one)
