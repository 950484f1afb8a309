"""Notices of a cloud that it takes a machine back: three clouds by name, or any URL.

aws      EC2's instance metadata, version 2: a token by PUT, then ``spot/instance-action``, which is 404 until the
         notice, some 2 minutes ahead [1]
gcp      Compute Engine's ``instance/preempted``, which turns from FALSE to TRUE some 30 s ahead [2]
azure    the scheduled events of this virtual machine: Preempt some 30 s ahead, Terminate, Reboot and Redeploy [3]
a URL    404 or nothing until the notice, then any text

[1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
[2] https://cloud.google.com/compute/docs/instances/preemptible
[3] https://learn.microsoft.com/azure/virtual-machines/linux/scheduled-events
"""

from __future__ import annotations

import http.client
import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from binpack import system
from binpack.files import InputError
from binpack.text import terminal

EVERY = 5.0
"""Seconds between two questions, as AWS advises; the others give their notice 30 s ahead at least."""
GRACE = 8.0
"""Seconds for a checkpoint between two rollouts; then what runs is stopped wherever it is."""
_PATIENCE = 5.0
_MOST = 2**20
"""Most bytes of an answer that are read."""


class Service(Protocol):
    """Who announces the end of a machine."""

    def ask(self) -> str | None:
        """Return what is announced, in words; None for nothing.

        Raises:
            OSError: no answer.
            ValueError: an answer that is none of a service of this kind.
        """
        ...


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A metadata service answers itself; what leads elsewhere is none."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        return None


# A proxy is the way to the internet, and these services are on the machine's own network.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())


def _call(url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int, str]:
    """Return the status and the text of an answer."""
    request = urllib.request.Request(url, headers=dict(headers or {}), method=method)
    try:
        with _OPENER.open(request, timeout=_PATIENCE) as answer:
            return answer.status, answer.read(_MOST).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def _expect(status: int, *known: int) -> None:
    if status not in known:
        raise InputError(f"it answers with status {status}")


class Aws:
    """EC2, see the module's docstring."""

    def __init__(self, base: str = "http://169.254.169.254") -> None:
        self._base = base
        self._token: str | None = None

    def ask(self) -> str | None:
        """Return the action and its time; None while there is none."""
        if self._token is None:
            ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
            status, self._token = _call(f"{self._base}/latest/api/token", ttl, "PUT")
            if status != 200:
                self._token = None
            _expect(status, 200)
        token = {"X-aws-ec2-metadata-token": str(self._token)}
        status, text = _call(f"{self._base}/latest/meta-data/spot/instance-action", token)
        if status == 401:  # the token is too old: the next question brings a new one
            self._token = None
            return None
        _expect(status, 200, 404)
        if status == 404:
            return None
        said = _object(text)
        return f"{said.get('action', 'end')} at {said.get('time', 'an unknown time')}"


class Gcp:
    """Compute Engine, see the module's docstring."""

    def __init__(self, base: str = "http://metadata.google.internal") -> None:
        self._base = base

    def ask(self) -> str | None:
        """Return that the machine is preempted; None while it is not."""
        url = f"{self._base}/computeMetadata/v1/instance/preempted"
        status, text = _call(url, {"Metadata-Flavor": "Google"})
        _expect(status, 200)
        return "preempted" if text.strip().upper() == "TRUE" else None


class Azure:
    """Azure, see the module's docstring."""

    _ENDS = frozenset({"Preempt", "Terminate", "Reboot", "Redeploy"})

    def __init__(self, base: str = "http://169.254.169.254") -> None:
        self._base = base
        self._name: str | None = None

    def ask(self) -> str | None:
        """Return the event and its time; None while there is none for this machine."""
        headers = {"Metadata": "true"}
        status, text = _call(f"{self._base}/metadata/scheduledevents?api-version=2020-07-01", headers)
        _expect(status, 200)
        events = [each for each in _object(text).get("Events", ()) if each.get("EventType") in self._ENDS]
        if events and self._name is None:
            # The events of a scale set come to all its machines.
            url = f"{self._base}/metadata/instance/compute/name?api-version=2021-02-01&format=text"
            status, name = _call(url, headers)
            self._name = name.strip() if status == 200 else None
        for event in events:
            if self._name is None or self._name in event.get("Resources", ()):
                return f"{event['EventType']} at {event.get('NotBefore') or 'once'}"
        return None


class Url:
    """A URL of one's own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self) -> str | None:
        """Return the text that is there; None for none."""
        status, text = _call(self._url)
        _expect(status, 200, 204, 404)
        return " ".join(text.split())[:200] or None if status == 200 else None


def _object(text: str) -> dict[str, Any]:
    said = json.loads(text)
    if not isinstance(said, dict):
        raise InputError("it answers with no JSON object")
    return said


SERVICES: Mapping[str, Callable[..., Service]] = {"aws": Aws, "gcp": Gcp, "azure": Azure}


def service_of(name: str | None, url: str | None) -> Service | None:
    """Return who announces the end.

    Args:
        name: a cloud's; None for none.
        url: where the cloud's service is, in place of its own address; without a name, a URL of one's own.

    Raises:
        InputError: no such cloud, or no URL.
    """
    if url is not None:
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            right = False
        if not right:
            raise InputError(f"{url!r} is no URL, such as http://127.0.0.1:8080/notice")
    if name is None:
        return None if url is None else Url(url)
    if name not in SERVICES:
        raise InputError(f"{name!r} is not one of {', '.join(SERVICES)}; another service has --notice-url")
    return SERVICES[name]() if url is None else SERVICES[name](url.rstrip("/"))


class Watcher:
    """Asks a service again and again, in a thread, while the block runs.

    At a notice it announces the end to what trains, waits for that to leave, and after a while has it stopped as by
    SIGTERM.

    Args:
        service: who is asked.
        name: what it is called in messages.
        announce: tells what trains.
        every: seconds between two questions.
        grace: seconds that what trains has for itself.

    Attributes:
        said: the notice; None while there is none.
    """

    def __init__(
        self, service: Service, name: str, announce: Callable[[], None], every: float = EVERY, grace: float = GRACE
    ) -> None:
        self.said: str | None = None
        self._service, self._name, self._announce = service, name, announce
        self._every, self._grace = every, grace
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._warned = False
        self._thread = threading.Thread(target=self._watch, name="notices", daemon=True)

    def _watch(self) -> None:
        while self.said is None:
            self.said = self._ask()
            if self._over.wait(self._every if self.said is None else 0):
                return
        self._announce()
        self._over.wait(self._grace)
        with self._lock:
            if not self._over.is_set():
                # to the main thread, which may wait for something: a signal to the process wakes any thread
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _ask(self) -> str | None:
        try:
            return self._service.ask()
        # a service that does not answer, or not as it should, is no reason to stop
        except (OSError, ValueError, http.client.HTTPException, AttributeError, TypeError, KeyError) as error:
            if not self._warned:
                self._warned = True
                reason = getattr(error, "reason", None) or error
                line = f"{self._name} gives no notices yet ({reason}): asked again every {self._every:g} s"
                system.say(terminal(f"binpack: {' '.join(line.split())}"))
            return None

    def __enter__(self) -> Self:
        """Begin to ask."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask no more."""
        with self._lock:
            self._over.set()
