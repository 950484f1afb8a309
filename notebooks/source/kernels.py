"""Starting a kernel where others start at the same time.

A kernel is given the numbers of five ports that were free a moment before. Between then and its start another process
may have taken one, and the kernel dies before its first word. Nothing has run by then, so it is simply started again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

DIED_EARLY = "Kernel died before replying to kernel_info"
"""What jupyter_client says of a kernel that never answered."""


def again_where_it_died_early(
    start: Callable[Parameters, Result], *, attempts: int = 3
) -> Callable[Parameters, Result]:
    """Give a function that starts a kernel more than one attempt.

    Args:
        start: starts a kernel, and may do more with it.
        attempts: how often it is called before the error stands.

    Returns:
        The same function, called again where the kernel died before it had answered once; every other error stands.
    """

    def started(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for _ in range(attempts - 1):
            try:
                return start(*args, **kwargs)
            except RuntimeError as error:
                if DIED_EARLY not in str(error):
                    raise
        return start(*args, **kwargs)

    return started
