"""What a job trains with: a module that has ``train`` and ``tune``, or one function.

    def train(run, dataset, hyperparameter, checkpoint, **kwargs): ...
    def tune(hyperparameter, run, dataset, checkpoint, **kwargs): ...

They are called with these names as keywords, and with ``num_cpus`` and ``num_gpus`` beside them. ``tune`` trains once
with the values of one trial. A result is a number, a dict of metrics or a ``result.Report``; None stands for the last
report on the way.

A job is a program that its user starts, and naming a module in it runs that module. Somebody else's job is to be read
before it is started, as a script would be.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from binpack.files import first_line
from binpack.search._model import SearchError
from binpack.search.action.faults import Fault
from binpack.search.action.job import DEFAULT_ENTRYPOINT, Draft

_FORM = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::([A-Za-z_]\w*))?")


def find(entrypoint: str, *, tuning: bool) -> Callable[..., Any]:
    """Return the function that an entrypoint names; its module is imported, also one in the current folder.

    Args:
        entrypoint: ``module``, whose ``tune`` or ``train`` is meant, or ``module:function``.
        tuning: whether a trial of a tuning run is to be trained.

    Raises:
        SearchError: one line: no such module or function.
    """
    found = _FORM.fullmatch(entrypoint)
    if found is None:
        raise SearchError(f"{entrypoint!r} is not written module or module:function")
    module, function = found[1], found[2] or ("tune" if tuning else "train")
    place = _import(module)
    called = getattr(place, function, None)
    if not callable(called):
        raise SearchError(f"module {module} has no function {function}")
    return called


def hook(entrypoint: str, name: str) -> Callable[..., Any] | None:
    """Return a function that an entrypoint's module may have beside ``train`` and ``tune``; None where it has not.

    ``check(draft)`` yields faults before anything starts; ``conclude(...)`` is the last act of a tuning run, see
    ``ppo``. It is handed ``ahead`` only where it ``accepts`` that.
    """
    if ":" in entrypoint:
        return None
    found = getattr(_import(entrypoint), name, None)
    return found if callable(found) else None


def accepts(function: Callable[..., Any], keyword: str) -> bool:
    """Say whether a function can be called with a keyword: one that was written before there was such a thing cannot.

    Args:
        function: a user's; what has no signature that can be read accepts none.
        keyword: the argument's name.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = parameters.get(keyword)
    if found is not None and found.kind in named:
        return True
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())


def _import(module: str) -> Any:
    # ``python -m`` puts the current folder there, other ways to start do not.
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except Exception as error:  # a module may fail in any way
        reason = first_line(error)
        named = reason if isinstance(error, ImportError) else f"{type(error).__name__}: {reason}"
        raise SearchError(f"module {module} cannot be imported ({named})") from None


def check_entrypoint(draft: Draft) -> Iterator[Fault]:
    """Look for the function that a job names, and let its module look at the job."""
    named = draft.text("entrypoint", DEFAULT_ENTRYPOINT)
    if named is None:
        return
    try:
        find(named, tuning=draft.is_tune)
        checked = hook(named, "check")
    except SearchError as error:
        yield Fault("params.entrypoint", str(error))
        return
    if checked is not None:
        yield from checked(draft)
