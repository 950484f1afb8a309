"""What an exercise is: one reference solution, from which stub, solution, hint and check are made.

A lesson's package, ``binpack/course/lNN_topic/``, defines its exercises in the order in which the lesson sets them, in
``exercises.py`` or in several modules that ``exercises/__init__.py`` imports in that order (each may use those before
it). The package's name says which lesson and which topic they belong to::

    @exercise(minutes=8, difficulty=2, hints=("Look at one cell first.", "A maximum over a window."))
    def landing_height(heights: np.ndarray, length: int) -> np.ndarray:
        '''Find where a box comes to rest.

        ...
        '''
        # 1. slide a window of the box's length over the map
        windows = np.lib.stride_tricks.sliding_window_view(heights, length)
        # 2. the highest cell under the box carries it
        return windows.max(axis=-1)

    @landing_height.check
    def _(answer):
        got = answer(np.array([0, 2, 1]), 2)
        expect_shape(got, (2,), "the answer for 3 cells and a box of 2")
        expect_close(got, [2, 2], "it should rest on the highest cell under it: did you take the mean?")

The stub keeps the signature, the docstring and the comments that start with a number. The decorated object can be
called like the function that it holds.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

from binpack.course.exercises._expect import Mistake
from binpack.course.exercises._judging import explain, is_empty, one_line, quiet
from binpack.course.exercises._lessons import Lesson, lesson_of, lessons
from binpack.course.exercises._limit import TooLong, call_within
from binpack.course.exercises._source import bindings, numbered_comments, outside_names
from binpack.files import InputError

DIFFICULTY = {1: "easy", 2: "medium", 3: "hard"}
_GOING_ON = "going on with the reference solution"
_REGISTRY: dict[tuple[str, str], Exercise] = {}


class ExerciseError(InputError):
    """An exercise that is defined wrongly, or not defined at all."""


@dataclass(frozen=True)
class Verdict:
    """What a check has to say about an answer.

    Attributes:
        outcome: the kind of verdict.
        text: one line for the learner.
    """

    outcome: Literal["correct", "not attempted", "wrong", "error", "reference"]
    text: str


@dataclass(eq=False)
class Exercise:
    """One exercise. Made by `exercise`; callable like its reference.

    Attributes:
        reference: the reference solution.
        minutes: time that it should take, in minutes.
        difficulty: 1 easy, 2 medium, 3 hard.
        hints: what `hint` reveals, one more at each call.
        seconds: how long the check may take before the answer counts as one that never ends.
    """

    reference: Callable
    minutes: int
    difficulty: int
    hints: tuple[str, ...]
    seconds: float = 30.0
    _checker: Callable[[Callable], None] | None = field(default=None, repr=False)
    _revealed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTY:
            raise ExerciseError(f"{self.name}: difficulty must be 1, 2 or 3, got {self.difficulty!r}")
        if not self.hints:
            raise ExerciseError(f"{self.name}: an exercise needs at least one hint")
        if lesson_of(self.module) is None:
            where = "in the package of a lesson, binpack/course/lNN_topic"
            raise ExerciseError(f"{self.name}: an exercise must stand {where}, not in {self.module}")
        functools.update_wrapper(self, self.reference)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the reference."""
        return self.reference(*args, **kwargs)

    def check(self, checker: Callable[[Callable], None]) -> Callable[[Callable], None]:
        """Register the check of this exercise (a decorator).

        Args:
            checker: called with the learner's function; raises `Mistake` (most easily through `expect`) where the
                answer is wrong. It judges behaviour, never source text.
        """
        self._checker = checker
        return checker

    @property
    def name(self) -> str:
        """Name of the function to write."""
        return self.reference.__name__

    @property
    def module(self) -> str:
        """Full name of the module that defines the exercise."""
        return self.reference.__module__

    @property
    def lesson(self) -> Lesson:
        """The lesson whose package defines the exercise."""
        lesson = lesson_of(self.module)
        assert lesson is not None  # or it could not have been made
        return lesson

    @property
    def topic(self) -> str:
        """Topic of the lesson, as it stands before the dot in a source file."""
        return self.lesson.topic

    @property
    def number(self) -> str:
        """Lesson and place within the lesson, for example "3.1"."""
        return f"{self.lesson.number}.{exercises_of(self.module).index(self) + 1}"

    @property
    def title(self) -> str:
        """For example "exercise 3.1 feasible_cells"."""
        return f"exercise {self.number} {self.name}"

    @property
    def summary(self) -> str:
        """First paragraph of the docstring, on one line."""
        return one_line((inspect.getdoc(self.reference) or "").split("\n\n")[0])

    @property
    def source(self) -> str:
        """Source of the reference without its decorator, ending in a newline."""
        node, lines = self._parsed
        return "\n".join(lines[node.lineno - 1 : node.end_lineno]) + "\n"

    @property
    def stub(self) -> str:
        """What the learner starts from: signature, docstring, numbered steps; ends in a newline."""
        node, lines = self._parsed
        if ast.get_docstring(node) is None:
            raise ExerciseError(f"{self.name}: an exercise needs a docstring")
        head = lines[node.lineno - 1 : node.body[0].end_lineno]
        steps = numbered_comments(lines[node.body[0].end_lineno : node.end_lineno])
        body = [*steps, f'raise NotImplementedError("{self.title}")']
        return "\n".join(head + textwrap.indent("\n".join(body), "    ").split("\n")) + "\n"

    def imports(self, bound: Collection[str] = ()) -> list[str]:
        """Import statements that the reference needs where it stands alone.

        Args:
            bound: names that exist already, which need no import.

        Returns:
            Statements, one a line: plain imports first, else in the order of the exercise's module.
        """
        wanted = outside_names(self.source) - {self.name, *bound}
        tree = ast.parse(inspect.getsource(sys.modules[self.module]))
        parts: dict[str, list[str]] = {}
        for name, start, what in bindings(tree, self.module):
            if name in wanted and what not in parts.setdefault(start, []):
                parts[start].append(what)
        plain = [f"import {what}" for what in parts.pop("import", [])]
        return plain + [f"{start} {', '.join(whats)}" for start, whats in parts.items() if whats]

    def judge(self, answer: Callable) -> Verdict:
        """Check an answer without printing anything.

        Args:
            answer: the learner's function.
        """
        if answer is self.reference or answer is self:
            text = f"{self.title}: this is the reference solution; run your own function's cell, then check again"
            return Verdict("reference", text)
        if self._checker is None:
            raise ExerciseError(f"{self.title} has no check")
        if is_empty(answer):
            return Verdict("not attempted", f"{self.title} not attempted yet: {_GOING_ON}")
        try:
            with quiet():
                call_within(self.seconds, self._checker, answer)
        except Mistake as mistake:
            text = f"{self.title} is not right yet: {one_line(str(mistake))}; {_GOING_ON}"
            return Verdict("wrong", text)
        except TooLong:
            endless = f"did not end within {self.seconds:g} s: is there a loop that never stops?"
            return Verdict("error", f"{self.title} {endless}; {_GOING_ON}")
        except (Exception, SystemExit) as error:
            return Verdict("error", f"{self.title} {explain(error, answer)}; {_GOING_ON}")
        return Verdict("correct", f"{self.title}: correct")

    def next_hint(self) -> str:
        """Reveal one more hint, as one line."""
        if self._revealed == len(self.hints):
            return f"{self.title}: no more hints; ex.solution({self.name}) shows a solution"
        self._revealed += 1
        return f"hint {self._revealed} of {len(self.hints)} for {self.title}: {self.hints[self._revealed - 1]}"

    @property
    def _parsed(self) -> tuple[ast.FunctionDef, list[str]]:
        text = textwrap.dedent(inspect.getsource(self.reference))
        node = ast.parse(text).body[0]
        if not isinstance(node, ast.FunctionDef):
            raise ExerciseError(f"{self.name}: an exercise must be a plain function")
        return node, text.splitlines()


def exercise(
    *, minutes: int, difficulty: int, hints: Sequence[str], seconds: float = 30.0
) -> Callable[[Callable], Exercise]:
    """Turn a reference solution into an exercise (a decorator).

    Args:
        minutes: time that it should take, in minutes.
        difficulty: 1 easy, 2 medium, 3 hard.
        hints: what `hint` reveals, one more at each call; at least one.
        seconds: how long the check may take before the answer counts as one that never ends.

    Raises:
        ExerciseError: the function does not stand in a lesson's package, or the lesson has an exercise of its name in
            another module already; there is no hint; the difficulty is none of the three.
    """

    def register(reference: Callable) -> Exercise:
        made = Exercise(reference, minutes, difficulty, tuple(hints), seconds)
        for other in exercises_of(made.module):
            if other.name == made.name and other.module != made.module:
                raise ExerciseError(f"{made.name}: {other.module} defines an exercise of that name already")
        _REGISTRY[made.module, made.name] = made
        return made

    return register


def exercises_of(lesson: str | ModuleType) -> list[Exercise]:
    """List a lesson's exercises in the order in which they are defined, as far as they are imported.

    Args:
        lesson: the lesson's package or any module of it, or its full name.
    """
    wanted = lesson_of(lesson if isinstance(lesson, str) else lesson.__name__)
    found = [made for made in _REGISTRY.values() if made.lesson == wanted]
    modules = list(dict.fromkeys(made.module for made in found))
    return sorted(found, key=lambda made: (modules.index(made.module), made.reference.__code__.co_firstlineno))


def find(name: str) -> Exercise:
    """Find an exercise by its name.

    Args:
        name: name of the function, or "topic.name" where two lessons use one name. Where no lesson imported so far has
            it, the others are looked through.

    Raises:
        ExerciseError: there is no such exercise, or there are several.
    """
    topic, _, function = name.rpartition(".")
    if not _imported(topic, function):
        for lesson in lessons(topic):
            if lesson.defines(function):
                lesson.load()
    found = _imported(topic, function)
    if not found:
        raise ExerciseError(f"there is no exercise called {name!r}{_why_not(topic)}")
    if len(found) > 1:
        names = ", ".join(sorted(f"{made.topic}.{made.name}" for made in found))
        raise ExerciseError(f"{name!r} names more than one exercise: {names}")
    return found[0]


def _imported(topic: str, function: str) -> list[Exercise]:
    return [made for made in _REGISTRY.values() if made.name == function and topic in ("", made.topic)]


def _why_not(topic: str) -> str:
    """Say why a topic has no exercise of some name; nothing where no topic was named."""
    if not topic:
        return ""
    packages = [lesson.package for lesson in lessons(topic)]
    return f": {packages[0]} defines none of that name" if packages else f": no lesson is called lNN_{topic}"


def check(answer: Callable) -> Callable:
    """Check an answer, print one line about it, and return a function to go on with.

    Args:
        answer: the learner's function; it is known by its name.

    Returns:
        The learner's function where it is right, the reference solution where it is not.

    Raises:
        ExerciseError: there is no exercise of that name.
    """
    asked = _find_for(answer, sys._getframe(1).f_globals)
    verdict = asked.judge(answer)
    print(verdict.text)
    return answer if verdict.outcome == "correct" else asked.reference


def hint(answer: Callable | str) -> None:
    """Print one more hint at each call.

    Args:
        answer: the function of the exercise, or its name.
    """
    print(_find_for(answer, sys._getframe(1).f_globals).next_hint())


def solution(answer: Callable | str) -> None:
    """Show the reference solution.

    Args:
        answer: the function of the exercise, or its name.
    """
    asked = _find_for(answer, sys._getframe(1).f_globals)
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        print(asked.source, end="")
        return
    from IPython.display import display

    display({"text/markdown": f"```python\n{asked.source}```", "text/plain": asked.source}, raw=True)


def _find_for(answer: Callable | str, namespace: dict[str, Any]) -> Exercise:
    """Find the exercise that a function, an exercise or a name stands for."""
    if isinstance(answer, Exercise):
        return answer
    for made in _REGISTRY.values():
        if answer is made.reference:
            return made
    if isinstance(answer, str):
        return find(answer)
    if not callable(answer):
        raise ExerciseError(f"expected the function of an exercise, not {type(answer).__name__}")
    # a lambda, a partial or a vectorised function does not bear its name, but the variable does
    names = [getattr(answer, "__name__", "")] + [name for name, value in namespace.items() if value is answer]
    for name in names:
        with contextlib.suppress(ExerciseError):
            return find(name)
    return find(names[0] or type(answer).__name__)
