"""What a learner's function takes and gives: copies, comparison, and how a value reads in a line.

Only data is copied and compared: numbers, text, numpy arrays, torch tensors, and lists, tuples and dicts of them.
Anything else (an environment, an agent) counts as unchanged. A `numpy.random.Generator` is copied, since every call
draws from it, and never compared.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from binpack.course.exercises._judging import text_of

LONG = 70
"""Characters that one value may take where it stands in a line."""
_DIGITS = 4
"""Digits of an array's entries; a single float has two more."""
_WHOLE = 8
"""Entries of an array that are shown whole rather than the first that differs."""


def is_tensor(value: object) -> bool:
    """Tell whether a value is a torch tensor, without importing torch."""
    return hasattr(value, "detach") and type(value).__module__.partition(".")[0] == "torch"


def copied(value: Any) -> Any:
    """Return a copy that what is done to the original cannot reach."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if is_tensor(value):
        return value.detach().clone().requires_grad_(value.requires_grad) if value.is_leaf else value.clone()
    if isinstance(value, np.random.Generator):
        bits = type(value.bit_generator)(0)  # a deep copy takes thirty times as long, and a check may draw often
        bits.state = value.bit_generator.state
        return np.random.Generator(bits)
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return _remade(value, [copied(each) for each in value])
    return value


def same(one: Any, other: Any) -> bool:
    """Tell whether two values hold exactly the same data; two objects that hold none count as the same."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and one.dtype == other.dtype and _equal(one, other)
    if is_tensor(one) and is_tensor(other):
        return same(one.detach().cpu().numpy(), other.detach().cpu().numpy())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float | complex | str | bytes | np.generic):
        return type(one) is type(other) and bool(one == other or one != one)
    return True


def close(one: Any, other: Any) -> bool:
    """Tell whether two results agree up to rounding.

    A relative difference of 1e-5 or an absolute one of 1e-8 is rounding; where one of them has single precision, an
    absolute one of 1e-6 is, for what is left where numbers near 1 cancel out.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(close, one, other))
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return type(one) is type(other) and one == other
    if isinstance(one, int) and isinstance(other, int):  # of any size, so not through a float
        return one == other
    try:
        first, second = (np.asarray(each.detach().cpu() if is_tensor(each) else each) for each in (one, other))
    except (TypeError, ValueError):
        return False
    if first.shape != second.shape:
        return False
    if first.dtype.kind not in "biufc" or second.dtype.kind not in "biufc":
        return one is other or bool(np.all(first == second))
    return bool(_near(first, second).all())


def _near(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell where two arrays of numbers agree up to rounding, entry by entry."""
    single = np.float32 in (one.dtype, other.dtype)
    return np.isclose(one, other, rtol=1e-5, atol=1e-6 if single else 1e-8, equal_nan=True)


def shown(value: Any, limit: int = LONG, digits: int = _DIGITS) -> str:
    """Write a value in one line of at most so many characters; what does not fit ends in "...".

    Args:
        value: anything.
        limit: how many characters are enough.
        digits: of an array's entries after the point.
    """
    text = re.sub(r"( at)? 0x[0-9a-fA-F]+", "", " ".join(_written(value, digits).split()))
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def block(value: Any, limit: int, digits: int = _DIGITS) -> str:
    """Write a value on as many lines as it wants: an array row by row, anything else as `shown` does.

    Args:
        value: anything.
        limit: how many characters are enough.
        digits: of an array's entries after the point.
    """
    array = value.detach().cpu().numpy() if is_tensor(value) else value
    if not isinstance(array, np.ndarray) or array.ndim < 2 or not array.size:
        return shown(value, limit, digits)
    text = _array(array, digits)
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def told_apart(
    got: Any, right: Any, write: Callable[[Any, int, int], str] = shown, limit: int = LONG
) -> tuple[str, str]:
    """Write two values that differ, with more digits where they would else look the same.

    Args:
        got: the answer's.
        right: what it should be.
        write: `shown` or `block`.
        limit: how many characters are enough for each.
    """
    pairs = ((write(got, limit, digits), write(right, limit, digits)) for digits in (_DIGITS, 6, 8, 10, 12))
    return next((pair for pair in pairs if pair[0] != pair[1]), (write(got, limit, _DIGITS),) * 2)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of an array or a tensor, None for anything else."""
    return tuple(value.shape) if isinstance(value, np.ndarray) or is_tensor(value) else None


def first_difference(got: Any, right: Any) -> str:
    """Say where two arrays of one shape first differ, and at how many places; empty where both fit a line whole.

    Of dicts the first entry that differs is told.

    Args:
        got: the answer's.
        right: what it should be.
    """
    if isinstance(got, dict) and isinstance(right, dict):
        said = {name: first_difference(got[name], right[name]) for name in right if name in got}
        return next((f"{name}: {text}" for name, text in said.items() if text), "")
    if shape_of(got) is None or shape_of(got) != shape_of(right):
        return ""
    one, other = (each.detach().cpu().numpy() if is_tensor(each) else each for each in (got, right))
    if one.size <= _WHOLE or one.dtype.kind not in "biuf" or other.dtype.kind not in "biuf":
        return ""
    places = np.argwhere(~_near(one, other))
    if not len(places):
        return ""
    place = tuple(places[0].tolist())
    where = str(place[0]) if len(place) == 1 else ", ".join(map(str, place))
    mine, wanted = told_apart(one[place], other[place])
    return f"got {mine}, expected {wanted} at [{where}]; {len(places)} of {one.size} places differ"


def named_arguments(function: Callable, args: tuple, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by the names of a function's parameters; by place where they do not fit.

    Args:
        function: whose parameters name them.
        args: positional arguments.
        kwargs: those given by name.
    """
    try:
        return dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except TypeError:
        return {str(place): value for place, value in enumerate(args)} | dict(kwargs)


def _written(value: Any, digits: int = _DIGITS) -> str:
    if is_tensor(value):
        return f"tensor({_array(value.detach().cpu().numpy(), digits)})"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return _array(value, digits)
    if isinstance(value, float):
        return f"{value:.{digits + 2}g}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = ", ".join(
            f"{name}={shown(each, digits=digits)}" for name, each in zip(value._fields, value, strict=True)
        )
        return f"{type(value).__name__}({parts})"
    if isinstance(value, dict):
        return ", ".join(f"{text_of(key)}: {shown(each, digits=digits)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        parts = ", ".join(shown(each, digits=digits) for each in value)
        if isinstance(value, list):
            return f"[{parts}]"
        return f"({parts},)" if len(value) == 1 else f"({parts})"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    if type(value).__repr__ is object.__repr__:
        return f"<{type(value).__name__}>"
    return text_of(value, repr)


def _array(array: np.ndarray, digits: int = _DIGITS) -> str:
    if array.ndim == 0:
        return _written(array.item(), digits)
    text = np.array2string(array, precision=digits, separator=", ", threshold=60, edgeitems=2, suppress_small=True)
    return text if array.size else f"an empty array of shape {array.shape}"


def _remade(value: list | tuple, parts: list) -> Any:
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
