"""A notebook in JupyterLab as a learner sees it: opened, run, written into and looked at."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import numpy as np
from course_lab import CourseLab
from nbformat import NotebookNode
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
SCROLLER = f"{NOTEBOOK} .jp-WindowedPanel-outer"
CELL = f"{NOTEBOOK} .jp-Notebook-cell"
FIGURE = f"{NOTEBOOK} .jp-RenderedPlotly"
SHOWN = (".jp-RenderedMarkdown", ".jp-OutputArea-output")
"""Outputs and prose."""

CODE = ".jp-InputArea-editor .cm-scroller"
"""The text of code cells, which gets a bar to scroll where a line is too long; at 1366 pixels that is 119 letters."""

PART = 1500
"""Height of a piece of the whole picture, in pixels."""

EDGE = 2
"""Pixels at the edge of the panel that show its frame."""

_OVERFLOWS = """(cells, kinds) => cells.flatMap((cell, number) =>
    kinds.flatMap(kind =>
        [...cell.querySelectorAll(kind)].filter(box => !box.querySelector('.jp-sr-only')).flatMap(box =>
            [box, ...box.querySelectorAll('pre, div, table, img, p')]
                .filter(part => part.clientWidth > 0 && part.scrollWidth > part.clientWidth + 1
                    && !part.closest('.MathJax, mjx-container, .js-plotly-plot'))
                .slice(0, 1)
                .map(part => [number, kind, part.scrollWidth, part.clientWidth, part.textContent.trim().slice(0, 60)])
        )))"""
_IMAGES = """cells => cells.flatMap((cell, number) =>
    [...cell.querySelectorAll('.jp-OutputArea-output img, .jp-RenderedMarkdown img')].map(image => {
        const own = image.alt || image.title || (image.closest('[title]') || {title: ''}).title;
        const output = image.closest('.jp-OutputArea-child'), next = output && output.nextElementSibling;
        const after = next && next.querySelector('.jp-sr-only');
        return [number, own || (after ? after.textContent : '')];
    }))"""
_PROMPTS = "cells => cells.map(cell => (cell.querySelector('.jp-InputPrompt') || {textContent: ''}).textContent)"
_SCROLL = """([selector, place]) => {
    const panel = document.querySelector(selector), cells = panel.querySelectorAll('.jp-Notebook-cell');
    if (place !== null) panel.scrollTop = place;
    const end = cells[cells.length - 1].getBoundingClientRect().bottom;
    const bottom = end - panel.getBoundingClientRect().top + panel.scrollTop;
    return [Math.round(panel.scrollTop), Math.round(Math.min(bottom, panel.scrollHeight)), panel.clientHeight];
}"""


class LessonPage:
    """One notebook, open in a tab of the browser.

    Attributes:
        path: the notebook's file in the copy of the checkout.
        page: Playwright's page.
        most: how many figures are woken; None stands for all.
    """

    def __init__(self, context: BrowserContext, lab: CourseLab, path: Path, most: int | None = None) -> None:
        self.lab, self.path, self.most = lab, path, most
        self.page = context.new_page()
        self.page.goto(lab.url(path), timeout=120_000)
        self.page.wait_for_selector(CELL, timeout=120_000)
        self.until(self._ready, 120, "the kernel does not get ready")
        self.until(lambda: not self._to_draw(), 120, "cells are not drawn")

    def close(self) -> None:
        """Close the tab and end its kernel."""
        self.page.evaluate(
            """async token => {
                const headers = {Authorization: `token ${token}`};
                for (const session of await (await fetch('/api/sessions', {headers})).json())
                    await fetch(`/api/sessions/${session.id}`, {method: 'DELETE', headers});
            }""",
            self.lab.token,
        )
        self.page.close()

    # ------------------------------------------------------------------------------------------------------- running

    def run_all(self, tell: Callable[[str], None] = lambda line: None, limit: float = 600) -> float:
        """Choose Run > Run All Cells, wait for the end and return the seconds.

        Args:
            tell: called with a line every few seconds.
            limit: seconds after which this fails.
        """
        self.choose("Run", "runmenu:run-all")
        seconds = self.wait_for_end(tell, limit)
        # on a busy machine the number of the last cell comes after the kernel has said that it is idle
        self.until(lambda: not self._prompted("[ ]"), 30, "all has ended, and a cell has no number")
        return seconds

    def choose(self, menu: str, command: str) -> None:
        """Choose an entry of the menu bar by its command."""
        self.page.locator(f".lm-MenuBar-item:has-text('{menu}')").first.click()
        self.page.locator(f".lm-Menu-item[data-command='{command}']").click()

    def wait_for_end(self, tell: Callable[[str], None] = lambda line: None, limit: float = 600) -> float:
        """Wait until no cell waits or runs, and return the seconds."""
        start, told = time.perf_counter(), 0.0
        while self._waiting() or not self._ready():
            passed = time.perf_counter() - start
            assert passed < limit, f"{self.path.name}: cells still run after {passed:.0f} s: {self._waiting()}"
            if passed > told + 5:
                told = passed
                tell(f"{self.path.name}: {passed:.0f} s, {len(self._waiting())} cells to go")
            time.sleep(0.2)
        return time.perf_counter() - start

    def saved(self) -> NotebookNode:
        """Save the notebook and read the file."""
        self.choose("File", "docmanager:save")
        self.until(lambda: not self.page.locator(".jp-mod-dirty").count(), 30, "the notebook is not saved")
        return nbformat.read(self.path, as_version=4)

    def _to_draw(self) -> int:
        """Return how many outputs of the file are not in the page yet: JupyterLab draws cells when it has time."""
        stored = sum(len(cell.get("outputs", ())) for cell in nbformat.read(self.path, as_version=4).cells)
        return stored - self.page.locator(f"{CELL} .jp-OutputArea-child").count()

    def _waiting(self) -> list[int]:
        return self._prompted("[*]")

    def _prompted(self, words: str) -> list[int]:
        prompts = self.page.eval_on_selector_all(CELL, _PROMPTS)
        return [number for number, prompt in enumerate(prompts) if prompt.startswith(words)]

    def _ready(self) -> bool:
        return "| Idle" in (self.page.text_content("#jp-main-statusbar") or "")

    def until(self, holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
        """Wait until something holds, or fail and say so."""
        until = time.perf_counter() + seconds
        while not holds():
            assert time.perf_counter() < until, f"{self.path.name}: {otherwise} ({seconds:.0f} s)"
            time.sleep(0.1)

    # ------------------------------------------------------------------------------------------------------- writing

    def find(self, name: str) -> int:
        """Return the number of the cell with that id."""
        return [cell.id for cell in nbformat.read(self.path, as_version=4).cells].index(name)

    def cell(self, number: int) -> Locator:
        """Return the cell of that number, counted from 0 over all cells, scrolled into view."""
        cell = self.page.locator(CELL).nth(number)
        cell.scroll_into_view_if_needed()
        return cell

    def write(self, number: int, text: str) -> None:
        """Put a text in the place of what a code cell holds, as by typing."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def run(self, number: int) -> None:
        """Run a cell with Shift+Enter and wait until it is done."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        time.sleep(0.2)
        self.wait_for_end()

    # ------------------------------------------------------------------------------------------------------- looking

    @cached_property
    def woken(self) -> list[tuple[Image.Image, Image.Image]]:
        """A picture of each plotly figure, or the first `most`, before and after the mouse was moved over it.

        JupyterLab's extension shows a figure's still form until then.
        """
        woken = []
        for figure in self.page.locator(FIGURE).all()[: self.most]:
            figure.scroll_into_view_if_needed()
            self.page.mouse.move(5, 5)
            before = shot(figure)
            self.wake(figure)
            woken.append((before, shot(figure)))
        return woken

    def wake(self, figure: Locator) -> None:
        """Move the mouse over a figure, wait until it is alive, and take the mouse away."""
        over(figure)
        figure.locator("svg.main-svg").first.wait_for(timeout=60_000)
        time.sleep(0.5)  # WebGL draws after the svg is there
        self.page.mouse.move(5, 5)

    def whole(self) -> tuple[Image.Image, list[Image.Image]]:
        """Scroll from top to bottom; return the notebook in one picture, and the window at each stop."""
        box = self.page.locator(SCROLLER).bounding_box()
        left, up = round(box["x"]), round(box["y"]) + EDGE
        area = (left, up, left + round(box["width"]), up - 2 * EDGE + round(box["height"]))
        self.page.mouse.move(5, 5)
        strips, windows, place = [], [], 0
        while True:
            top, height, seen = self._scroll(place)
            window = _decoded(self.page.screenshot())
            windows.append(window)
            strip = window.crop(area)
            strips.append((top, strip))
            if top + seen >= height - 1 or top < place:
                break
            place = top + seen - 3 * EDGE
        whole = Image.new("RGB", (strips[0][1].width, strips[-1][0] + strips[-1][1].height), "white")
        for top, strip in strips:
            whole.paste(strip, (0, top))
        return whole, windows

    def scrolled(self) -> float:
        """Return how far the notebook is scrolled, in pixels."""
        return self.page.eval_on_selector(SCROLLER, "panel => panel.scrollTop")

    def _scroll(self, place: int) -> tuple[int, int, int]:
        """Scroll there, let JupyterLab lay out what comes into view, and return top, height and visible height."""
        before = self.page.evaluate(_SCROLL, [SCROLLER, place])
        for _ in range(20):
            time.sleep(0.15)
            now = self.page.evaluate(_SCROLL, [SCROLLER, None])
            if now == before:
                break
            before = now
        return tuple(now)


def overflows(page: Page, kinds: Sequence[str] = SHOWN) -> list[str]:
    """Say what of the visible notebook is wider than its place: cell, width, place, how its text starts.

    Args:
        page: where the notebook is open.
        kinds: selectors of what is looked at.
    """
    return [
        f"cell {cell}: {kind} is {wide} px wide in {place}: {text!r}"
        for cell, kind, wide, place, text in page.eval_on_selector_all(CELL, _OVERFLOWS, list(kinds))
    ]


def broken(page: Page) -> list[str]:
    """Return what the visible notebook shows where a widget or an output could not be drawn."""
    signs = ".jupyter-widgets-error-widget, .jp-OutputArea-output:has-text('Error displaying widget')"
    return [f"a widget is broken: {text.strip()[:80]!r}" for text in page.locator(signs).all_text_contents()]


def without_words(page: Page) -> list[str]:
    """Say which pictures of the visible notebook have no text for a reader who hears the page.

    It is an alternative text, a title, or what plots.show puts behind the picture for screen readers.
    """
    found = page.eval_on_selector_all(CELL, _IMAGES)
    return [f"cell {cell}: a picture has no alternative text" for cell, words in found if not words.strip()]


def keep_pictures(page: LessonPage, to: Path) -> None:
    """Keep the whole notebook, the same in pieces that can be read, and the window at every stop."""
    to.mkdir(parents=True, exist_ok=True)
    whole, windows = page.whole()
    whole.save(to / "whole.png")
    for number, top in enumerate(range(0, whole.height, PART), 1):
        whole.crop((0, top, whole.width, min(top + PART, whole.height))).save(to / f"part_{number:02}.png")
    for number, window in enumerate(windows, 1):
        window.save(to / f"window_{number:02}.png")


def keep_figures(figures: Sequence[tuple[Image.Image, Image.Image]], to: Path) -> None:
    """Keep what `LessonPage.woken` returned."""
    to.mkdir(parents=True, exist_ok=True)
    for number, (still, live) in enumerate(figures, 1):
        still.save(to / f"figure_{number:02}_still.png")
        live.save(to / f"figure_{number:02}_live.png")


def over(figure: Locator) -> None:
    """Move the mouse over a figure, which may be narrower than its output."""
    until, box = time.perf_counter() + 30, None
    while not box:
        assert time.perf_counter() < until, f"nothing is drawn in {figure}"
        places = figure.locator("img.plot-img, .svg-container").all()
        box = next((box for box in (place.bounding_box() for place in places) if box and box["width"]), None)
        time.sleep(0.05)
    figure.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)


def shot(place: Locator) -> Image.Image:
    """Return a picture of an element."""
    return _decoded(place.screenshot())


def _decoded(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the share of pixels in which two pictures differ visibly; 1 where their sizes differ.

    An element begins somewhere between two rows of pixels, and after scrolling its picture may begin a row higher or
    lower, so the best of three places counts.
    """
    if one.size != other.size:
        return 1.0
    first, second = np.asarray(one, dtype=int)[1:-1], np.asarray(other, dtype=int)
    places = [second[row : row + len(first)] for row in range(3)]
    return min(float((np.abs(first - place).max(axis=2) > 16).mean()) for place in places)


def drawn(picture: Image.Image) -> float:
    """Return the share of a picture's pixels that differ from its most frequent colour."""
    counts = picture.getcolors(picture.width * picture.height)
    return 1 - max(count for count, _ in counts) / (picture.width * picture.height)


def errors(notebook: NotebookNode) -> list[str]:
    """Say which code cells ended in an error, wrote to stderr or did not run."""
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"cell {number} did not run")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} ended in {output.ename}: {output.evalue}")
            elif output.get("name") == "stderr":
                found.append(f"cell {number} wrote to stderr: {output.text.strip().splitlines()[-1]}")
    return found


def seconds(notebook: NotebookNode) -> dict[int, float]:
    """Return how long each code cell took, from its start to its end in the kernel."""
    taken = {}
    for number, cell in enumerate(notebook.cells):
        times = cell.metadata.get("execution", {})
        marks = [times.get(name) for name in ("iopub.execute_input", "shell.execute_reply")]
        if all(marks):
            start, end = (datetime.fromisoformat(re.sub(r"Z$", "+00:00", mark)) for mark in marks)
            taken[number] = (end - start).total_seconds()
    return taken
