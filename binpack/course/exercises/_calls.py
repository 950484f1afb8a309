"""The learner's function as others call it: watched within a check, and held to its promise in the lesson after it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from binpack.course.exercises._expect import UNKNOWN, Mistake
from binpack.course.exercises._judging import Printed
from binpack.course.exercises._values import block, copied, named_arguments, same, told_apart
from binpack.course.exercises.promise import Promise
from binpack.files import InputError

LONGEST = 300
"""Characters of a value in a verdict's box."""


class BrokenPromise(InputError):
    """A function that was right when it was checked returned something else than it promised."""


@dataclass
class Call:
    """One call of the learner's function.

    Attributes:
        args: positional arguments as they were before it.
        kwargs: arguments given by name, likewise.
        returned: what came back, as it came back.
        ended: whether it came back at all.
    """

    args: tuple
    kwargs: dict[str, Any]
    returned: Any = None
    ended: bool = False


class Watched:
    """Calls the learner's function, and notes what went in and came out.

    It names three mistakes that any function can make: changing an argument that is not its to change, printing an
    answer instead of returning it, and returning something of another kind than promised.
    """

    def __init__(
        self, answer: Callable, reference: Callable, promise: Promise, changes: Collection[str], printed: Printed
    ) -> None:
        functools.update_wrapper(self, answer)
        self.last: Call | None = None
        self._answer, self._reference, self._promise = answer, reference, promise
        self._changes, self._printed = changes, printed

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.last = Call(copied(args), copied(kwargs))
        lines = self._printed.lines
        result = self._answer(*args, **kwargs)
        self.last.returned, self.last.ended = result, True
        self._expect_unchanged(args, kwargs)
        if result is None and self._promise.returns and self._printed.lines > lines:
            raise Mistake("it prints its answer and returns None: end with return", got=None)
        return self._promise.cast(result)

    def facts(self, mistake: Mistake | None = None) -> tuple[tuple[str, str], ...]:
        """Say for which input what came out and what should have: pairs of a label and a text.

        Args:
            mistake: what the check said; what it does not name is taken from the last call.
        """
        if mistake is None:
            return self._input()
        got = mistake.got
        if got is UNKNOWN and self.last is not None and self.last.ended:
            told = self._promise.returns or self.last.returned is not None
            got = self.last.returned if told else UNKNOWN
        pairs = (("got", got), ("expected", mistake.wanted))
        returned = self.last.returned if self.last is not None else None
        values = tuple((label, _told(value, returned)) for label, value in pairs if value is not UNKNOWN)
        if len(values) == 2 and values[0][1] == values[1][1]:  # they differ further behind the point
            values = tuple(zip(("got", "expected"), told_apart(got, mistake.wanted, block, LONGEST), strict=True))
        if mistake.given is UNKNOWN:
            return (*self._input(), *values)
        if isinstance(mistake.given, Mapping):
            return (*_labelled(mistake.given), *values)
        return ("for", mistake.given if isinstance(mistake.given, str) else block(mistake.given, LONGEST)), *values

    def _input(self) -> tuple[tuple[str, str], ...]:
        if self.last is None:
            return ()
        return _labelled(named_arguments(self._reference, self.last.args, self.last.kwargs))

    def _expect_unchanged(self, args: tuple, kwargs: dict[str, Any]) -> None:
        assert self.last is not None
        before = named_arguments(self._reference, self.last.args, self.last.kwargs)
        after = named_arguments(self._reference, args, kwargs)
        for name, value in before.items():
            if name not in self._changes and not same(value, after[name]):
                raise Mistake(f"it changes its argument {name}: leave it as it is and make a new one")


def _told(value: Any, returned: Any) -> str:
    """Write a value; text that is no result but a check's own words stands without quotes."""
    return value if isinstance(value, str) and not isinstance(returned, str) else block(value, LONGEST)


def _labelled(arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((f"input {name}", block(value, LONGEST)) for name, value in arguments.items())


def kept(answer: Callable, promise: Promise, title: str) -> Callable:
    """Wrap a right answer so that each of its results has the promised type.

    Args:
        answer: the learner's function.
        promise: what it returns.
        title: names the exercise in an error.

    Returns:
        A function that raises `BrokenPromise` where a result cannot be cast.
    """

    @functools.wraps(answer)
    def keeping(*args: Any, **kwargs: Any) -> Any:
        try:
            return promise.cast(answer(*args, **kwargs))
        except Mistake as mistake:
            raise BrokenPromise(f"{title}, your function: {mistake}") from None

    vars(keeping)["_keeps"] = answer
    return keeping


def own(answer: Callable) -> Callable:
    """Return the function that a learner wrote out of one that `kept` made; any other as it is.

    Args:
        answer: a function.
    """
    return getattr(answer, "_keeps", answer)
