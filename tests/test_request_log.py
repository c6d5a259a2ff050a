"""The lines of the log in both forms, and what becomes of them when nobody reads."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app import request_log
from app.clock import Clock
from app.request_log import RequestLog
from tests.clocks import StillClock
from tests.ports import free_port
from tests.servers import ROOT, STANDARD, STOP_SECONDS, running

AT = "2026-11-23T18:53:33.248Z"


def written(log_format: str, *calls: tuple) -> str:
    """Return what these calls of `request` or `hint` leave in the stream."""
    stream = io.StringIO()
    log = RequestLog(StillClock(), log_format, stream)
    with log.writing():
        for name, *arguments in calls:
            getattr(log, name)(*arguments)
    return stream.getvalue()


def test_text_lines():
    """Time in UTC, method, path, status, microseconds; a status of 0 is a connection that was dropped."""
    calls = [("request", "GET", b"/v1/tms/version", 200, 99.999), ("request", "POST", b"/a%20b", 0, 98.5)]
    assert written("text", *calls) == f"{AT} GET /v1/tms/version 200 1000us\n{AT} POST /a%20b 0 1500000us\n"


def test_json_lines():
    """The same as one object a line."""
    text = written("json", ("request", "GET", b'/"x"', 404, 99.984375), ("hint", "one", "two"))
    assert text == (
        f'{{"at":"{AT}","method":"GET","path":"/\\"x\\"","status":404,"took_ms":15.625}}\n{{"hint": "one\\ntwo"}}\n'
    )
    assert [json.loads(line) for line in text.splitlines()] == [
        {"at": AT, "method": "GET", "path": '/"x"', "status": 404, "took_ms": 15.625},
        {"hint": "one\ntwo"},
    ]


def test_text_hints():
    """Each line of a hint is marked."""
    assert written("text", ("hint", "one", "two é")) == "  hint: one\n  hint: two é\n"


def test_the_time_of_each_line():
    """The time is that of the line, also within one millisecond and when the clock goes back."""
    clock, stream = StillClock(), io.StringIO()
    log = RequestLog(clock, "text", stream)
    with log.writing():
        for moment in (0.0, 0.0004, 1.9996, 86400.001, 0.5):
            clock.moment = moment
            log.request("GET", b"/", 200, 100.0)
    assert [line.split(" ")[0] for line in stream.getvalue().splitlines()] == [
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:01.999Z",
        "1970-01-02T00:00:00.001Z",
        "1970-01-01T00:00:00.500Z",
    ]


FORGED = "x\n2026-11-23T18:53:33.248Z GET /v1/tms/version 200 1us\r\x1b[2J\x85\u2028\u202e\x00\x7fé"
SHOWN = "x\\n2026-11-23T18:53:33.248Z GET /v1/tms/version 200 1us\\r\\x1b[2J\\x85\\u2028\\u202e\\x00\\x7fé"


def test_nothing_forges_a_line():
    """Line ends and what steers a terminal come out as escapes, in a hint and in a path."""
    text = written("text", ("hint", FORGED), ("request", "GET", b"/a\n\x1b\x85\xe2\x80\xa8", 400, 100.0))
    assert text == f"  hint: {SHOWN}\n{AT} GET /a\\n\\x1b\\x85\\xe2\\x80\\xa8 400 0us\n"
    text = written("json", ("hint", FORGED, "b"), ("request", "GET", b"/a\n", 400, 100.0))
    hint, request = [json.loads(line) for line in text.splitlines()]
    assert (hint, request["path"]) == ({"hint": f"{SHOWN}\nb"}, "/a\\n")


@pytest.mark.parametrize(("log_format", "start"), [("text", "  hint: "), ("json", '{"hint": "')])
def test_dropped_lines_are_counted(monkeypatch, log_format, start):
    """While nobody reads only so many lines wait; how many were lost is told when somebody does."""
    monkeypatch.setattr(request_log, "_ROOM", 3)
    stream = io.StringIO()
    log = RequestLog(StillClock(), log_format, stream)
    for number in range(5):
        log.hint(f"line {number}")
    with log.writing():
        pass
    lines = stream.getvalue().splitlines()
    assert [line.removeprefix(start).removesuffix('"}') for line in lines] == [
        "line 0",
        "line 1",
        "line 2",
        "2 lines were dropped because nobody read them",
    ]


def test_many_lines_keep_their_order(monkeypatch):
    """They are joined a piece at a time, hints among them, and none is lost at the end of one."""
    monkeypatch.setattr(request_log, "_PIECE", 3)
    stream = io.StringIO()
    log = RequestLog(StillClock(), "text", stream)
    seen = []
    log.observe(seen.append)
    for number in range(7):
        log.request("GET", b"/%d" % number, 200, 100.0)
        log.hint(str(number))
    before = [len(answered) for answered in seen]
    with log.writing():
        pass
    shown = [line.split(" ")[2].lstrip("/") for line in stream.getvalue().splitlines()]
    assert shown[::2] == [str(number) for number in range(7)]
    assert stream.getvalue().splitlines()[1::2] == [f"  hint: {number}" for number in range(7)]
    assert (before, sum(map(len, seen))) == ([2, 1, 2, 1], 7)


def test_lines_in_pieces_count_as_waiting(monkeypatch):
    """Those that are joined already take room too, and give it back when they are written."""
    monkeypatch.setattr(request_log, "_ROOM", 5)
    monkeypatch.setattr(request_log, "_PIECE", 2)
    stream = io.StringIO()
    log = RequestLog(StillClock(), "text", stream)
    for _ in range(2):
        for number in range(6):
            log.hint(f"line {number}")
        with log.writing():
            pass
        log._stop.clear()
    told = [f"  hint: line {number}" for number in range(5)] + ["  hint: 1 lines were dropped because nobody read them"]
    assert stream.getvalue().splitlines() == told * 2


class Writing(io.StringIO):
    """A stream that makes the log write one more line while it is being written."""

    def write(self, text: str) -> int:
        """Write, and let one more request end meanwhile."""
        if "late" not in self.getvalue() + text:
            self.log.hint("late")
        return super().write(text)


def test_the_last_lines_are_written():
    """A line that comes while the thread takes its last look is written all the same."""
    stream = Writing()
    stream.log = RequestLog(StillClock(), "text", stream)
    with stream.log.writing():
        stream.log.hint("early")
    assert stream.getvalue() == "  hint: early\n  hint: late\n"


def test_lines_are_written_while_it_runs():
    """A reader gets a line soon after it was made, twice, so that the thread has gone to sleep in between."""
    reading, written_to = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(written_to, "w") as writer:
        log = RequestLog(Clock(), "text", writer)
        with log.writing():
            for number in range(2):
                log.hint(f"line {number}")
                assert reader.readline() == f"  hint: line {number}\n"


def test_a_stream_with_another_encoding():
    """A letter that the stream cannot write is escaped; the lines around it are not lost."""
    raw = io.BytesIO()
    log = RequestLog(StillClock(), "text", io.TextIOWrapper(raw, "ascii", newline="\n"))
    with log.writing():
        log.hint("é")
        log.hint("after")
    assert raw.getvalue() == b"  hint: \\xe9\n  hint: after\n"


def test_a_closed_stream():
    """Lines are lost, nothing else happens."""
    stream = io.StringIO()
    log = RequestLog(StillClock(), "text", stream)
    with log.writing():
        stream.close()
        log.hint("nobody hears this")
    assert not [thread for thread in threading.enumerate() if thread.name == "request-log"]


@contextmanager
def piped(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Run a server whose standard output is a pipe that nobody reads; at the end it is asked to stop, and does."""
    settings = {f"TMS_STANDIN_{name.upper()}": str(value).lower() for name, value in STANDARD.items()}
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=folder,
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT), "TMS_STANDIN_HTTP_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        while b"export TMS_PUBKEY_USERID" not in process.stderr.readline():
            assert process.poll() is None
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=10)) as client:
            yield process, client
        process.terminate()
        assert (process.wait(STOP_SECONDS), process.stderr.read()) == (0, b"\n")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_a_reader_that_is_gone_does_not_stop_the_server(tmp_path):
    """Requests are answered as before, and the end is an ordinary one."""
    with piped(tmp_path) as (process, client):
        process.stdout.close()
        assert [client.get("/v1/tms/version").status_code for _ in range(200)] == [200] * 200


def test_a_reader_that_sleeps_does_not_keep_the_server(tmp_path):
    """Once the pipe is full requests are still answered, and the process ends when it is asked to."""
    with piped(tmp_path) as (_, client):
        answers = [client.get(f"/{'x' * 50_000}").status_code for _ in range(5)]
        assert answers == [404] * 5


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_query_header_or_body_is_logged(tmp_path, log_format):
    """A real server's output holds the path of each request and nothing else of it."""
    with running(tmp_path, log_format=log_format, **STANDARD) as server:
        secret = "never-to-be-seen"
        headers = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": secret}
        httpx.get(f"{server.url}/v1/tms/client/list?name={secret}", headers=headers)
        httpx.post(f"{server.url}/v1/tms/client", json={"tenant": secret, "client_id": secret}, headers=headers)
        httpx.get(f"{server.url}/nothing?{secret}")
    lines = [line for line in server.log().splitlines() if "/client" in line or "/nothing" in line]
    if log_format == "json":
        told = [(entry["method"], entry["path"], entry["status"]) for entry in map(json.loads, lines)]
    else:
        told = [(method, path, int(status)) for _, method, path, status, _ in (line.split(" ") for line in lines)]
    assert told == [
        ("GET", "/v1/tms/client/list", 401),
        ("POST", "/v1/tms/client", 400),
        ("GET", "/nothing", 404),
    ]
    assert secret not in server.log()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/_standin/device/WDJB-MJHT", "/_standin/device/***"),
        ("/_standin/device/aBcDeFgH", "/_standin/device/***"),
        (f"/v1/tms/client/{'0a' * 24}", "/v1/tms/client/***"),
        (f"/issuers/a/device/simulator/WDJBMJHT{'a1_-' * 8}", "/issuers/a/device/simulator/***"),
        (f"/x/eyJhbGciOiJSUzI1NiJ9.{'eyJ0' * 20}.{'c1gn' * 20}", "/x/eyJhbGciOiJSUzI1NiJ9.***.***"),
        (f"/x/Bearer%20{'a1' * 20}%0Aend", "/x/Bearer%***%0Aend"),
        (f"/{'a1' * 5_000}/end", "/***/end"),
        (f"/v1/tms/client/{'long' * 20}", f"/v1/tms/client/{'long' * 20}"),
        (f"/v1/tms/pubkeys/id/{'7' * 60}", f"/v1/tms/pubkeys/id/{'7' * 60}"),
        ("/v1/tms/reservations/a/6f9619ff-8b86-4d01-b42d-00cf4fc964ff",) * 2,
        ("/_standin/device",) * 2,
    ],
)
def test_secrets_in_a_path(path, shown):
    """A user code, and what is as long and as mixed as a secret, a token or a code; words and ids stay."""
    assert written("text", ("request", "GET", path.encode(), 404, 100.0)).split(" ")[2] == shown
