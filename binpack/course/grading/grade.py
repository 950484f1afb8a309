"""Grading a class: every copy's exercises judged, each notebook in a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from binpack.course.exercises._lessons import Lesson, lessons
from binpack.course.grading.cage import Ended, messages
from binpack.course.grading.copies import Copy, Sheet, read_copy
from binpack.course.grading.worker import LONGEST, Task
from binpack.files import FileError, InputError, MachineError

VERDICTS = ("right", "wrong", "not attempted", "exception")
_CHECKS_SHARE = 0.75
"""The part of an exercise's time that its check may take; the rest is for what it stands on."""


@dataclass(frozen=True)
class Mark:
    """What became of one exercise.

    Attributes:
        number: of the exercise, "3.1".
        name: of the function.
        verdict: one of `VERDICTS`.
        line: what the check says is wrong; empty where nothing is.
    """

    number: str
    name: str
    verdict: str
    line: str = ""


@dataclass(frozen=True)
class Graded:
    """A copy and its marks.

    Attributes:
        copy: the notebook.
        marks: one for each exercise of its lesson, in order.
    """

    copy: Copy
    marks: tuple[Mark, ...]

    @property
    def right(self) -> int:
        """How many exercises are right."""
        return sum(mark.verdict == "right" for mark in self.marks)


def read_class(paths: Sequence[Path], folder: Path, known: Sequence[Sheet]) -> tuple[list[Copy], list[str]]:
    """Read the notebooks of a class.

    Args:
        paths: the files.
        folder: the folder in which they were found.
        known: what the notebooks of the course ask for.

    Returns:
        The copies, by learner and lesson, and a line for each file that is none.
    """
    copies, refused = [], []
    for path in paths:
        try:
            copies.append(read_copy(path, folder, known))
        except FileError as error:
            refused.append(str(error))
    return sorted(copies, key=lambda copy: (copy.learner, copy.sheet.number, str(copy.path))), refused


def grade_class(copies: Sequence[Copy], seconds: float, jobs: int) -> Iterator[Graded]:
    """Grade copies, several at a time, and yield each when it and those before it are done.

    Args:
        copies: the notebooks.
        seconds: how long one exercise may take before its process is killed.
        jobs: how many processes run at a time.

    Raises:
        MachineError: a process did not start.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(grade, copy, seconds, stop) for copy in copies]
        try:
            for each in running:
                yield each.result()
        finally:
            stop.set()  # whatever still runs is killed, as after Ctrl-C
            pool.shutdown(wait=False, cancel_futures=True)


def grade(copy: Copy, seconds: float, stop: threading.Event | None = None) -> Graded:
    """Judge the exercises of one copy.

    Where an answer takes its process with it, another one goes on with the exercises below.

    Args:
        copy: the notebook.
        seconds: how long one exercise may take before its process is killed.
        stop: when it is set, the process is killed.

    Raises:
        MachineError: the process did not start, or was stopped.
    """
    lesson = _lesson(copy.sheet)
    numbers: dict[str, str] = {}
    found: dict[str, Mark] = {}
    left = list(copy.sheet.exercises)
    while left:
        task: Task = {
            "number": lesson.number,
            "topic": lesson.topic,
            "exercises": list(copy.sheet.exercises),
            "wanted": left,
            "cells": list(copy.cells),
            "seconds": seconds * _CHECKS_SHARE,
            "guard": False,
        }
        begun, ending = "", "its process said nothing of it"
        try:
            for message in messages(task, seconds, stop or threading.Event()):
                if message.get("begin") in left:
                    begun = message["begin"]
                elif not begun and isinstance(message.get("ready"), dict):
                    numbers = message["ready"]
                elif begun and message.get("name") == begun and message.get("outcome") in VERDICTS:
                    found[begun] = _mark(numbers, begun, message["outcome"], message.get("message"))
        except Ended as ended:
            if not begun:
                raise MachineError(f"{copy.path}: the process that grades it {ended} ({ended.last})") from None
            ending = str(ended)
        # the next process goes on below the one that this one ended with
        found.setdefault(begun or left[0], _mark(numbers, begun or left[0], "exception", ending))
        left = [name for name in left if name not in found]
    return Graded(copy, tuple(found[name] for name in copy.sheet.exercises))


def _mark(numbers: dict[str, str], name: str, verdict: str, line: object) -> Mark:
    return Mark(str(numbers.get(name, "")), name, verdict, str(line or "")[:LONGEST])


def _lesson(sheet: Sheet) -> Lesson:
    """Find the lesson whose package defines a notebook's exercises."""
    for lesson in lessons():
        if lesson.number == int(sheet.number[:2]) and all(map(lesson.defines, sheet.exercises)):
            return lesson
    raise InputError(f"no lesson of the course defines the exercises of {sheet.stem}.ipynb")
