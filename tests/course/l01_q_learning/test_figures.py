"""Figures of a maze: three forms, the way that the arrows lead, and bad input."""

import io
import json

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from binpack import plots
from binpack.course.l01_q_learning import figures

ROWS = ("S.1", ".#.", "..2")
VALUES = np.array([4.0, 5, 0, 3, 0, 6, 2, 7, 0])
TO_2 = np.array([2, 1, -1, 2, -1, 2, 1, 1, -1])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((ROWS,), "maze: 3 x 3 cells, 8 free"),
        ((ROWS, VALUES), "maze: 3 x 3 cells, 8 free, with a value 6"),
        ((ROWS, VALUES, TO_2), "maze: 3 x 3 cells, 8 free, with a value 6; reaches exit 2 in 4 steps"),
        (
            (ROWS, [VALUES, 0 * VALUES, VALUES], [TO_2] * 3, ["late", "early", "again"]),
            "maze: 3 x 3 cells, 8 free, with a value 6, 0, 6; late reaches exit 2 in 4 steps; early reaches no exit; "
            "again reaches exit 2 in 4 steps",
        ),
    ],
)
def test_a_maze_has_three_forms_and_leaves_no_trace(arguments, text, recwarn):
    mpl.get_backend()
    style = mpl.rcParams.copy()
    figure = figures.maze(*arguments)
    assert figure.text == text
    assert json.loads(figure.plotly.to_json())["data"]
    picture = figure.png()
    width, height = Image.open(io.BytesIO(picture)).size
    assert 100 < width <= 900 and 100 < height <= 1300 and len(picture) < 100_000
    assert figures.maze(*arguments).png() == picture
    assert mpl.rcParams == style and plt.get_fignums() == []
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    ("policy", "end"),
    [
        ([1, 1, -1, 0, -1, 0, 0, 0, -1], "reaches exit 1 in 2 steps"),
        ([1, 3, -1, 0, -1, 0, 0, 0, -1], "reaches no exit"),
        ([0, 1, -1, 0, -1, 0, 0, 0, -1], "reaches no exit"),
        ([1, 2, -1, 0, -1, 0, 0, 0, -1], "reaches no exit"),
    ],
    ids=["to the exit", "in circles", "into the edge", "into a wall"],
)
def test_the_way_follows_the_arrows(policy, end):
    assert figures.maze(ROWS, VALUES, policy).text.endswith(f"; {end}")


def test_where_nothing_is_known_there_is_no_arrow():
    figure = figures.maze(ROWS, np.where(np.arange(9) == 1, 1.0, 0.0), np.ones(9, int))
    shown = [text.get_text() for text in figure.matplotlib.axes[0].texts]
    assert sorted(shown) == sorted(["S", "exit\n1", "exit\n2", "→"])


def test_without_values_a_cell_bears_its_number_and_with_them_its_value():
    numbers, values = (figures.maze(*arguments).matplotlib.axes[0].texts for arguments in ((ROWS,), (ROWS, VALUES)))
    assert [text.get_text() for text in numbers] == ["0", "1", "exit\n1", "3", "5", "6", "7", "exit\n2"]
    assert [text.get_text() for text in values][:2] == ["4.00", "5.00"]


def test_the_interactive_form_keeps_its_grid():
    figure = figures.maze(ROWS, [VALUES, VALUES], None, ["one", "two"])
    lines = [
        trace
        for trace in figure.plotly.data
        if trace.type == "scatter" and trace.mode == "lines" and len(trace.x) == 3 * (4 + 4)
    ]
    assert len(lines) == 2, "in each panel, between all cells"


def test_the_pictures_of_a_film_share_their_colours():
    low, high = (figures.maze(ROWS, share * VALUES, title="", top=10) for share in (0.5, 1))
    tops = [trace.zmax for figure in (low, high) for trace in figure.plotly.data if trace.type == "heatmap"]
    assert tops == [10, 10]
    film = plots.film({"half": low, "whole": high}, title="film")
    assert film.text == "film: 2 frames; whole: 3 x 3 cells, 8 free, with a value 6"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ROWS, None, TO_2), "a policy needs values"),
        ((ROWS, VALUES[:5]), r"values of a maze of 3 x 3 cells cannot have shape \(5,\)"),
        ((ROWS, VALUES, [TO_2, TO_2]), "expected a policy and a name for each of the 1 panels"),
        ((ROWS, [VALUES, VALUES], None, ["one"]), "expected a policy and a name for each of the 2 panels"),
    ],
)
def test_bad_input_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        figures.maze(*arguments)
