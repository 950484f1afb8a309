"""Notices of three clouds and of a URL, from a server on loopback that answers as theirs do."""

from __future__ import annotations

import signal
import socket
import threading
import time

import pytest
from metadata_service import MetadataService

from binpack.cli.notices import Aws, Azure, Gcp, Url, Watcher, service_of
from binpack.files import InputError
from binpack.system import Interrupted, stopped_by_signals

SPOT = {"action": "terminate", "time": "2026-11-28T08:22:00Z"}


def event(kind="Preempt", machine="vm-1"):
    """Return an event as Azure's document has it."""
    when = "Sat, 28 Nov 2026 08:22:00 GMT"
    return {
        "EventId": "1",
        "EventType": kind,
        "ResourceType": "VirtualMachine",
        "Resources": [machine],
        "NotBefore": when,
    }


def test_aws_is_asked_with_a_token_and_has_no_notice_until_its_document_is_there():
    with MetadataService() as service:
        aws = Aws(service.url)
        assert aws.ask() is None and aws.ask() is None
        service.notice = SPOT
        assert aws.ask() == "terminate at 2026-11-28T08:22:00Z"
    action = ("GET", "/latest/meta-data/spot/instance-action")
    assert service.asked == [("PUT", "/latest/api/token"), *[action] * 3]


def test_a_token_of_aws_that_is_too_old_is_renewed():
    with MetadataService(tokens=1) as service:
        service.notice = SPOT
        aws = Aws(service.url)
        assert [aws.ask() is None for _ in range(4)] == [False, True, False, True]
    assert [method for method, _ in service.asked] == ["PUT", "GET", "GET", "PUT", "GET", "GET"]


def test_gcp_turns_true():
    with MetadataService() as service:
        gcp = Gcp(service.url)
        assert gcp.ask() is None
        service.notice = True
        assert gcp.ask() == "preempted"


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (None, None),
        (event(), "Preempt at Sat, 28 Nov 2026 08:22:00 GMT"),
        (event("Terminate") | {"NotBefore": ""}, "Terminate at once"),
        (event("Freeze"), None),
        (event(machine="vm-2"), None),
    ],
)
def test_azure_announces_what_ends_this_machine(notice, said):
    with MetadataService() as service:
        service.notice = notice
        assert Azure(service.url).ask() == said


def test_a_url_of_ones_own_says_anything():
    with MetadataService() as service:
        own = Url(f"{service.url}/own")
        assert own.ask() is None
        service.notice = "going\ndown"
        assert own.ask() == "going down"
        with pytest.raises(ValueError, match=r"^it answers with status 302$"):
            Url(f"{service.url}/elsewhere").ask()


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("alibaba", None, "'alibaba' is not one of aws, gcp, azure; another service has --notice-url"),
        (None, "ftp://here/x", "'ftp://here/x' is no URL, such as http://127.0.0.1:8080/notice"),
        (None, "http://", "'http://' is no URL, such as http://127.0.0.1:8080/notice"),
        ("aws", "here", "'here' is no URL, such as http://127.0.0.1:8080/notice"),
        (None, "http://[", "'http://[' is no URL, such as http://127.0.0.1:8080/notice"),
    ],
)
def test_a_service_that_is_none_is_refused(name, url, message):
    with pytest.raises(InputError) as error:
        service_of(name, url)
    assert str(error.value) == message


def test_who_is_asked():
    assert service_of(None, None) is None
    kinds = [type(service_of(name, None)) for name in ("aws", "gcp", "azure")]
    assert [*kinds, type(service_of(None, "http://a/b"))] == [Aws, Gcp, Azure, Url]


def test_what_runs_is_told_and_then_stopped_as_by_sigterm():
    told = threading.Event()
    with MetadataService() as service:
        watcher = Watcher(Gcp(service.url), "gcp", told.set, every=0.05, grace=0.3)
        with pytest.raises(Interrupted) as stop, stopped_by_signals(), watcher:
            assert not told.wait(0.3)
            service.notice = True
            assert told.wait(5)
            noticed = time.monotonic()
            time.sleep(20)
    assert stop.value.code == 128 + signal.SIGTERM and watcher.said == "preempted"
    assert 0.2 < time.monotonic() - noticed < 10


def test_who_leaves_in_time_is_not_stopped():
    told = threading.Event()
    with MetadataService() as service, stopped_by_signals():
        service.notice = True
        with Watcher(Gcp(service.url), "gcp", told.set, every=0.05, grace=0.2):
            assert told.wait(5)
        time.sleep(0.5)


def test_a_service_that_does_not_answer_is_told_once_and_asked_again(capsys):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with Watcher(Aws(f"http://127.0.0.1:{port}"), "aws", lambda: None, every=0.05) as watcher:
        time.sleep(0.5)
    assert watcher.said is None
    line = capsys.readouterr().err
    assert line.startswith("binpack: aws gives no notices yet (") and line.endswith("): asked again every 0.05 s\n")
    assert line.count("\n") == 1


def test_an_answer_that_is_no_metadata_service_is_no_notice(capsys):
    with MetadataService() as service:
        service.notice = ["no object"]
        for wrong in (Aws(service.url), Azure(service.url)):
            with Watcher(wrong, "it", lambda: None, every=0.05) as watcher:
                time.sleep(0.4)
            assert watcher.said is None
    assert capsys.readouterr().err.count("gives no notices yet") == 2
