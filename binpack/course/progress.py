"""How far a long cell has come: a bar where somebody watches, and nothing at all where outputs are recorded.

A request to run a cell says whether its sender could answer an ``input()``: the field ``allow_stdin`` of Jupyter's
messaging protocol. JupyterLab and VS Code say yes. What runs notebooks without a person says no: nbclient, which stands
behind the build and ``nbconvert --execute``, and nbval. So the kernel itself knows whether somebody watches, however it
was started. Outside a kernel a bar is drawn where stderr is a terminal.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

Thing = TypeVar("Thing")


def progress(iterable: Iterable[Thing], what: str, total: int | None = None) -> Iterator[Thing]:
    """Yield what an iterable holds, under a bar that is gone at the end.

    Args:
        iterable: what to go through.
        what: the name of one round's subject, shown left of the bar: ``seeds``.
        total: how many there are, where ``len(iterable)`` does not tell.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    with progress_bar(total, what) as bar:
        for each in iterable:
            yield each
            bar.update()


@contextlib.contextmanager
def progress_bar(total: int | None, what: str) -> Iterator[tqdm]:
    """Show a bar for as long as the block runs: for callbacks, which have no loop of their own.

    Args:
        total: how many rounds or steps there will be; None where nobody knows.
        what: what is counted, shown left of the bar: ``steps``.

    Yields:
        The bar; ``bar.update(n)`` says that ``n`` more are done, by default one.
    """
    asked = _asked_by_a_person()
    if asked and importlib.util.find_spec("ipywidgets"):
        with _widget(total, what) as bar:
            yield bar
        return
    shown = sys.stderr.isatty() if asked is None else asked
    with tqdm(total=total, desc=what, leave=False, disable=not shown) as bar:
        yield bar


@contextlib.contextmanager
def _widget(total: int | None, what: str) -> Iterator[tqdm]:
    from IPython.display import display
    from tqdm.notebook import tqdm as tqdm_notebook

    bar = tqdm_notebook(total=total, desc=what, leave=False, display=False)
    handle = display(bar.container, display_id=True)
    try:
        yield bar
    finally:
        # A bar that ends below its total turns red and stays; one whose total is not known goes. Then its place in the
        # output is emptied: a notebook that is saved would else hold a widget that is no more.
        bar.total = None
        bar.close()
        handle.update({"text/plain": ""}, raw=True)


def _asked_by_a_person() -> bool | None:
    """Tell whether the cell that runs now was sent by a front end that a person sits before; None outside a kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin", False))
