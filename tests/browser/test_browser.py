"""The lessons in JupyterLab and Chromium, without a network: what nbval, which runs every notebook, cannot see.

By default the first two lessons are run, the others are looked at with the outputs that are stored in them, and the
first figures of each are tried. ``--all-lessons`` runs every notebook, the solved ones too, and tries every figure;
``--screenshots FOLDER`` keeps pictures of all of them.
"""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from course_lab import ROOT, alone, chromium, open_browser, running_lab
from lesson_page import (
    CELL,
    FIGURE,
    LessonPage,
    broken,
    difference,
    drawn,
    errors,
    keep_figures,
    keep_pictures,
    over,
    overflows,
    shot,
    without_words,
)

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium is installed here (apt-get install chromium)")

LEARNERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLVED = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))


def pytest_generate_tests(metafunc):
    """Choose the notebooks. Each is opened once and goes through all tests that ask for `lesson`."""
    if "lesson" not in metafunc.fixturenames:
        return
    everything = metafunc.config.getoption("--all-lessons")
    run = [(path, True) for path in ([*LEARNERS, *SOLVED] if everything else LEARNERS[:2])]
    stored = [] if everything else [(path, False) for path in LEARNERS[2:]]
    chosen = run + stored
    if "ran" in metafunc.fixturenames:
        chosen = run
    elif "untouched" in metafunc.fixturenames:
        chosen = [(path, runs) for path, runs in run if path in LEARNERS]
    elif "first" in metafunc.fixturenames:
        chosen = run[:1]
    ids = [path.stem + (" solved" if path in SOLVED else "" if runs else " stored") for path, runs in chosen]
    metafunc.parametrize("lesson", chosen, ids=ids, indirect=True, scope="module")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser(lab, tmp_path_factory):
    with open_browser(lab, tmp_path_factory.mktemp("browser")) as context:
        yield context


@pytest.fixture(scope="module")
def lesson(request, pytestconfig, lab, browser):
    """A notebook that is open, and was run where that is asked for."""
    path, runs = request.param
    most = None if pytestconfig.getoption("--all-lessons") else 3  # a scene takes the processor a second or two
    page = LessonPage(browser, lab, lab.place(path), most)
    if runs:
        print(f"{page.path.name} ran in {page.run_all(print):.0f} s")
    yield page
    page.close()


@pytest.fixture
def pictures(request, pytestconfig):
    """Where the pictures of the notebook are kept; None where nobody asked for them."""
    folder = pytestconfig.getoption("--screenshots")
    return Path(folder) / request.node.callspec.id.replace(" ", "_") if folder else None


@pytest.fixture
def ran(lesson):
    """The same, for tests of notebooks that were run."""
    return lesson


@pytest.fixture
def untouched(lesson):
    """The same, for tests of notebooks that were run with every exercise as it was."""
    return lesson


@pytest.fixture
def first(lesson):
    """The same, for tests of lesson 00."""
    return lesson


@pytest.fixture(autouse=True)
def nothing_else_is_asked_for(lab):
    """Fail a test during which the browser, the server or a kernel asked for another machine."""
    before = len(lab.asked_for())
    yield
    assert lab.asked_for()[before:] == []


# ---------------------------------------------------------------------------------------------------------- the course


def test_the_printed_address_opens_the_first_lesson(lab, browser):
    page = browser.new_page()
    page.goto(lab.address, timeout=120_000)
    page.wait_for_selector(CELL, timeout=120_000)
    assert page.locator(f"{CELL} h1").first.text_content().startswith("00 ")
    page.wait_for_timeout(1000)
    assert page.locator(".jp-Dialog, .Toastify__toast").all_text_contents() == []
    page.close()


def test_no_cell_shows_an_error(ran):
    assert errors(ran.saved()) == []
    assert broken(ran.page) == []


def test_nothing_is_wider_than_its_place(lesson, pictures):
    if pictures:
        keep_pictures(lesson, pictures)
    assert overflows(lesson.page) == []


def test_every_picture_has_words(lesson):
    assert without_words(lesson.page) == []


def test_figures_come_alive_under_the_mouse(lesson, pictures):
    figures = lesson.woken
    if pictures:
        keep_figures(figures, pictures)
    for number, (still, live) in enumerate(figures, 1):
        assert drawn(still) > 0.01 and drawn(live) > 0.01, f"figure {number} is blank"
        assert abs(live.height - still.height) <= 2, f"figure {number} makes the page jump"


def test_the_wheel_over_a_figure_scrolls_the_page(ran):
    assert ran.woken
    kinds = [f"{FIGURE}{kind}" for kind in (":has(canvas)", ":not(:has(canvas))")]  # scenes, and all others
    for figure in [figure for kind in kinds for figure in ran.page.locator(kind).all()[:1]]:
        figure.scroll_into_view_if_needed()
        before, top = shot(figure), ran.scrolled()
        over(figure)
        way = -200 if top > 400 else 200
        ran.page.mouse.wheel(0, way)
        ran.until(lambda top=top, way=way: (ran.scrolled() - top) * way > 0, 5, "the page does not scroll")
        ran.page.mouse.move(5, 5)
        assert difference(before, shot(figure)) < 0.02


def test_a_slider_moves_a_film(ran):
    assert ran.woken
    for film in ran.page.locator(f"{FIGURE}:has(.slider-rail-touch-rect)").all():
        film.scroll_into_view_if_needed()
        before, box = shot(film), film.locator(".slider-rail-touch-rect").bounding_box()
        ran.page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        ran.until(lambda film=film, before=before: difference(before, shot(film)) > 0.001, 10, "the film stands still")


def test_the_game_answers_to_a_click(first):
    def placed():
        return re.search(r"(\d+) of \d+ items placed", board.text_content())[1]

    board = first.page.locator(".jp-OutputArea-output:has(.jupyter-button)")
    board.scroll_into_view_if_needed()
    assert placed() == "0"
    empty = board.locator("img").get_attribute("src")
    board.locator("button[title*='comes to rest']").first.click()
    first.until(lambda: placed() == "1", 20, "the count does not change")
    first.until(lambda: board.locator("img").get_attribute("src") != empty, 20, "the picture does not change")
    first.until(lambda: board.locator("img").evaluate("img => img.naturalWidth") > 0, 20, "the picture is not drawn")
    board.get_by_text("undo").click()
    first.until(lambda: placed() == "0", 20, "undo takes nothing back")


def test_a_typed_solution_is_right(untouched, lesson):
    solved = nbformat.read(ROOT / "notebooks" / "solutions" / lesson.path.name, as_version=4)
    solutions = {cell.id.removeprefix("answer-"): cell.source for cell in solved.cells if cell.id.startswith("answer-")}
    for name, solution in solutions.items():
        check = untouched.find(f"check-{name}")
        output = untouched.cell(check).locator(".jp-OutputArea-output")
        assert "not attempted" in output.text_content().lower()
        untouched.write(untouched.find(f"answer-{name}"), solution)
        untouched.run(untouched.find(f"answer-{name}"))
        untouched.run(check)
        assert re.search(r"\b(correct|right)\b", output.text_content().lower()), output.text_content()
    assert errors(untouched.saved()) == []


# ------------------------------------------------------------------------------------------------------ the test itself


def test_another_machine_is_out_of_reach_and_named(lab, browser):
    page = browser.new_page()
    page.goto(lab.address)
    assert page.evaluate("fetch('http://example.org/').then(() => 'reached', () => 'not reached')") == "not reached"
    page.close()
    connect = "import socket; socket.create_connection(('192.0.2.1', 80), 3)"
    command = [*alone(), sys.executable, "-c", connect]
    found = subprocess.run(command, env=lab.environment, capture_output=True, text=True)
    assert "no way out of this machine to 192.0.2.1" in found.stderr
    named = lab.asked_for()
    assert len(named) == 2
    assert named[0].startswith("example.org (the browser")
    assert named[1].startswith("192.0.2.1 (socket.")
    lab.forget()


def test_what_is_too_wide_is_found(browser):
    page = browser.new_page()
    page.set_content(
        """<div class="jp-NotebookPanel"><div class="jp-Notebook-cell"></div><div class="jp-Notebook-cell">
        <div class="jp-OutputArea-output" style="width: 200px">narrow</div>
        <div class="jp-OutputArea-output" style="width: 200px"><pre>%s</pre></div></div></div>"""
        % ("wide " * 100)
    )
    (line,) = overflows(page)
    assert line.startswith("cell 1: .jp-OutputArea-output is ")
    page.close()
