"""The diagrams and charts of lesson 02 say in both forms what they were given."""

import io

import numpy as np
import pytest
from PIL import Image

from binpack.course.charts import Series, chart
from binpack.course.l02_deep_q_network import diagrams
from binpack.course.l02_deep_q_network.sketch import Arrow, Box, Sketch

DIAGRAMS = {
    "network": diagrams.network,
    "two networks": diagrams.two_networks,
    "loop": diagrams.loop,
    "boxes": lambda: diagrams.boxes([5, 6, None], 2, "a row"),
}


def words_of(figure):
    """Every text of both forms: lines of text, without line ends."""
    live = {note.text.replace("<br>", " ") for note in figure.plotly.layout.annotations if note.text}
    still = {text.get_text().replace("\n", " ") for axes in figure.matplotlib.axes for text in axes.texts}
    return live, still - {""}


@pytest.mark.parametrize("make", DIAGRAMS.values(), ids=DIAGRAMS)
def test_both_forms_of_a_diagram_hold_the_same_words(make):
    live, still = words_of(make())
    assert live == still and live


@pytest.mark.parametrize("make", DIAGRAMS.values(), ids=DIAGRAMS)
def test_everything_lies_inside_the_diagram(make):
    figure = make()
    width, height = figure.plotly.layout.xaxis.range[1], figure.plotly.layout.yaxis.range[1]
    for shape in figure.plotly.layout.shapes:
        assert min(shape.x0, shape.x1) >= 0 and max(shape.x0, shape.x1) <= width, shape
        assert min(shape.y0, shape.y1) >= 0 and max(shape.y0, shape.y1) <= height, shape
    for note in figure.plotly.layout.annotations:
        assert 0 <= note.x <= width and 0 <= note.y <= height, note.text


def test_a_row_of_boxes_names_what_each_holds():
    figure = diagrams.boxes([5, 6, None], 2, "a row")
    assert figure.text == "a row: boxes hold 5, 6, empty; box 2 is next"
    live, _ = words_of(figure)
    assert {"5", "6", "box 0", "box 1", "box 2", "written next"} <= live
    (arrow,) = [note for note in figure.plotly.layout.annotations if note.showarrow]
    assert arrow.x == pytest.approx(1.6 + 1.1 * 2), "it points at the box that is written next"


def test_an_arrow_has_a_head_unless_it_is_a_line():
    sketch = Sketch(4, 2, "t", "t", [Box(1, 1, "a")], [Arrow((1, 1), (3, 1)), Arrow((1, 1.5), (3, 1.5), head=False)])
    figure = sketch.figure()
    (head,) = [note for note in figure.plotly.layout.annotations if note.showarrow]
    assert (head.x, head.y) == (3, 1) and head.x - head.ax >= 0.2, "plotly draws no head on what is shorter"
    assert [shape.type for shape in figure.plotly.layout.shapes] == ["line", "line", "rect"]


def test_both_forms_of_a_chart_hold_the_same_numbers():
    series = [Series("up", [0, 1, 2], [0.0, 1.0, 4.0]), Series("", [0, 2], [3.0, 3.0], "dots")]
    figure = chart(series, x="x", y="y", title="t", text="says", levels=(2.0,), ticks={1.0: "one"})
    live = [(list(trace.x), list(trace.y)) for trace in figure.plotly.data]
    (axes,) = figure.matplotlib.axes
    still = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines[1:]]
    assert live == still == [([0, 1, 2], [0.0, 1.0, 4.0]), ([0, 2], [3.0, 3.0])]
    assert list(figure.plotly.layout.xaxis.ticktext) == [text.get_text() for text in axes.get_xticklabels()] == ["one"]
    assert figure.text == "says"


@pytest.mark.parametrize("names", [("",), ("one",), ("one", ""), ("one", "two")])
def test_a_chart_has_a_legend_where_there_is_something_to_tell_apart(names):
    figure = chart([Series(name, [0, 1], [1.0, 2.0]) for name in names], x="x", y="y", title="t", text="t")
    wanted = names == ("one", "two")
    assert figure.plotly.layout.showlegend == wanted
    assert (figure.matplotlib.axes[0].get_legend() is not None) == wanted


def test_a_logarithmic_chart_is_so_in_both_forms():
    figure = chart([Series("", [1, 2], [1.0, 1e5])], x="x", y="y", title="t", text="t", log=True)
    assert figure.plotly.layout.yaxis.type == figure.matplotlib.axes[0].get_yscale() == "log"


def test_a_diagram_is_as_wide_as_a_notebook_shows():
    for make in DIAGRAMS.values():
        picture = Image.open(io.BytesIO(make().png()))
        assert 250 <= picture.width <= 900
        assert np.asarray(picture.convert("L")).std() > 5, "something is drawn"
