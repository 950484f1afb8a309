"""Figures of the sweeps."""

import numpy as np
import pytest
from invented_sweeps import invented

from binpack.course.l05_hyperparameters import results, sweep_figures, sweeps, worth
from binpack.course.l05_hyperparameters.results import Sweeps, written


@pytest.fixture(scope="module")
def record() -> Sweeps:
    """Six seeds of invented scores."""
    return Sweeps(invented())


@pytest.mark.parametrize("name", results.KNOBS)
def test_a_sweep_is_drawn_with_every_value(record, name):
    figure = sweep_figures.knob(record, name)
    assert all(f"{written(value)}" in figure.text for value in results.values_of(name))
    assert f"{written(results.default_of(name))}* " in figure.text and "6 seeds each" in figure.text
    assert len(figure.plotly.data) == 4 * len(results.values_of(name))
    left, right = figure.matplotlib.axes
    assert [label.get_text() for label in right.get_xticklabels()] == list(figure.plotly.layout.xaxis2.ticktext)
    assert max(line.get_linewidth() for line in left.get_lines()) > 2


def test_a_grid_has_differences_from_the_default(record):
    figure = sweep_figures.grid(record, "learning_rate", "n_epochs")
    rates, epochs = sweeps.GRIDS["learning_rate", "n_epochs"]
    gains = np.array(figure.plotly.data[0].z, float)
    for row, column in np.ndindex(gains.shape):
        runs = record.runs({"learning_rate": rates[row], "n_epochs": epochs[column]})
        assert gains[row, column] == pytest.approx(100 * (runs.final.mean() - record.default.final.mean()))
    assert "marked" in figure.text


def test_counts_of_a_grid_have_their_names():
    counts = np.arange(12).reshape(3, 4)
    assert (
        "gradient steps in a run: 3 x 4 entries, 0 to 11"
        in sweep_figures.grid_steps(counts, "n_steps", "batch_size").text
    )


def test_weights_are_told_in_the_text():
    figure = sweep_figures.weights({"a": [0.5, 0.25]}, x="steps", y="weight", title="weights")
    assert figure.text == "weights: a: 0.50, 0.25"


def test_the_costliest_is_on_top(record):
    figure = sweep_figures.ranking(worth.worths(record))
    assert figure.plotly.data[0].y[0] == "learning_rate" and "learning_rate 0." in figure.text
    assert figure.matplotlib.axes[0].get_yticklabels()[0].get_text() == "learning_rate"
    assert figure.matplotlib.axes[0].yaxis_inverted()
