"""Pages: one file that loads nothing, and the same as one picture; a user's text is text in both."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from binpack import plots
from binpack.plots.page import Animation, Page, Part
from binpack.plots.viewer import gif

NASTY = '<script>alert(1)</script> $x$ & "quoted" [final] \x1b[31m상자'
BOXES = np.array([[0, 0, 0, 2, 2, 2], [2, 0, 0, 2, 2, 2]])


class Tags(HTMLParser):
    """Gathers tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page():
    bars = plots.bars_with_spread({"a": [0.5, 0.6, 0.7], "b": [0.4, 0.5, 0.6]}, x="arm", y="score")
    moving = Animation(gif(BOXES, (4, 4, 4), size=(120, 120)), f"packs {NASTY}")
    parts = [
        Part("First", ["Some words."], [bars], notes=["A note."]),
        Part(NASTY, [NASTY], animations=[moving, moving], rows=[("name", "value"), (NASTY, "1"), ("long" * 40, "2")]),
        Part("Words alone", ["Nothing is drawn."]),
    ]
    return Page(NASTY, f"lead {NASTY}", parts, "the foot")


def read(page):
    tags = Tags()
    tags.feed(page.html())
    return tags


def test_a_page_loads_nothing(page):
    found = read(page)
    assert not {tag for tag, _ in found.tags} & {"script", "link", "iframe", "object", "base", "form"}
    sources = [attributes["src"] for tag, attributes in found.tags if tag == "img"]
    inside = re.compile(r"data:image/(png|gif);base64,[A-Za-z0-9+/=]+$")
    assert len(sources) == 3 and all(map(inside.match, sources))
    assert "url(" not in page.html() and "http" not in page.html().replace("http-equiv", "")


def test_text_is_text_and_pictures_have_a_text_of_their_own(page):
    found = read(page)
    assert found.text.count('<script>alert(1)</script> $x$ & "quoted" [final] \\x1b[31m상자') == 6
    alts = [attributes["alt"] for tag, attributes in found.tags if tag == "img"]
    assert all(alts) and alts[1].startswith("packs <script>")
    assert [attributes for tag, attributes in found.tags if any(name.startswith("on") for name in attributes)] == []


def test_tables_have_headings(page):
    tags = [tag for tag, _ in read(page).tags]
    assert tags.count("th") == 2 and tags.count("td") == 4 and tags.count("table") == 1


def test_the_picture_has_two_columns_and_is_the_same_each_time(page):
    picture = np.asarray(Image.open(io.BytesIO(page.png())).convert("L"))
    assert picture.shape[1] > 1800 and picture.shape[0] > 400
    middle = picture.shape[1] // 2
    assert (picture[200:, :middle] < 128).any() and (picture[200:, middle:] < 128).any()
    assert (picture[:8] == 255).all() and (picture[:, :8] == 255).all(), "a margin"
    assert page.png() == page.png()


def test_a_page_of_words_alone_can_be_drawn():
    picture = Image.open(io.BytesIO(Page("title", "lead", [Part("one", ["words"])], "foot").png()))
    assert picture.width > 500
