"""Lesson 09: what a spot machine asks whether it is taken back, on this machine's loopback."""

from __future__ import annotations

import http.server
import threading
from types import TracebackType
from typing import Self

_ASKED = "/computeMetadata/v1/instance/preempted"


class Cloud:
    """Answers as Compute Engine's metadata service does, which says FALSE until a machine is taken back; a context.

    Args:
        takes_back: whether it says TRUE.

    Attributes:
        url: for ``--notice-url``.
    """

    def __init__(self, *, takes_back: bool) -> None:
        said = str(takes_back).upper().encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == _ASKED else 404)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
