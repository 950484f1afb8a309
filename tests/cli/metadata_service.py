"""The metadata services of three clouds on loopback, as their documentation says that they answer."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any


class MetadataService:
    """A server that gives no notice until ``notice`` is set; a context.

    Args:
        tokens: how many questions a token of AWS is good for.

    Attributes:
        notice: what it announces: AWS's and Azure's JSON, GCP's anything true.
        name: of the virtual machine that asks, for Azure.
        asked: the method and the path of every request, in order.
    """

    def __init__(self, tokens: int = 1000) -> None:
        self.notice: Any = None
        self.name = "vm-1"
        self.asked: list[tuple[str, str]] = []
        self._good_for, self._left, self._token = tokens, 0, 0
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer("GET")

            def do_PUT(self) -> None:
                self._answer("PUT")

            def _answer(self, method: str) -> None:
                service.asked.append((method, self.path))
                status, text = service._reply(method, self.path, self.headers)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", text)
                    text = ""
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> MetadataService:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, method: str, path: str, headers: Any) -> tuple[int, str]:
        if path.startswith("/latest/"):
            return self._aws(method, path, headers)
        if path == "/computeMetadata/v1/instance/preempted":
            known = headers.get("Metadata-Flavor") == "Google"
            return (200, "TRUE" if self.notice else "FALSE") if known else (403, "no header")
        if path.startswith("/metadata/"):
            return self._azure(path, headers)
        if path == "/elsewhere":
            return 302, f"{self.url}/own"
        return (200, str(self.notice)) if path == "/own" and self.notice else (404, "")

    def _aws(self, method: str, path: str, headers: Any) -> tuple[int, str]:
        if path == "/latest/api/token":
            if method != "PUT" or not headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
                return 400, ""
            self._token, self._left = self._token + 1, self._good_for
            return 200, f"token-{self._token}"
        if headers.get("X-aws-ec2-metadata-token") != f"token-{self._token}" or self._left <= 0:
            return 401, ""
        self._left -= 1
        return (200, json.dumps(self.notice)) if self.notice else (404, "<html>not found</html>")

    def _azure(self, path: str, headers: Any) -> tuple[int, str]:
        if headers.get("Metadata") != "true" or "api-version=" not in path:
            return 400, ""
        if path.startswith("/metadata/instance/compute/name"):
            return 200, self.name
        return 200, json.dumps({"DocumentIncarnation": 1, "Events": [self.notice] if self.notice else []})
