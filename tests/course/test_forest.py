"""Forest plots of the lessons."""

import numpy as np

from binpack.core.statistics import verdict
from binpack.course.forest import differences


def test_differences_carry_their_words():
    verdicts = {
        "A2C": verdict([0.1, 0.2, 0.15, 0.12], [0.5, 0.6, 0.54, 0.53]),
        "DQN": verdict([0.1, 0.9, 0.5], [0.4, 0.5, 0.6]),
        "one": verdict([0.2], [0.1]),
    }
    figure = differences(verdicts, title="utilization: difference to PPO", x="utilization")
    assert figure.text == (
        "utilization: difference to PPO: A2C -0.4 behind, DQN +0 not separable, one +0.1 too few to tell"
    )
    low, high = figure.plotly.layout.xaxis.range
    assert all(low < end < high for each in (*verdicts.values(),) for end in each.interval if np.isfinite(end))
    words = ["behind", "not separable", "too few to tell"]
    still = [text.get_text() for text in figure.matplotlib.axes[0].texts]
    assert [text for text in still if text in words] == words
    assert [note.text for note in figure.plotly.layout.annotations] == words


def test_a_row_without_an_interval_is_a_dot():
    figure = differences({"one": verdict([0.2], [0.1])}, title="t", x="x")
    line = next(trace for trace in figure.plotly.data if trace.mode == "lines")
    assert line.x[0] == line.x[1]
