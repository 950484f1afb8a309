"""A Python that imports this when it starts reaches 127.0.0.1 alone, and writes down which other host it asked for.

``course_lab`` puts it on the path of the server and its kernels as ``sitecustomize``, which Python imports by itself.
The network namespace there cuts off everything, compiled code too, but names nothing; this names the host.
"""

import os
import sys
from pathlib import Path
from typing import Any

_PLACES = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}
"""Audit events that look a host up or reach it, and which of their arguments holds it."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _PLACES:
        return
    address = arguments[_PLACES[event]]
    host = address[0] if isinstance(address, tuple) else address
    host = host.decode() if isinstance(host, bytes) else host
    if not isinstance(host, str) or host.startswith(("/", "\0", "127.")) or host in ("", "localhost", "::1", "0.0.0.0"):
        return  # a socket of this machine, or an address of its own
    with Path(os.environ["ASKED_FOR_HOSTS"]).open("a", encoding="utf-8") as asked:
        asked.write(f"{host} ({event} by {' '.join(sys.orig_argv[1:4])})\n")
    raise OSError(f"no way out of this machine to {host}")


if "ASKED_FOR_HOSTS" in os.environ:
    sys.addaudithook(_watch)
