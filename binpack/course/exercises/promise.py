"""What an exercise's function promises to return, so that "correct" means that the lesson runs on with it.

A promise casts a result to the promised type where nothing is lost by it (a list to an array, 3.0 to 3, 0 and 1 to
False and True), and raises `Mistake` where something would be. A check sees what was cast, and the function that
``ex.check`` hands back casts in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from binpack.course.exercises._expect import Mistake
from binpack.course.exercises._values import is_tensor, shown

_EXACT = 2**53
"""Every whole number up to this one is a float of its own."""
_KINDS = {int: "whole numbers", float: "numbers", bool: "True and False"}


class _Unfit(Exception):
    """A value that cannot be cast; its text, where there is one, says why."""


@dataclass(frozen=True)
class Promise:
    """What is promised.

    Attributes:
        what: what the value is, for example "the action".
        kind: what it should be, for example "a whole number (int)".
        convert: casts a value or raises `_Unfit`.
        returns: whether anything is returned at all.
    """

    what: str
    kind: str
    convert: Callable[[Any], Any]
    returns: bool = True

    def cast(self, value: Any) -> Any:
        """Return a result as the promised type.

        Args:
            value: what the learner's function returned.

        Raises:
            Mistake: it is of another kind.
        """
        try:
            return self.convert(value)
        except _Unfit as unfit:
            if str(unfit):
                raise Mistake(str(unfit), got=value) from None
            if value is None:
                raise Mistake(f"{self.what} should be {self.kind}, not None: is there a return?", got=None) from None
            raise Mistake(f"{self.what} should be {self.kind}, not {_described(value)}", got=value) from None


def an_int(what: str = "the result") -> Promise:
    """Promise a whole number, a Python int.

    Args:
        what: what it is, for example "the action".
    """
    return Promise(what, "a whole number (int)", _int)


def a_float(what: str = "the result") -> Promise:
    """Promise a number, a Python float.

    Args:
        what: what it is.
    """
    return Promise(what, "one number", _float)


def a_bool(what: str = "the result") -> Promise:
    """Promise True or False.

    Args:
        what: what it is.
    """
    return Promise(what, "True or False", _bool)


def an_array(what: str, dtype: type) -> Promise:
    """Promise a numpy array.

    Args:
        what: what it is.
        dtype: int (becomes int64), float (float64; float32 stays) or bool.
    """
    return Promise(what, f"an array of {_KINDS[dtype]}", lambda value: _array(value, dtype))


def a_tensor(what: str, dtype: Any = None) -> Promise:
    """Promise a torch tensor; a gradient that flows through it still does.

    Args:
        what: what it is.
        dtype: a torch dtype to cast to; None leaves it as it is.
    """

    def convert(value: Any) -> Any:
        if not is_tensor(value):
            raise _Unfit
        return value if dtype is None else value.to(dtype)

    return Promise(what, "a torch tensor", convert)


def a_tuple(what: str, *parts: Promise) -> Promise:
    """Promise a tuple of so many values.

    Args:
        what: what it is.
        parts: what each of them is.
    """

    def convert(value: Any) -> tuple:
        items = _items(value)
        if len(items) != len(parts):
            raise _Unfit(f"{what} should hold {len(parts)} values, not {len(items)}")
        return tuple(part.cast(item) for part, item in zip(parts, items, strict=True))

    return Promise(what, f"a tuple of {len(parts)} values", convert)


def a_list(what: str, of: Promise) -> Promise:
    """Promise a list of any length.

    Args:
        what: what it is.
        of: what each entry is.
    """
    return Promise(what, "a list", lambda value: [of.cast(item) for item in _items(value)])


def an_instance(what: str, kind: type | tuple[type, ...]) -> Promise:
    """Promise an object of a class, which is handed on as it is.

    Args:
        what: what it is.
        kind: the class, or several.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)

    def convert(value: Any) -> Any:
        if not isinstance(value, kinds):
            raise _Unfit
        return value

    return Promise(what, " or ".join(f"a {each.__name__}" for each in kinds), convert)


def nothing() -> Promise:
    """Promise no result: the function is called for what it changes."""
    return Promise("the result", "None", lambda value: None, returns=False)


def anything() -> Promise:
    """Promise nothing about the result."""
    return Promise("the result", "anything", lambda value: value, returns=False)


def _scalar(value: Any) -> Any:
    """Return a number out of a numpy scalar, an array or a tensor without axes; anything else as it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value.item() if is_tensor(value) and value.ndim == 0 else value


def _int(value: Any) -> int:
    number = _scalar(value)
    if isinstance(number, float) and number.is_integer():
        if abs(number) > _EXACT:
            raise _Unfit(f"{shown(number)} is a float, which has lost digits: compute with Python ints")
        return int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise _Unfit
    return number


def _float(value: Any) -> float:
    number = _scalar(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _Unfit
    return float(number)


def _bool(value: Any) -> bool:
    flag = _scalar(value)
    if not isinstance(flag, bool) and not (isinstance(flag, int | float) and flag in (0, 1)):
        raise _Unfit
    return bool(flag)


def _array(value: Any, dtype: type) -> np.ndarray:
    if value is None or isinstance(value, str):
        raise _Unfit
    try:
        array = np.asarray(value.detach().cpu() if is_tensor(value) else value)
    except (TypeError, ValueError):
        raise _Unfit from None
    kind = array.dtype.kind
    if not array.size and kind == "f":  # np.array([]) holds no float that could be lost
        return array.astype(dtype)
    if dtype is float and kind in "iuf":
        return array if kind == "f" else array.astype(float)
    if dtype is int and kind in "iuf":
        if kind == "f" and not (np.isfinite(array).all() and (array == np.floor(array)).all()):
            raise _Unfit
        return array.astype(np.int64)
    if dtype is bool and kind in "biuf" and np.isin(array, (0, 1)).all():
        return array.astype(bool)
    raise _Unfit


def _items(value: Any) -> list:
    if value is None or isinstance(value, str | bytes | dict):
        raise _Unfit
    try:
        return list(value)
    except TypeError:
        raise _Unfit from None


def _described(value: Any) -> str:
    array = value if isinstance(value, np.ndarray) else None
    if array is not None and array.ndim:
        return f"an array of {array.dtype} of shape {array.shape}"
    if is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}"
    kind = type(value).__name__
    if isinstance(value, list | tuple) and any(each is None for each in value):
        return f"a {kind} that holds None"
    return f"{shown(value, 30)} ({kind})" if isinstance(value, int | float | str | np.generic) else f"a {kind}"
