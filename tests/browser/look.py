"""Open one notebook in Chromium, run it whole and keep pictures of what a learner sees.

    python tests/browser/look.py 03                     the learner's notebook, every exercise untouched
    python tests/browser/look.py 03 --solved            the solved one
    python tests/browser/look.py 03 --no-run            as it is committed, with its stored outputs
    python tests/browser/look.py 01 --answer td_update=answer.py    and with that file typed into the exercise's cell

Pictures go to ``.cache/screenshots/03_packing_environment/`` (``--to`` names another folder):

    whole.png                the notebook from top to bottom, as wide as its panel is in a window of 1366 x 768
    part_01.png ...          the same, cut into pieces that can be read
    window_01.png ...        the whole window, a screen each
    figure_01_still.png, figure_01_live.png ...     every interactive figure before and after the mouse is over it
    answer_td_update.png     an exercise's cells after ``--answer``

What is wrong is printed: errors, what is wider than its place, pictures without alt text, hosts that were asked for,
figures that change their size when they come alive. So is the time of the run and of every cell of more than 5 s.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course_lab import ROOT, CourseLab, chromium, open_browser, running_lab
from lesson_page import (
    CODE,
    SHOWN,
    LessonPage,
    broken,
    drawn,
    errors,
    keep_figures,
    keep_pictures,
    overflows,
    seconds,
    shot,
    without_words,
)


def main() -> int:
    """Look at a notebook; the exit status says whether something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="the notebook's name, or how it starts: 03")
    parser.add_argument("--solved", action="store_true", help="the notebook of notebooks/solutions")
    parser.add_argument("--no-run", action="store_true", help="look at the outputs that are stored in it")
    parser.add_argument("--answer", action="append", default=[], metavar="NAME=FILE", help="type a file into a cell")
    parser.add_argument("--to", type=Path, help="folder of the pictures, by default in .cache/screenshots")
    options = parser.parse_args()
    if chromium() is None:
        print("no Chromium is installed here (apt-get install chromium)", file=sys.stderr)
        return 2
    (source,) = sorted((ROOT / "notebooks" / ("solutions" if options.solved else "")).glob(f"{options.name}*.ipynb"))
    name = source.stem + ("_solved" if options.solved else "") + ("_stored" if options.no_run else "")
    to = options.to or ROOT / ".cache" / "screenshots" / name
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="look") as made:
        folder = Path(made)
        with running_lab(folder) as lab, open_browser(lab, folder) as context:
            page = LessonPage(context, lab, lab.place(source))
            faults = list(look(page, lab, to, not options.no_run))
            for answer in options.answer:
                type_answer(page, *answer.split("=", 1), to)
            page.close()
    print(f"pictures are in {to}")
    print("\n".join(faults) or "nothing is wrong")
    return bool(faults)


def look(page: LessonPage, lab: CourseLab, to: Path, run: bool) -> Iterator[str]:
    """Run a notebook if asked to, keep the pictures, and yield what is wrong."""
    if run:
        taken = page.run_all(print)
        notebook = page.saved()
        print(f"ran in {taken:.1f} s")
        for number, each in seconds(notebook).items():
            if each > 5:
                print(f"  cell {number} took {each:.1f} s: {notebook.cells[number].source.strip().splitlines()[-1]}")
        yield from errors(notebook)
        yield from broken(page.page)
    keep_pictures(page, to)
    yield from overflows(page.page, (*SHOWN, CODE))
    yield from without_words(page.page)
    figures = page.woken
    keep_figures(figures, to)
    for number, (still, live) in enumerate(figures, 1):
        if still.height != live.height:
            yield f"figure {number} is {still.height} px high when still and {live.height} when live"
        if drawn(live) < 0.01:
            yield f"figure {number} is blank when live"
    yield from (f"asked for {host}" for host in lab.asked_for())


def type_answer(page: LessonPage, exercise: str, file: str, to: Path) -> None:
    """Type a file's text into an exercise's cell, run it and its check, and keep a picture of both."""
    number, check = (page.find(f"{kind}-{exercise.replace('_', '-')}") for kind in ("answer", "check"))
    page.write(number, Path(file).read_text(encoding="utf-8"))
    page.run(number)
    page.run(check)
    shot(page.cell(number)).save(to / f"answer_{exercise}.png")
    shot(page.cell(check)).save(to / f"check_{exercise}.png")


if __name__ == "__main__":
    sys.exit(main())
