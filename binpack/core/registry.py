"""Named choices: a short name, or ``module:name`` of one's own, that stands for one small object.

A reward, a support rule or a source of items is written in a config as text, so that JSON can hold it. Built-in names
are short for a ``module:name`` themselves: a user's own object is found in the very same way, and nothing that is named
is imported before it is asked for.

Naming a module runs its code. Whoever types ``mypackage.rewards:corner_bonus`` on the command line or in Python wants
that. A file does not: inside ``without_imports`` a name counts only if its module has been imported already. Everything
that reads a stored config, agent or study does so there.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from binpack.files import InputError

_OWN = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)(?::(.*))?", re.DOTALL)
T = TypeVar("T")
_imports: ContextVar[bool] = ContextVar("imports", default=True)


@contextlib.contextmanager
def without_imports() -> Iterator[None]:
    """Let no name import a module, for the length of the block: for what comes out of a file."""
    token = _imports.set(False)
    try:
        yield
    finally:
        _imports.reset(token)


class Registry(Generic[T]):
    """The names of one kind of choice.

    A name may be followed by a colon and options, as in ``fraction:0.8``; the object that it stands for then has a
    method ``with_options``, from that text to another object of the kind.

    Args:
        what: what the kind is called in messages, such as ``reward``.
        methods: names of the methods that every object of the kind has.
        builtin: short name to ``module:name``.
    """

    def __init__(self, what: str, methods: Sequence[str], builtin: Mapping[str, str]) -> None:
        self.what = what
        self._methods = tuple(methods)
        self._builtin = dict(builtin)

    @property
    def names(self) -> tuple[str, ...]:
        """The built-in names."""
        return tuple(self._builtin)

    def knows(self, text: str) -> bool:
        """Say whether text is a built-in name, with or without options, or has the form ``module:name``."""
        return text.partition(":")[0].strip() in self._builtin or _OWN.fullmatch(text) is not None

    def get(self, text: str) -> T:
        """Return the object that a name stands for.

        Args:
            text: a built-in name or ``module:name``, perhaps with a colon and options behind it.

        Raises:
            ValueError: one line: there is no such name, its module cannot be imported or may not be here, or what it
                names is not of this kind or refuses the options.
        """
        name, colon, options = text.partition(":")
        name = name.strip()
        if name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            found = getattr(importlib.import_module(module), attribute)
        elif own := _OWN.fullmatch(text):
            module, attribute, options = own[1], own[2], own[3]
            colon = "" if options is None else ":"
            found = self._checked(_own(self.what, text, module, attribute), text)
        else:
            raise InputError(f"{self.what} {text!r} is not one of {', '.join(self.names)}, nor module:name of your own")
        if not colon:
            return found
        if not hasattr(found, "with_options"):
            raise InputError(f"{self.what} {text!r}: {text[: -len(options) - 1]} takes no options")
        return found.with_options(options)

    def _checked(self, found: Any, text: str) -> T:
        """Return a user's own object, once it has the methods that it needs; a class is called without arguments."""
        if isinstance(found, type):
            try:
                found = found()
            except Exception as error:  # a constructor may fail in any way
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise InputError(f"{self.what} {text!r}: {found.__name__}() cannot be made ({reason})") from None
        missing = [method for method in self._methods if not callable(getattr(found, method, None))]
        if missing:
            raise InputError(f"{self.what} {text!r} is no {self.what}: it has no method {' and no '.join(missing)}")
        return found


def _own(what: str, text: str, module: str, attribute: str) -> Any:
    """Return the object behind ``module:name``."""
    if module not in sys.modules:
        if not _imports.get():
            raise InputError(
                f"{what} {text!r}: its module is not imported, and nothing that is read from a file imports one: "
                f"import it first (python -m binpack --import {module} ...)"
            )
        try:
            importlib.import_module(module)
        except Exception as error:  # a module may fail in any way
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"{what} {text!r}: {module} cannot be imported ({reason})") from None
    try:
        return getattr(sys.modules[module], attribute)
    except AttributeError:
        raise InputError(f"{what} {text!r}: module {module} has no {attribute}") from None
