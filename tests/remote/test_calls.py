"""One call: what is sent, what comes back, and how trouble is worded."""

import socket
import ssl
import threading

import pytest

from app.remote.calls import Answer, Server, call, trust_in
from app.remote.refusals import CallRefused, Unreachable
from tests.ports import free_port


class Told:
    """An exchange that answers what it is told to and remembers what it was asked."""

    def __init__(self, status=200, content_type="application/json", body=b"{}"):
        self.answer = Answer(status, content_type, body)
        self.asked = []

    def __call__(self, *asked):
        """Answer."""
        self.asked.append(asked)
        return self.answer


def test_json_both_ways():
    """A document is sent as JSON, and JSON comes back as a document."""
    told = Told(body=b'{"a": 1}')
    assert call(told, "POST", "reset", {"seed": "empty"}, seconds=3) == {"a": 1}
    assert told.asked == [("POST", "/_standin/reset", {"Content-Type": "application/json"}, b'{"seed": "empty"}', 3)]


def test_bytes_both_ways():
    """A file is sent as such, and what is no JSON comes back as bytes, or None where there is none."""
    told = Told(content_type="application/vnd.sqlite3", body=b"SQLite")
    assert call(told, "PUT", "snapshots/x", raw=b"file") == b"SQLite"
    assert told.asked == [("PUT", "/_standin/snapshots/x", {"Content-Type": "application/vnd.sqlite3"}, b"file", 30)]
    assert call(Told(204, "", b""), "DELETE", "snapshots/x") is None


def test_a_problem():
    """It is raised in one line, with the fields at fault."""
    body = b'{"title": "T", "status": 422, "detail": "seed is wrong.", "errors": [{"field": "seed", "detail": "is wrong"}]}'
    with pytest.raises(CallRefused) as refused:
        call(Told(422, "application/problem+json", body), "POST", "reset")
    assert str(refused.value) == "422 T: seed is wrong."
    assert (refused.value.status, refused.value.fields) == (422, {"seed": "is wrong"})


def test_no_control_plane():
    """Another server's answer is not shown, but its status is."""
    with pytest.raises(CallRefused) as refused:
        call(Told(404, "text/html", b"<h1>no</h1>"), "POST", "reset")
    assert str(refused.value) == "404 Not Found: this is no answer of a stand-in's control plane."
    assert refused.value.fields == {}


def test_nobody_listens():
    """The system's words, without its numbers."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable) as trouble:
        Server(url)("GET", "/", {})
    assert str(trouble.value) == f"{url} does not answer: connection refused."


def serve_once(listener, answer):
    """Accept one connection, read, answer and close."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(answer)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"", "remote end closed connection without response"), (b"SSH-2.0-OpenSSH\r\n", "ssh-2.0-openssh")],
)
def test_no_http(answer, reason):
    """Who listens, but does not speak HTTP, does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=serve_once, args=(listener, answer))
        thread.start()
        with pytest.raises(Unreachable) as trouble:
            Server(url)("GET", "/", {})
        thread.join()
    assert str(trouble.value) == f"{url} does not answer: {reason}."


def test_patience():
    """A patient server waits no longer than it was told, whatever a call asks for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Unreachable) as trouble:
            call(Server(url).patient(0.1), "GET", "journal", seconds=60)
    assert str(trouble.value) == f"{url} does not answer: timed out."


def test_whom_to_trust():
    """Without a file the system's authorities, each of which has to be one."""
    assert trust_in(None).verify_flags == ssl.create_default_context().verify_flags


def test_secrets_are_not_shown():
    """A token stands in no representation, which tracebacks print."""
    assert "hunter2" not in repr(Server("http://h", "hunter2"))
