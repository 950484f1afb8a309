"""Packing by hand: the function obeys the rules of the environment, and the widgets do what the function says."""

import gymnasium as gym
import numpy as np
import pytest

from binpack.core import geometry
from binpack.course import by_hand as play
from binpack.course.by_hand import by_hand, pack_by_hand
from binpack.course.l00_start_here import story
from binpack.env.config import EnvConfig
from binpack.plots import style, viewer

CONFIG = EnvConfig(bin_size=(4, 5, 6), support="full")
ITEMS = [(2, 2, 3), (2, 3, 3), (4, 5, 2), (2, 2, 3), (1, 1, 4)]


def test_places_become_boxes_that_rest_on_each_other():
    packing = pack_by_hand([(0, 0), (2, 0), (0, 0)], [*ITEMS[:2], (2, 2, 2)], CONFIG)
    assert packing.boxes.tolist() == [[0, 0, 0, 2, 2, 3], [2, 0, 0, 2, 3, 3], [0, 0, 3, 2, 2, 2]]
    assert packing.heights.tolist() == [[5, 5, 0, 0, 0], [5, 5, 0, 0, 0], [3, 3, 3, 0, 0], [3, 3, 3, 0, 0]]
    assert packing.utilization == (12 + 18 + 8) / 120
    assert packing.item is None and not packing.refused
    assert str(packing) == "3 boxes, utilization 0.317, the end: the next item fits nowhere, or none is left"
    assert geometry.verify(packing.boxes, CONFIG.bin_size, CONFIG.support) == []


def test_nothing_placed_yet():
    packing = pack_by_hand([], ITEMS, CONFIG)
    assert packing.boxes.shape == (0, 6) and packing.item == (2, 2, 3)
    assert packing.allowed.sum() == 12
    assert str(packing) == "0 boxes, utilization 0.000, next item 2x2x3, 12 places"


@pytest.mark.parametrize(
    ("places", "items", "reason"),
    [
        ([(3, 0)], ITEMS, "place 1 refused: 2x2x3 at (3, 0) sticks out of the walls"),
        ([(0, 4)], ITEMS, "place 1 refused: 2x2x3 at (0, 4) sticks out of the walls"),
        ([(-1, 0)], ITEMS, "place 1 refused: 2x2x3 at (-1, 0) sticks out of the walls"),
        ([(0, 9)], ITEMS, "place 1 refused: 2x2x3 at (0, 9) sticks out of the walls"),
        ([(0, 0), (1, 0)], ITEMS, "place 2 refused: 2x3x3 at (1, 0) would land at height 3 with too little under it"),
        ([(0, 0), (0, 0)], [(2, 2, 3), (2, 2, 4)], "would end at height 7, above the rim at 6"),
        ([(0, 0), (2, 0), (0, 0)], ITEMS, "place 3 refused: the game is over"),
    ],
)
def test_a_place_that_the_rules_forbid_is_refused_with_its_reason(places, items, reason):
    packing = pack_by_hand([*places, (0, 0)], items, CONFIG)
    assert reason in packing.refused
    assert str(packing).startswith(packing.refused + "; ")
    assert packing.boxes.tolist() == pack_by_hand(places[:-1], items, CONFIG).boxes.tolist()


@pytest.mark.parametrize(
    ("places", "items", "config", "message"),
    [
        ([(0, 0, 0)], ITEMS, CONFIG, "place 1 must be two whole numbers"),
        ([(0, 0), (0.5, 0)], ITEMS, CONFIG, "place 2 must be two whole numbers"),
        ([], [(1.5, 1, 1)], CONFIG, "items must be integers"),
        ([], np.zeros((0, 3), int), CONFIG, "items must be integers"),
        ([], ITEMS, EnvConfig(visible=2), "one item is visible and not rotated, got 2"),
        ([], ITEMS, EnvConfig(rotation="z"), "got 1 and 'z'"),
    ],
)
def test_arguments_that_make_no_sense_are_errors(places, items, config, message):
    with pytest.raises(ValueError, match=message):
        pack_by_hand(places, items, config)


def test_it_agrees_with_the_environment_from_beginning_to_end():
    config = story.ENV
    rng = np.random.default_rng(0)
    streams = story.test_streams()
    for row in range(5):
        items = streams.items[row, : streams.lengths[row]]
        env = gym.make("BinPacking-v0", config=config).unwrapped
        env.reset(options={"items": items})
        places, terminated = [], False
        while not terminated:
            now = pack_by_hand(places, items, config)
            assert np.array_equal(now.allowed.reshape(-1), env.action_masks())
            action = int(rng.choice(np.flatnonzero(env.action_masks())))
            places.append(divmod(action, config.bin_size[1]))
            *_, terminated, _, info = env.step(action)
        end = pack_by_hand(places, items, config)
        assert end.item is None and end.boxes.tolist() == info["placements"].tolist()
        assert end.utilization == pytest.approx(info["utilization"])


# -------------------------------------------------------------------------------------------------------------- widgets


@pytest.fixture
def game():
    made = by_hand(ITEMS, CONFIG)
    assert made.widget is made.widget
    return made


def colors(board):
    return {place: button.style.button_color for place, button in board.cells.items()}


def test_a_click_places_an_item_and_everything_follows(game):
    board = game._widget
    assert "next item: <b>2x2x3</b>" in board.text.value and "0 of 5 items" in board.text.value
    empty = board.picture.value
    assert 'alt="0 boxes, utilization 0.000, next item 2x2x3' in empty and "data:image/png;base64,iVBOR" in empty
    board.cells[2, 1].click()
    assert game.places == [(2, 1)]
    assert [board.cells[2, y].description for y in range(5)] == ["0", "3", "3", "0", "0"]
    assert "next item: <b>2x3x3</b>" in board.text.value and "utilization <b>10.0%</b>" in board.text.value
    assert board.picture.value != empty
    allowed = {place for place, color in colors(board).items() if color == style.ALLOWED}
    assert allowed == {tuple(map(int, place)) for place in np.argwhere(game.packing.allowed)}
    assert "comes to rest at height 0" in board.cells[0, 0].tooltip


def test_a_click_on_a_forbidden_cell_changes_nothing_and_says_why(game):
    board = game._widget
    board.cells[3, 0].click()
    assert game.places == []
    assert "2x2x3 at (3, 0) sticks out of the walls" in board.text.value
    board.cells[0, 0].click()
    assert "sticks out" not in board.text.value and game.places == [(0, 0)]


def test_allowed_and_forbidden_cells_differ_for_everybody(game):
    cells = game._widget.cells[0, 0], game._widget.cells[3, 4]
    assert style.contrast(*(cell.style.button_color for cell in cells)) >= 3
    for cell in cells:
        assert style.contrast(cell.style.button_color, cell.style.text_color) >= 4.5
    # a frame and bold letters tell the allowed ones as well
    assert [cell.style.font_weight for cell in cells] == ["bold", "normal"]
    assert [cell.style.button_color in cell.layout.border_top for cell in cells] == [False, True]


def test_the_board_lies_as_the_bin_does_in_its_picture(game):
    # the corner in front of the picture, at the ends of x and y, is the lower right one of the board and of the map
    cells = list(game._widget.cells.values())
    board = [widget for widget in game._widget.box.children[0].children[1].children if widget in cells]
    assert board[0] is game._widget.cells[0, 0] and board[-1] is game._widget.cells[3, 4]
    assert board[1] is game._widget.cells[0, 1]
    corners = viewer._project(np.array([(x, y, 0) for x in (0, 4) for y in (0, 5)]))
    assert corners[:, 1].argmin() == 3 and corners[1, 0] > corners[0, 0] > corners[2, 0]
    axes = play._still(game.packing).axes[1]
    assert axes.get_xlim() == (-0.5, 4.5) and axes.get_ylim() == (3.5, -0.5)


def test_undo_and_start_again(game):
    board = game._widget
    before = colors(board), board.text.value, board.picture.value
    board.undo.click()
    board.cells[0, 0].click()
    board.cells[2, 0].click()
    assert "the end" in board.text.value
    board.cells[0, 0].click()
    assert "the game is over" in board.text.value and len(game.places) == 2
    board.undo.click()
    assert game.places == [(0, 0)] and "next item: <b>2x3x3</b>" in board.text.value
    board.again.click()
    assert game.places == [] and (colors(board), board.text.value, board.picture.value) == before


def test_show_hands_the_bundle_to_the_front_end(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata=None: shown.append(sorted(data)))
    game = by_hand(ITEMS, CONFIG)
    game.show()
    monkeypatch.setattr(play, "somebody_is_there", lambda: True)
    game.show()
    widget = "application/vnd.jupyter.widget-view+json"
    assert shown == [["image/png", "text/plain"], ["text/markdown"], [widget, "text/plain"]]


def test_without_a_reader_it_is_a_still_picture_with_the_same_line(monkeypatch):
    game = by_hand(ITEMS, CONFIG)
    still, metadata = game._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": still["text/plain"]}}
    assert set(still) == {"text/plain", "image/png"} and game._widget is None
    monkeypatch.setattr(play, "somebody_is_there", lambda: True)
    live, _ = game._repr_mimebundle_()
    assert set(live) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert still["text/plain"] == live["text/plain"]
    assert live["text/plain"] == "pack by hand: 5 items; 0 boxes, utilization 0.000, next item 2x2x3, 12 places"


@pytest.mark.parametrize(
    ("content", "there"), [({"allow_stdin": True}, True), ({"allow_stdin": False}, False), ({}, False)]
)
def test_a_reader_is_there_if_the_front_end_can_ask_for_input(monkeypatch, content, there):
    import IPython

    class Shell:
        def get_parent(self):
            return {"content": content}

    assert play.somebody_is_there() is False
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    assert play.somebody_is_there() is there
    monkeypatch.setattr(IPython, "get_ipython", object)
    assert play.somebody_is_there() is False


def test_items_that_make_no_sense_are_refused_at_once():
    with pytest.raises(ValueError, match="items must be integers"):
        by_hand([(1, 2)], CONFIG)
