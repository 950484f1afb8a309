"""The process in which one notebook's answers are judged: ``python -m binpack.course.grading.worker``.

It reads a task from its standard input, a JSON object (see `Task`), and writes a JSON object a line to its standard
output: ``{"ready": {name: number}}`` once the lesson is imported, ``{"begin": name}`` before an answer is touched, and
``{"name", "outcome", "message"}`` after it. What an answer itself writes goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, TypedDict

from binpack.course.exercises._lessons import Lesson
from binpack.course.exercises.core import Exercise, exercises_of
from binpack.course.grading.answers import Answers, NoAnswer
from binpack.files import first_line

OUTCOMES = {"correct": "right", "error": "exception"}
"""The check's names of verdicts to those of a grade, where they differ."""
LONGEST = 600
"""Characters of a message that are handed on."""
MEMORY = 4 * 2**30
"""Bytes that answers may take beyond what the lesson itself takes."""
FILE = 64 * 2**20
"""Bytes of a file that answers may write."""


class Task(TypedDict):
    """What a process is asked to do.

    Attributes:
        number, topic: the lesson's.
        exercises: all of the notebook's, in order.
        wanted: those that are to be judged.
        cells: text of the notebook's code cells.
        seconds: how long a check may take.
        guard: whether the network is to be refused within Python.
    """

    number: int
    topic: str
    exercises: list[str]
    wanted: list[str]
    cells: list[str]
    seconds: float
    guard: bool


def main() -> None:
    """Judge the answers of one notebook."""
    task: Task = json.load(sys.stdin)
    say = _speaker()
    lesson = Lesson(task["number"], task["topic"])
    lesson.load()
    known = {made.name: made for made in exercises_of(lesson.package)}
    _silence()
    _limit()
    if task["guard"]:
        refuse_network()
    say({"ready": {name: known[name].number for name in task["exercises"]}})
    for message in judge(task, known):
        say(message)
    os._exit(0)  # whatever threads and handlers the answers left


def _speaker() -> Callable[[dict[str, Any]], None]:
    """Return what writes a message to where the standard output was."""
    channel: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    return say


def _silence() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _limit() -> None:
    """Bound what answers take of the machine, where the platform can."""
    try:
        import resource

        taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: PTH123, SIM115
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return


def refuse_network() -> None:
    """Refuse, from now on, every socket that leads out of this machine's processes, and other programs.

    This holds for Python's own functions (PEP 578); code that is determined gets round it.
    """
    import socket

    local = getattr(socket, "AF_UNIX", None)
    programs = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        asks = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
        if asks or (event == "socket.__new__" and arguments[1] != local):
            raise PermissionError("answers are graded without the network")
        if event in programs:
            raise PermissionError("answers are graded without other programs")

    sys.addaudithook(look)


def judge(task: Task, known: dict[str, Exercise]) -> Iterator[dict[str, Any]]:
    """Judge the answers that are wanted; yield what is to be said before and after each.

    An answer runs with the learner's functions that were right before it, and with the reference of every other
    exercise, as in the notebook.

    Args:
        task: the notebook and what is wanted of it.
        known: the lesson's exercises by name.
    """
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *values, **options: None}
    namespace.update({name: known[name].reference for name in task["exercises"]})
    answers: Answers | None = None
    for name in task["wanted"]:
        yield {"begin": name}
        asked = known[name]
        asked.seconds = min(asked.seconds, task["seconds"])
        try:
            answers = answers or Answers(task["cells"], task["exercises"])
            outcome, message, function = _verdict(asked, answers, namespace)
        except BaseException as error:  # an answer may raise anything, KeyboardInterrupt too
            outcome, message, function = "exception", f"stopped with {_named(error)}", asked.reference
        namespace[name] = function
        yield {"name": name, "outcome": outcome, "message": message[:LONGEST]}


def _verdict(asked: Exercise, answers: Answers, namespace: dict[str, Any]) -> tuple[str, str, Any]:
    """Return the outcome, what the check says, and the function that the lesson goes on with."""
    try:
        answer = answers.define(asked.name, namespace)
    except NoAnswer as missing:
        return ("exception" if str(missing) else "not attempted"), str(missing), asked.reference
    except BaseException as error:
        return "exception", f"what it stands on stopped with {_named(error)}", asked.reference
    if not callable(answer):
        return "wrong", f"{asked.name} is no function but of type {type(answer).__name__}", asked.reference
    verdict = asked.judge(answer)
    if verdict.outcome == "reference":
        return "not attempted", "it is the course's own function, imported", asked.reference
    outcome = OUTCOMES.get(verdict.outcome, verdict.outcome)
    return outcome, verdict.message, asked.keep(answer) if outcome == "right" else asked.reference


def _named(error: BaseException) -> str:
    said = first_line(error)
    return said if said == type(error).__name__ else f"{type(error).__name__}: {said}"


if __name__ == "__main__":
    main()
