"""Pictures of rows of a Q-table: three forms, their frames, and bad input."""

import json

import numpy as np
import pytest

from binpack.course.l01_q_learning.table_figures import Shown, rows_of

Q = np.array([[0.0, 0.5, -1.0], [-np.inf, 0.25, 0.0], [-np.inf] * 3])
ROWS, COLUMNS = {0: "start", 2: "end"}, ("a", "b", "c")


def test_a_table_has_three_forms():
    figure = rows_of([Shown("before", 0 * Q[[0, 0, 0]]), Shown("after", Q)], ROWS, COLUMNS, title="table")
    assert figure.text == "table; before: nothing but 0 and -inf; after: start b 0.5, start c -1"
    assert json.loads(figure.plotly.to_json())["data"]
    assert figure.png() == figure.png() and figure.png().startswith(b"\x89PNG")


def test_what_was_read_and_what_has_changed_is_framed():
    plain, framed = (
        rows_of([shown], ROWS, COLUMNS, title="table").plotly.layout.shapes
        for shown in (Shown("", Q), Shown("", Q, read=2, changed=(0, 1)))
    )
    read, changed = framed[len(plain) :]
    assert (read.y0 + read.y1) / 2 == 1 and read.line.dash == "dash", "the second row that is shown"
    assert ((changed.x0 + changed.x1) / 2, (changed.y0 + changed.y1) / 2) == (1, 0)


@pytest.mark.parametrize("count", [0, 4])
def test_too_few_or_too_many_moments_are_an_error(count):
    with pytest.raises(ValueError, match=f"shows 1 to 3 moments, got {count}"):
        rows_of([Shown("", Q)] * count, ROWS, COLUMNS, title="")
