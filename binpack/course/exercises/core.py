"""What an exercise is: one reference solution, from which stub, solution, hint and check are made.

A lesson's package, ``binpack/course/lNN_topic/``, defines its exercises in the order in which the lesson sets them, in
``exercises.py`` or in several modules that ``exercises/__init__.py`` imports in that order (each may use those before
it). The package's name says which lesson and which topic they belong to::

    @exercise(
        minutes=8,
        difficulty=2,
        hints=("Begin with one place: what is under the box?", "`windows.max(axis=-1)` is the highest of each."),
        returns=promise.an_array("the landing heights", int),
    )
    def landing_height(heights: np.ndarray, length: int) -> np.ndarray:
        '''Find where a box comes to rest.

        ...
        '''
        # 1. slide a window of the box's length over the map
        windows = np.lib.stride_tricks.sliding_window_view(heights, length)
        # 2. the highest cell under the box carries it
        return windows.max(axis=-1)

    landing_height.examine(
        cases=lambda: [(np.array([0, 2, 1]), 2), (np.array([3, 0, 0, 1]), 1), (np.array([1, 4, 1, 5]), 3)],
        draw=lambda rng: (rng.integers(0, 9, 7), 2),
        mistakes={"it takes the mean: one high cell carries the whole box": lambda heights, length: ...},
    )

A function that has a state to look at, or draws numbers, gets a check of its own instead::

    @epsilon_greedy.check
    def _(answer):
        got = answer(np.array([0.0, 1.0]), 0.0, np.random.default_rng(0))
        expect(got == 1, "at epsilon 0 it should take the best action", got=got, wanted=1)

The stub keeps the signature, the docstring and the comments that start with a number. The decorated object can be
called like the function that it holds.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

import numpy as np

from binpack.course.exercises._apart import Crashed, call_apart
from binpack.course.exercises._calls import Watched, kept, own
from binpack.course.exercises._examine import Arguments, Examination
from binpack.course.exercises._expect import Mistake
from binpack.course.exercises._judging import captured, explain, is_empty, one_line
from binpack.course.exercises._lessons import Lesson, lesson_of, lessons
from binpack.course.exercises._limit import Interrupted, TooLong, call_within
from binpack.course.exercises._source import bindings, numbered_comments, outside_names
from binpack.course.exercises.promise import Promise, anything
from binpack.files import InputError

DIFFICULTY = {1: "easy", 2: "medium", 3: "hard"}
_AT_HAND = ("np", "torch", "nn", "math")
"""Names that an answer may want though the reference does not; a cell binds those that the exercise's module has."""
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
        message: the part of it that says what is wrong; empty where nothing is.
        facts: what came out, what was expected and for which input: label and text each, as far as they are known.
        printed: the first lines of what the answer printed.
    """

    outcome: Literal["correct", "not attempted", "wrong", "error", "reference"]
    text: str
    message: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    printed: str = ""


@dataclass(eq=False)
class Exercise:
    """One exercise. Made by `exercise`; callable like its reference.

    Attributes:
        reference: the reference solution.
        minutes: time that it should take, in minutes.
        difficulty: 1 easy, 2 medium, 3 hard.
        hints: what `hint` reveals, one more at each call.
        seconds: how long the check may take before the answer counts as one that never ends.
        returns: what the function promises to return.
        changes: names of the arguments that it changes in place.
        start: the function that the learner's cell begins with, to be mended; None stands for the stub.
        examination: how a pure function is examined; None where the exercise has a check of its own.
    """

    reference: Callable
    minutes: int
    difficulty: int
    hints: tuple[str, ...]
    seconds: float = 30.0
    returns: Promise = field(default_factory=anything)
    changes: tuple[str, ...] = ()
    start: Callable | None = None
    examination: Examination | None = field(default=None, repr=False)
    _checker: Callable[[Callable], None] | None = field(default=None, repr=False)
    _revealed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTY:
            raise ExerciseError(f"{self.name}: difficulty must be 1, 2 or 3, got {self.difficulty!r}")
        if not self.hints:
            raise ExerciseError(f"{self.name}: an exercise needs at least one hint")
        unknown = set(self.changes) - set(inspect.signature(self.reference).parameters)
        if unknown:
            raise ExerciseError(f"{self.name}: it has no argument {', '.join(sorted(unknown))} to change")
        if self.start is not None and self.start.__name__ != self.name:
            raise ExerciseError(f"{self.name}: the function to start from is called {self.start.__name__}")
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

    def examine(
        self,
        *,
        cases: Callable[[], Sequence[Arguments]],
        draw: Callable[[np.random.Generator], Arguments],
        mistakes: Mapping[str, Callable],
        also: Callable[[Callable], None] | None = None,
        seen: Callable[[Any, Arguments], Any] | None = None,
    ) -> None:
        """Say how a pure function is checked: by its results on some inputs.

        Args:
            cases: gives three inputs or more, each a tuple of arguments, the simplest first: a learner is shown the
                first one that comes out wrong.
            draw: gives one more input of the same kind.
            mistakes: messages, each with a function that makes the mistake. One is named where its function gives
                what the learner's gives on every input; so it must differ from the right one on two of them at least.
            also: a further check, called with the answer once all results are right.
            seen: what of a call is compared, (result, arguments) -> value; by default the result and, where the
                function changes arguments in place, those.
        """
        parts = (self.reference, self.returns, self.changes, cases, draw, mistakes, also, seen)
        self.examination = Examination(*parts)
        self._checker = self.examination  # type: ignore[assignment]  # an examination asks for a watched answer

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
        """What the learner starts from: signature, docstring and numbered steps, or the function to mend."""
        if self.start is not None:
            return textwrap.dedent(inspect.getsource(self.start))
        node, lines = self._parsed
        if ast.get_docstring(node) is None:
            raise ExerciseError(f"{self.name}: an exercise needs a docstring")
        head = lines[node.lineno - 1 : node.body[0].end_lineno]
        steps = numbered_comments(lines[node.body[0].end_lineno : node.end_lineno])
        body = [*steps, f'raise NotImplementedError("{self.title}")']
        return "\n".join(head + textwrap.indent("\n".join(body), "    ").split("\n")) + "\n"

    def imports(self, bound: Collection[str] = ()) -> list[str]:
        """Import statements that the reference needs where it stands alone, and those that an answer may well want.

        Args:
            bound: names that exist already, which need no import.

        Returns:
            Statements, one a line: plain imports first, else in the order of the exercise's module.
        """
        begun = outside_names(self.stub) if self.start is not None else set()
        wanted = {*outside_names(self.source), *begun, *_AT_HAND} - {self.name, *bound}
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
        answer = own(answer)
        if answer is self.reference or answer is self:
            text = f"{self.title}: this is the reference solution; run your own function's cell, then check again"
            return Verdict("reference", text)
        if self._checker is None:
            raise ExerciseError(f"{self.title} has no check")
        if is_empty(answer, self.start):
            return Verdict("not attempted", f"{self.title} not attempted yet: {_GOING_ON}")
        try:
            return call_apart(lambda: self._judged(answer), self.seconds)
        except TooLong:
            message = self._endless
        except Crashed as crash:
            message = f"ended Python itself before it could be checked ({crash})"
        return self._wrong(message, message, (), "", "error")

    @property
    def _endless(self) -> str:
        return f"did not end within {self.seconds:g} s: is there a loop that never stops?"

    def _judged(self, answer: Callable) -> Verdict:
        """Run the check on an answer."""
        assert self._checker is not None
        with captured() as printed:
            watched = Watched(answer, self.reference, self.returns, self.changes, printed)
            try:
                call_within(self.seconds, self._checker, watched)
            except Mistake as mistake:
                message = one_line(str(mistake))
                return self._wrong(f"is not right yet: {message}", message, watched.facts(mistake), printed.text)
            except TooLong:
                message = self._endless
            except Interrupted:
                raise KeyboardInterrupt from None
            except BaseException as error:  # an answer may raise whatever there is
                message = explain(error, answer, self._bound_above)
            else:
                return Verdict("correct", f"{self.title}: correct", printed=printed.text)
            return self._wrong(message, message, watched.facts(), printed.text, "error")

    @property
    def _bound_above(self) -> set[str]:
        """Names that the imports above the function bind."""
        imports = ast.parse("\n".join(self.imports())).body
        return {alias.asname or alias.name for node in imports for alias in getattr(node, "names", ())}

    def keep(self, answer: Callable) -> Callable:
        """Return an answer that was judged correct so that each of its results has the promised type.

        Args:
            answer: the learner's function.
        """
        return kept(own(answer), self.returns, self.title)

    def _wrong(
        self,
        said: str,
        message: str,
        facts: tuple[tuple[str, str], ...],
        printed: str,
        outcome: Literal["wrong", "error"] = "wrong",
    ) -> Verdict:
        return Verdict(outcome, f"{self.title} {said}; {_GOING_ON}", message, facts, printed)

    def next_hint(self) -> str:
        """Reveal one more hint, as one line."""
        if not self.hints_left:
            return f"{self.title}: no more hints; ex.solution({self.name}) shows a solution"
        self._revealed += 1
        return f"hint {self._revealed} of {len(self.hints)} for {self.title}: {self.hints[self._revealed - 1]}"

    @property
    def hints_left(self) -> int:
        """How many hints `next_hint` has not revealed yet."""
        return len(self.hints) - self._revealed

    @property
    def _parsed(self) -> tuple[ast.FunctionDef, list[str]]:
        text = textwrap.dedent(inspect.getsource(self.reference))
        node = ast.parse(text).body[0]
        if not isinstance(node, ast.FunctionDef):
            raise ExerciseError(f"{self.name}: an exercise must be a plain function")
        return node, text.splitlines()


def exercise(
    *,
    minutes: int,
    difficulty: int,
    hints: Sequence[str],
    seconds: float = 30.0,
    returns: Promise | None = None,
    changes: Sequence[str] = (),
    start: Callable | None = None,
) -> Callable[[Callable], Exercise]:
    """Turn a reference solution into an exercise (a decorator).

    Args:
        minutes: time that it should take, in minutes.
        difficulty: 1 easy, 2 medium, 3 hard.
        hints: what `hint` reveals, one more at each call; at least one. The first tells a person before a blank
            function how to begin, the last is nearly code; what is wrong with an answer is for the check to say.
        seconds: how long the check may take before the answer counts as one that never ends.
        returns: what the function promises to return, from `promise`; None promises nothing.
        changes: names of the arguments that the function is to change in place; no other may change.
        start: a function of the same name that the learner's cell begins with instead of a stub, to be mended.

    Raises:
        ExerciseError: the function does not stand in a lesson's package, or the lesson has an exercise of its name in
            another module already; there is no hint; the difficulty is none of the three; `changes` names no argument;
            `start` has another name.
    """

    def register(reference: Callable) -> Exercise:
        promised = returns or anything()
        made = Exercise(reference, minutes, difficulty, tuple(hints), seconds, promised, tuple(changes), start)
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


def registered() -> list[Exercise]:
    """List the exercises imported so far."""
    return list(_REGISTRY.values())


def _imported(topic: str, function: str) -> list[Exercise]:
    return [made for made in _REGISTRY.values() if made.name == function and topic in ("", made.topic)]


def _why_not(topic: str) -> str:
    """Say why a topic has no exercise of some name; nothing where no topic was named."""
    if not topic:
        return ""
    packages = [lesson.package for lesson in lessons(topic)]
    return f": {packages[0]} defines none of that name" if packages else f": no lesson is called lNN_{topic}"
