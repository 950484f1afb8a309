"""The check of a pure function: its results beside the reference's, and beside those of functions with a known mistake.

A mistake is named only where its function gives what the learner's gives on every input, so that what is said is true
of the answer; where none does, the learner sees an input, what came out and what should have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from binpack.course.exercises._calls import Watched
from binpack.course.exercises._expect import Mistake
from binpack.course.exercises._values import (
    close,
    copied,
    first_difference,
    named_arguments,
    shape_of,
    shown,
    told_apart,
)
from binpack.course.exercises.promise import Promise

DRAWS = 6
"""How many drawn inputs a check looks at, besides the cases."""
SEED = 0
_NO_RESULT = object()

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Examination:
    """How the answer to an exercise is examined.

    Attributes:
        reference: the right function.
        promise: what it returns.
        changes: names of the arguments that it changes in place.
        cases: gives the inputs, the simplest first.
        draw: gives one more input of the same kind.
        mistakes: messages, each with a function that makes the mistake.
        also: a further check, called with the answer once all results are right.
        seen: what of a call is compared: (result, arguments) -> value.
    """

    reference: Callable
    promise: Promise
    changes: tuple[str, ...]
    cases: Callable[[], Sequence[Arguments]]
    draw: Callable[[np.random.Generator], Arguments]
    mistakes: Mapping[str, Callable]
    also: Callable[[Callable], None] | None
    seen: Callable[[Any, Arguments], Any] | None

    def __call__(self, answer: Watched) -> None:
        """Raise `Mistake` unless the answer is right.

        Args:
            answer: the learner's function, watched.
        """
        inputs = [*self.cases(), *self.drawn(SEED)]
        got = [self.outcome(answer, each) for each in inputs]
        right = [self.outcome(self.reference, each) for each in inputs]
        wrong = [place for place in range(len(inputs)) if not close(got[place], right[place])]
        if wrong:
            where = wrong[0]
            call = self._call(inputs[where])
            message = self.named(got, inputs) or _plain(call, got[where], right[where])
            raise Mistake(message, got=got[where], wanted=right[where], given=call)
        if self.also is not None:
            self.also(answer)

    def drawn(self, seed: int, count: int = DRAWS) -> Iterator[Arguments]:
        """Yield drawn inputs.

        Args:
            seed: of the generator.
            count: how many.
        """
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield self.draw(rng)

    def outcome(self, function: Callable, arguments: Arguments) -> Any:
        """Return what is compared of one call: the result, and the arguments that the function is to change.

        Args:
            function: called with a copy of the arguments.
            arguments: its input.
        """
        mine = copied(arguments)
        result = function(*mine)
        if not isinstance(function, Watched):
            result = self.promise.cast(result)
        if self.seen is not None:
            return self.seen(result, mine)
        named = named_arguments(self.reference, mine, {})
        changed = {name: named[name] for name in self.changes}
        if not changed:
            return result
        return {**changed, "returned": result} if self.promise.returns else changed

    def named(self, got: Sequence[Any], inputs: Sequence[Arguments]) -> str:
        """Return the message of the mistake that explains every result; empty where none does.

        Args:
            got: the answer's outcomes.
            inputs: what they came from.
        """
        for message, wrong in self.mistakes.items():
            if all(close(self.tried(wrong, each), result) for each, result in zip(inputs, got, strict=True)):
                return message
        return ""

    def tried(self, wrong: Callable, arguments: Arguments) -> Any:
        """Outcome of a function with a mistake, which may fail where the learner's did not."""
        try:
            return self.outcome(wrong, arguments)
        except Exception:
            return _NO_RESULT

    def _call(self, arguments: Arguments) -> dict[str, Any]:
        return named_arguments(self.reference, arguments, {})


def _plain(call: Mapping[str, Any], got: Any, right: Any) -> str:
    """Say what came out and what should have, and for which input, as far as a line holds it."""
    shapes = shape_of(got), shape_of(right)
    if None not in shapes and shapes[0] != shapes[1]:
        text = f"the result has shape {shapes[0]}, expected {shapes[1]}"
    else:
        text = first_difference(got, right) or "got {}, expected {}".format(*told_apart(got, right))
    given = ", ".join(f"{name}={shown(value)}" for name, value in call.items())
    return f"{text}, for {given}" if len(given) <= 120 else text
