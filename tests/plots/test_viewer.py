"""Pictures: right drawing order, right geometry, deterministic files that need no network."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from binpack.plots import viewer

BIN = (4, 3, 5)
BOXES = np.array([(0, 0, 0, 2, 3, 2), (2, 0, 0, 2, 2, 3), (0, 0, 2, 2, 2, 1)])
# Each bar lies before one of the others and behind the other one: no drawing order of whole bars is right.
CIRCLE = np.array([(0, 1, 2, 6, 1, 1), (3, 0, 0, 1, 6, 2), (1, 3, 1, 1, 1, 5)])


@st.composite
def packings(draw):
    """Disjoint boxes, dropped from above or left hanging in the air."""
    size = draw(st.tuples(*[st.integers(2, 7)] * 3))
    boxes = []
    for _ in range(draw(st.integers(1, 12))):
        edges = [draw(st.integers(1, min(6, edge))) for edge in size]
        corner = [draw(st.integers(0, edge - own)) for edge, own in zip(size, edges, strict=True)]
        box = np.array([*corner, *edges])
        if not any(((box[:3] < b[:3] + b[3:]) & (b[:3] < box[:3] + box[3:])).all() for b in boxes):
            boxes.append(box)
    return np.array(boxes, float), size


def hit(box, point):
    """Where the line of sight through a point leaves a box on its way to the eye, or None."""
    enter, leave = -np.inf, np.inf
    for axis, direction in enumerate(viewer._towards_eye()):
        near = (box[axis] - point[axis]) / direction
        far = (box[axis] + box[axis + 3] - point[axis]) / direction
        enter, leave = max(enter, near), min(leave, far)
    return leave if leave - enter > 1e-6 else None


def assert_right_order(boxes, rng):
    """Look through random points: the piece drawn last must belong to the box that is nearest to the eye."""
    pieces, owners = viewer._back_to_front(boxes)
    high = (boxes[:, :3] + boxes[:, 3:]).max(axis=0)
    for point in rng.uniform(0, high, (40, 3)):
        seen = [(hit(box, point), i) for i, box in enumerate(boxes) if hit(box, point) is not None]
        drawn = [owner for piece, owner in zip(pieces, owners, strict=True) if hit(piece, point) is not None]
        if seen:
            assert drawn[-1] == max(seen)[1]


@settings(max_examples=40, deadline=None)
@given(packings(), st.integers(0, 99))
def test_nothing_shines_through(packing, seed):
    assert_right_order(packing[0], np.random.default_rng(seed))


def test_boxes_that_hide_each_other_in_a_circle_are_cut():
    bars = CIRCLE.astype(float)
    assert viewer._order(bars) is None
    pieces, owners = viewer._back_to_front(bars)
    assert len(pieces) > len(bars)
    assert pieces[:, 3:].prod(axis=1).sum() == bars[:, 3:].prod(axis=1).sum()
    assert sorted(set(owners.tolist())) == [0, 1, 2]
    assert_right_order(bars, np.random.default_rng(0))


def test_the_picture_shows_what_is_there():
    def close(pixel, color):
        return np.abs(pixel.astype(int) - [int(color[i : i + 2], 16) for i in (1, 3, 5)]).max() < 8

    figure = viewer.matplotlib_packing([(0, 0, 0, 4, 4, 4)], (4, 4, 4), size=(4, 4), dpi=100)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    x, y = figure.axes[0].transData.transform(viewer._project(np.array([2.0, 2.0, 4.0])))
    assert close(pixels[pixels.shape[0] - round(y), round(x)], viewer.PALETTE[0])


def test_pixels():
    picture = viewer.rgb_array(BOXES, BIN, size=(200, 300))
    assert picture.shape == (200, 300, 3)
    assert picture.dtype == np.uint8
    assert (picture == viewer.rgb_array(BOXES, BIN, size=(200, 300))).all()
    assert not (picture == viewer.rgb_array(BOXES[:2], BIN, size=(200, 300))).all()
    assert viewer.rgb_array([], BIN).shape == (480, 480, 3)


def test_titles_and_legend():
    assert viewer.matplotlib_packing(BOXES, BIN).axes[0].get_title() == "3 boxes, utilization 46.7%"
    assert viewer.matplotlib_packing(BOXES[:1], BIN).axes[0].get_title() == "1 box, utilization 20.0%"
    assert viewer.matplotlib_packing(BOXES, BIN, title="").axes[0].get_title() == ""
    named = viewer.matplotlib_packing(BOXES, BIN, labels=["b", "a", "b"])
    assert [text.get_text() for text in named.legends[0].get_texts()] == ["a", "b"]
    assert not viewer.matplotlib_packing(BOXES, BIN).legends
    many = [f"item {i}" for i in range(len(viewer.PALETTE) + 1)]
    row = [(i, 0, 0, 1, 1, 1) for i in range(len(many))]
    assert not viewer.matplotlib_packing(row, (20, 1, 1), labels=many).legends


def test_boxes_of_one_name_share_a_colour():
    colors = viewer._colors(4, ["b", "a", "b", "c"])
    assert colors[0] == colors[2]
    assert len(set(colors)) == 3
    assert viewer._colors(2, None) == list(viewer.PALETTE[:2])


def test_plotly_figure_is_the_packing():
    figure = viewer.plotly_packing(BOXES, BIN, labels=["A", "B", "A"], title="here")
    outline, mesh, lines, *legend = figure.data
    assert figure.layout.title.text == "here"
    edges = [figure.layout.scene.aspectratio[axis] for axis in "xyz"]
    np.testing.assert_allclose(np.array(edges) / edges[0], np.array(BIN) / BIN[0], rtol=1e-3)
    assert [list(axis.range) for axis in (figure.layout.scene.xaxis, figure.layout.scene.zaxis)] == [[0, 4], [0, 5]]
    assert mesh.text[0] == "A<br>No. 1: 2x3x2 at (0,0,0)"
    assert mesh.text[-1] == "A<br>No. 3: 2x2x1 at (0,0,2)"
    corners = np.stack([mesh.x, mesh.y, mesh.z], axis=1)
    a, b, c = (corners[np.array(index)] for index in (mesh.i, mesh.j, mesh.k))
    normals = np.cross(b - a, c - a).reshape(3, 12, 3)
    length, width, height = BOXES[:, 3:].T
    surface = 2 * (length * width + length * height + width * height)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=2).sum(axis=1) / 2, surface, rtol=0.05)
    centers = np.repeat(BOXES[:, :3] + BOXES[:, 3:] / 2, 12, axis=0)
    assert ((normals.reshape(-1, 3) * ((a + b + c) / 3 - centers)).sum(axis=1) > 0).all()
    assert len(mesh.facecolor) == 36
    tops = mesh.facecolor[11::12]
    assert list(tops) == [viewer.PALETTE[0], viewer.PALETTE[1], viewer.PALETTE[0]]
    assert mesh.facecolor[10:12] == (tops[0], tops[0]) and len(set(mesh.facecolor[:12])) == 6
    assert [(entry.name, entry.marker.color) for entry in legend] == list(zip("AB", viewer.PALETTE, strict=False))
    assert len(lines.x) == 3 * 12 * 3
    assert len(outline.x) == 12 * 3
    assert np.nanmax(outline.z) == 5
    json.loads(figure.to_json())


def test_both_pictures_of_a_packing_are_seen_from_one_place():
    scene = viewer.plotly_packing(BOXES, BIN).layout.scene
    assert scene.camera.projection.type == "orthographic"
    eye = np.array([scene.camera.eye[axis] for axis in "xyz"])
    np.testing.assert_allclose(eye / np.linalg.norm(eye), viewer._towards_eye(), atol=1e-3)
    corners = viewer._project(viewer._corners(np.array([[0, 0, 0, *(scene.aspectratio[axis] for axis in "xyz")]])))[0]
    assert 1.5 < np.ptp(corners, axis=0).max() < 1.9  # of the 2 that the view is high


def test_hundreds_of_boxes_stay_three_traces():
    boxes = [(x, y, z, 1, 1, 1) for z in range(5) for x in range(10) for y in range(10)]
    assert len(viewer.plotly_packing(boxes, (10, 10, 5)).data) == 3
    assert len(viewer.plotly_packing([], BIN).data) == 1
    assert viewer.rgb_array(boxes, (10, 10, 5)).shape == (480, 480, 3)


def test_html_needs_no_network(tmp_path):
    figure = viewer.plotly_packing(BOXES, BIN)
    path = viewer.write_html(tmp_path / "packing.html", figure)
    text = path.read_text(encoding="utf-8")
    assert len(text) > 1_000_000
    assert "<script src" not in text and "<link" not in text
    assert '"showSendToCloud": false' in text
    first = path.read_bytes()
    assert viewer.write_html(path, viewer.plotly_packing(BOXES, BIN)).read_bytes() == first


def test_png_is_deterministic(tmp_path):
    one, two = (
        viewer.write_png(tmp_path / name, viewer.matplotlib_packing(BOXES, BIN, size=(3, 2))).read_bytes()
        for name in ("one.png", "two.png")
    )
    assert one == two
    with Image.open(tmp_path / "one.png") as image:
        assert image.size == (360, 240)


def test_gif_grows_box_by_box(tmp_path):
    path = viewer.save_gif(
        tmp_path / "packing.gif", BOXES, BIN, fps=5, labels=["a", "b", "a"], size=(120, 160), hold=1.5
    )
    with Image.open(path) as image:
        assert image.size == (160, 120)
        assert image.n_frames == 4
        assert image.info["loop"] == 0
        durations = []
        for frame in range(image.n_frames):
            image.seek(frame)
            durations.append(image.info["duration"])
    assert durations == [200, 200, 200, 1500]


def test_gif_of_many_boxes_has_a_limit_on_frames(tmp_path):
    row = [(i, 0, 0, 1, 1, 1) for i in range(12)]
    with Image.open(viewer.save_gif(tmp_path / "row.gif", row, (12, 1, 1), size=(60, 80), max_frames=5)) as image:
        assert image.n_frames == 6
    with Image.open(viewer.save_gif(tmp_path / "none.gif", [], (12, 1, 1), size=(60, 80))) as image:
        assert image.n_frames == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viewer.plotly_packing([(1, 2, 3)], BIN), "boxes must be an (n, 6) array, got shape (1, 3)"),
        (lambda: viewer.rgb_array(BOXES, (1, 2)), "bin size must be three positive numbers, got (1, 2)"),
        (lambda: viewer.rgb_array(BOXES, (1, 2, 0)), "bin size must be three positive numbers, got (1, 2, 0)"),
        (
            lambda: viewer.matplotlib_packing(BOXES, BIN, labels=["a"]),
            "expected a label for each of the 3 boxes, got 1",
        ),
        (lambda: viewer.save_gif("never.gif", BOXES, BIN, fps=0), "fps must be positive, got 0"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message


def test_drawing_libraries_wait_until_something_is_drawn():
    code = (
        "import sys, binpack.plots.viewer as v; assert not {'matplotlib', 'plotly', 'PIL'} & set(sys.modules);"
        "v.rgb_array([], (2, 2, 2)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_writing_a_file_leaves_the_shared_configuration_alone(tmp_path):
    before = dict(viewer.PLOTLY_CONFIG)
    viewer.write_html(tmp_path / "a.html", viewer.plotly_packing(BOXES, BIN))
    assert before == viewer.PLOTLY_CONFIG
    assert before["showSendToCloud"] is False
    assert before["plotlyServerURL"] == ""
