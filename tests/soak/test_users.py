"""A user's way through the requests, and one connection, against servers that answer as told."""

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress

import pytest

from tests.load.scenarios import CREATEKEY, GETCLIENT, GETKEY, GETVERSION
from tests.soak import connection, users
from tests.soak.connection import Answer, Connection, NoAnswerError
from tests.soak.record import Record
from tests.soak.users import User, encoded, journey, kind

ROUND = ["getversion", "getclient", "getkey", "createkey"]
BEGUN = Answer(200, json.dumps({"device_code": "the-code", "user_code": "WDJB-MJHT"}).encode())
EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@asynccontextmanager
async def answering(*answers, over=None):
    """Serve one of these answers for each request, then close and set `over`; give the URL and the requests that come."""
    asked, waiting, open_ones = [], list(answers), []

    async def serve(reader, writer):
        open_ones.append((asyncio.current_task(), writer))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                asked.append(head + await reader.readexactly(length))
                if not waiting:
                    break
                writer.write(waiting.pop(0))
        if over is not None and not waiting:
            over.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        for task, writer in open_ones:
            writer.close()
            await task


def test_a_user_goes_round_the_load_suite_and_logs_in_by_device_flow(monkeypatch):
    """Ten rounds between two flows; in a flow, rounds until the second poll is due, so that none comes too early."""
    now = iter([100.0, 100.0, 100.5, 101.0])
    monkeypatch.setattr(users.time, "monotonic", lambda: next(now))
    steps = journey(rounds_before=1)
    scenario, seen = next(steps), []
    for _ in range(4 + 3 + 2 * 4 + 1 + 10 * 4 + 1):
        seen.append(scenario)
        scenario = steps.send(BEGUN if scenario.name == "deviceauth" else Answer(200, b""))
    names = [one.name for one in seen]
    assert names[:16] == [*ROUND, "deviceauth", "poll", "approve", *ROUND, *ROUND, "redeem"]
    assert names[16:] == [*ROUND * 10, "deviceauth"]
    poll, approve, redeem = seen[5], seen[6], seen[15]
    assert "&device_code=the-code&" in poll.body
    assert (poll.body, poll.right, redeem.right) == (redeem.body, "400 authorization_pending", "200")
    assert (approve.path, json.loads(approve.body)) == (
        "/_standin/device/WDJB-MJHT",
        {"action": "approve", "username": "testuser1"},
    )


@pytest.mark.parametrize("answer", [None, Answer(503, b"{}")])
def test_a_flow_that_does_not_begin_is_not_polled(answer):
    """The load suite goes on."""
    steps = journey(0)
    assert next(steps).name == "deviceauth"
    assert steps.send(answer).name == "getversion"


def test_a_request_goes_out_as_the_load_suite_sends_it():
    """Method, path, headers and the whole body with its length."""
    assert encoded(GETVERSION) == b"GET /v1/tms/version HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    head, _, body = encoded(CREATEKEY).partition(b"\r\n\r\n")
    assert body.decode() == CREATEKEY.body
    assert head.decode().splitlines()[0] == "POST /v1/tms/pubkeys/creds HTTP/1.1"
    assert f"Content-Length: {len(body)}" in head.decode().splitlines()
    assert "X-TMS-CLIENT-SECRET: secret1" in head.decode().splitlines()


def test_an_answer_is_told_by_its_status_and_its_error():
    """As scenarios write what is right."""
    assert kind(Answer(201, b"{}")) == "201"
    assert kind(Answer(400, b'{"error":"slow_down"}')) == "400 slow_down"
    assert [kind(Answer(500, body)) for body in (b"oops", b"{}", b"[]")] == ["500"] * 3


async def test_one_connection_takes_all_requests():
    """Bodies are read to their end, whatever the case of the header that tells it."""
    first = b"HTTP/1.1 201 Created\r\nCONTENT-LENGTH: 4\r\nX: y\r\n\r\nkey1"
    async with answering(first, EMPTY) as (url, asked):
        one = Connection(url)
        assert [await one.ask(encoded(CREATEKEY)), await one.ask(encoded(GETKEY))] == [
            Answer(201, b"key1"),
            Answer(200, b""),
        ]
        assert (asked, one.opened) == ([encoded(CREATEKEY), encoded(GETKEY)], 1)
        one.close()


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([], "IncompleteReadError: 0 bytes read"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"], "no answer within 0.2 s"),
        ([b"HTTP/1.1 200 OK\r\n\r\n"], "ValueError: the answer has no Content-Length"),
    ],
)
async def test_half_an_answer_is_none(answers, told, monkeypatch):
    """A closed connection, a body that does not end and one of unknown length are told, and the next is a new one."""
    async with answering(*answers) as (url, _):
        one = Connection(url)
        for opened in (1, 2):
            waits_in_vain = opened == 1 and "within" in told
            monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.2 if waits_in_vain else 20)
            with pytest.raises(NoAnswerError, match=told if opened == 1 else "IncompleteReadError"):
                await one.ask(encoded(GETVERSION))
            assert one.opened == opened
        one.close()


async def test_nobody_who_listens_is_told():
    """The server is gone; no connection was opened."""
    async with answering() as (url, _):
        pass
    one = Connection(url)
    with pytest.raises(NoAnswerError, match="Connect call failed"):
        await one.ask(encoded(GETVERSION))
    assert one.opened == 0


async def test_a_user_writes_down_what_comes_back():
    """A right answer, a wrong one and none: answers, failures and the connections that were needed."""
    record = Record(time.monotonic(), 60.0)
    wrong = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"
    stop = asyncio.Event()
    async with answering(EMPTY, wrong, over=stop) as (url, asked):
        await User(url, record, pace=0.0).live(1, stop)
    assert [one.split()[1].decode() for one in asked] == [one.path for one in (GETVERSION, GETCLIENT, GETKEY)]
    assert record.answers == {"getversion 200": 1, "getclient 500": 1}
    assert record.failures == {
        "getclient: answered 500": 1,
        "getkey: IncompleteReadError: 0 bytes read on a total of undefined expected bytes": 1,
    }
    assert (record.tenths[0].count, record.lateness[0].count, record.connections) == (2, 3, 1)


async def test_nobody_asks_when_the_time_is_over():
    """A user that comes late has nothing to do."""
    record = Record(time.monotonic() - 60.0, 60.0)
    async with answering() as (url, asked):
        await User(url, record, pace=0.0).live(0, asyncio.Event())
    assert (asked, record.requests, record.connections) == ([], 0, 0)
