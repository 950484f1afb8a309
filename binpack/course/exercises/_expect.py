"""What a check may say: helpers that raise `Mistake`, each with a message that names the mistake."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda self: "?"})()
"""Stands for a value that a check does not name."""


class Mistake(Exception):
    """Raised by a check: the answer is wrong, and the message says in which way.

    Attributes:
        got: what the learner's function gave, where the check names it.
        wanted: what it should have given, likewise.
        given: the input, in words or as a value, likewise.
    """

    def __init__(self, message: str, *, got: Any = UNKNOWN, wanted: Any = UNKNOWN, given: Any = UNKNOWN) -> None:
        super().__init__(message)
        self.got, self.wanted, self.given = got, wanted, given


def expect(condition: object, message: str, *, got: Any = UNKNOWN, wanted: Any = UNKNOWN, given: Any = UNKNOWN) -> None:
    """Raise `Mistake` unless a condition holds.

    Args:
        condition: anything with a truth value (an empty list has none); an array holds if all of it does.
        message: names the mistake and, if possible, asks the question that leads out of it. It must be true of every
            answer that gets it.
        got: what the learner's function gave; it is shown beside the message.
        wanted: what it should have given.
        given: for which input, in words or as a value; where none is named, the last call's arguments are shown.
    """
    holds = condition.all() if isinstance(condition, np.ndarray) else condition
    if not holds:
        raise Mistake(message, got=got, wanted=wanted, given=given)


def expect_type(value: object, wanted: type | tuple[type, ...], what: str) -> None:
    """Raise `Mistake` unless a value has one of the wanted types.

    Numpy's scalars count as the Python numbers that they stand for; a bool does not count as an int.

    Args:
        value: what the learner's function returned.
        wanted: one type or several.
        what: what it is, for example "the action".
    """
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    plain = value.item() if isinstance(value, np.generic) else value
    fits = isinstance(value, kinds) or isinstance(plain, kinds)
    if isinstance(plain, bool) and not {bool, np.bool_} & set(kinds):
        fits = False
    if not fits:
        names = " or ".join(kind.__name__ for kind in kinds)
        forgot = " (is there a return?)" if value is None else ""
        raise Mistake(f"{what} should be of type {names}, not {type(value).__name__}{forgot}", got=value)


def expect_shape(value: object, shape: tuple[int, ...], what: str) -> None:
    """Raise `Mistake` unless a value is an array, or turns into one, of the wanted shape.

    Args:
        value: what the learner's function returned.
        shape: the wanted shape.
        what: what it is, for example "the mask of 3 items on a 4 x 5 floor".
    """
    if value is None:
        raise Mistake(f"{what} is None (is there a return?)", got=None)
    got = _as_numbers(value, what).shape
    if got != tuple(shape):
        raise Mistake(f"{what} should have shape {tuple(shape)}, not {got}", got=value)


def expect_close(value: object, wanted: object, message: str, *, atol: float = 1e-8) -> None:
    """Raise `Mistake` unless a value equals what is wanted, up to rounding, shape included.

    Args:
        value: what the learner's function returned: a number, an array, or something that turns into one.
        wanted: what is right.
        message: names the mistake.
        atol: largest absolute difference that passes; a relative one of 1e-5 passes too.
    """
    got, right = _as_numbers(value, "the answer"), np.asarray(wanted)
    if got.shape != right.shape:
        raise Mistake(f"the answer should have shape {right.shape}, not {got.shape}", got=value, wanted=wanted)
    if not np.allclose(got, right, rtol=1e-5, atol=atol, equal_nan=True):
        raise Mistake(message, got=value, wanted=wanted)


@contextlib.contextmanager
def global_randomness_untouched() -> Iterator[None]:
    """Raise `Mistake` where the code inside draws from a global generator instead of the one it was given.

    Looked at are numpy's and the standard library's.
    """
    numpys, standard = _numpy_state(), random.getstate()
    yield
    instead = "use the generator that it is given"
    if _numpy_state() != numpys:
        raise Mistake(f"it draws from numpy's global generator: {instead}")
    if random.getstate() != standard:
        raise Mistake(f"it draws from the standard library's random: {instead}")


def _numpy_state() -> tuple[int, bytes]:
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002 - the global generator is what this looks at
    return int(state["pos"]), state["key"].tobytes()


def _as_numbers(value: object, what: str) -> np.ndarray:
    """Turn an answer into an array of numbers, torch tensors included."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise Mistake(f"{what} cannot be turned into an array: it is of type {type(value).__name__}") from None
    if array.dtype.kind not in "biufc":
        raise Mistake(f"{what} should hold numbers, not {type(value).__name__}")
    return array
