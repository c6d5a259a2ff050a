"""What rules do, in process: answers in the endpoint's place, delays by the stand-in's clock. test_running.py has the rest."""

import asyncio
import signal
from datetime import UTC, datetime

import httpx
import pytest

from app.errors import ConnectionDropped
from app.faults.deeds import CutSend
from app.faults.request import Request
from app.main import create_app
from app.settings import Settings
from tests.faults.conftest import CLIENT, CREATE_KEY, FAULTS, HELLO, KEY, VERSION, counts, put_rules
from tests.raw import JSON, TEXT, ask
from tests.seeded import CALLER
from tests.servers import STANDARD

DATE = "Mon, 23 Nov 2026 18:53:33 GMT"


@pytest.mark.parametrize(
    ("do", "status", "headers", "body"),
    [
        ({"status": 503}, 503, {"content-length": "0"}, b""),
        ({"status": 200, "body": "é"}, 200, {"content-type": TEXT, "content-length": "2"}, "é".encode()),
        ({"status": 200, "body": ""}, 200, {"content-length": "0"}, b""),
        (
            {"status": 599, "body": {"b": [1, None], "a": "é"}},
            599,
            {"content-type": JSON, "content-length": "23"},
            None,
        ),
        ({"status": 400, "body": [1.5]}, 400, {"content-type": JSON, "content-length": "5"}, b"[1.5]"),
        ({"status": 400, "body": False}, 400, {"content-type": JSON, "content-length": "5"}, b"false"),
        ({"status": 204}, 204, {}, b""),
        ({"status": 304, "headers": {"ETag": '"a"'}}, 304, {"etag": '"a"'}, b""),
        (
            {"status": 429, "body": "{}", "headers": {"Content-Type": "text/x; a=b", "Retry-After": "7"}},
            429,
            {"content-type": "text/x; a=b", "retry-after": "7", "content-length": "2"},
            b"{}",
        ),
    ],
)
async def test_an_answer_in_the_endpoints_place(standin, do, status, headers, body):
    """Status, body and headers as they were asked for, and nothing of the endpoint's."""
    await put_rules(standin, {"do": do})
    answer = await standin.http.get(VERSION)
    expected = b'{"b":[1,null],"a":"\xc3\xa9"}' if body is None else body
    assert (answer.status_code, dict(answer.headers), answer.content) == (status, {**headers, "date": DATE}, expected)


async def test_the_date_can_be_chosen(standin):
    """For clients that look at it."""
    await put_rules(standin, {"do": {"status": 500, "headers": {"Date": "yesterday", "X-Name": "caf\xe9"}}})
    answer = await standin.http.get(VERSION)
    expected = [(b"date", b"yesterday"), (b"x-name", b"caf\xe9"), (b"content-length", b"0")]
    assert answer.headers.raw == expected


async def test_head_gets_no_body(standin):
    """Its length is told."""
    await put_rules(standin, {"do": {"status": 500, "body": "text"}})
    answer = await standin.http.head(VERSION)
    assert (answer.content, answer.headers["content-length"]) == (b"", "4")


async def test_an_endpoint_that_is_replaced_does_nothing(standin):
    """No key is made."""
    await put_rules(standin, {"operation": "create_key", "do": {"status": 500}})
    keys = "/v1/tms/pubkeys/list"
    before = (await standin.http.get(keys, headers=CALLER)).json()
    assert (await standin.http.post(CREATE_KEY, headers=CALLER, json=KEY)).status_code == 500
    assert (await standin.http.get(keys, headers=CALLER)).json() == before


async def test_every_answer_is_in_the_log(capsys):
    """One line each, with the status that was sent and the time from the request's beginning."""
    app = create_app(Settings(database="sqlite://", log_format="json", **STANDARD))
    async with app.router.lifespan_context(app):
        body = b'{"rules": [{"operation": "hello", "do": {"delay_ms": 30}}, {"operation": "get_version", "do": {"status": 418}}]}'
        messages = [{"type": "http.request", "body": body}]
        kind = [(b"content-type", b"application/json")]
        assert (await ask(app, "PUT", FAULTS.encode(), kind, messages=messages)).status == 200
        assert (await ask(app, "GET", VERSION.encode())).status == 418
        assert (await ask(app, "GET", HELLO.encode())).status == 200
    lines = [line for line in capsys.readouterr().out.splitlines() if "/v1/" in line]
    assert ['"status":418' in lines[0], '"status":200' in lines[1], len(lines)] == [True, True, 2]
    assert float(lines[1].partition('"took_ms":')[2].rstrip("}")) >= 29


@pytest.mark.parametrize(
    "delay",
    [
        {"delay_ms": 20},
        {"delay": {"fixed_ms": 20}},
        {"delay": {"uniform": {"from_ms": 10, "to_ms": 20}}},
        {"delay": {"log_normal": {"median_ms": 5, "p99_ms": 20}}},
    ],
)
async def test_a_delay(standin, delay):
    """The endpoint answers, later."""
    await put_rules(standin, {"do": delay})
    started = asyncio.get_running_loop().time()
    answer = await standin.http.get(HELLO)
    assert (answer.status_code, answer.text) == (200, "hello!")
    least = {"delay_ms": 0.019, "fixed_ms": 0.019, "uniform": 0.009}.get(next(iter(delay.get("delay", delay))), 0)
    assert asyncio.get_running_loop().time() - started >= least


async def test_the_clock_that_is_advanced_ends_a_delay():
    """An hour passes at once; with a clock that stands still too."""
    app = create_app(Settings(database="sqlite://", **STANDARD))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://standin") as http,
    ):
        instant = datetime(2026, 11, 23, tzinfo=UTC).isoformat()
        await http.put("/_standin/clock", json={"mode": "frozen", "now": instant})
        await http.put(FAULTS, json={"rules": [{"do": {"delay_ms": 3_600_000}}]})
        waiting = asyncio.create_task(http.get(HELLO))
        await http.post("/_standin/clock/advance", json={"seconds": 3599})
        assert not (await asyncio.wait([waiting], timeout=0.1))[0]
        await http.post("/_standin/clock/advance", json={"seconds": 1})
        assert (await asyncio.wait_for(waiting, 20)).text == "hello!"


@pytest.mark.parametrize("do", [{"close": True}, {"reset": True}, {"cut_after_bytes": 0}])
async def test_a_server_without_a_connection(standin, do):
    """In process there is none to close: the caller gets the exception that stands for it."""
    await put_rules(standin, {"do": do})
    with pytest.raises(ConnectionDropped):
        await standin.http.get(VERSION)
    assert await counts(standin) == [(1, 1)]


async def test_a_body_that_is_shorter_than_the_cut(standin):
    """It goes out whole."""
    await put_rules(standin, {"do": {"cut_after_bytes": 6}})
    assert (await standin.http.get(HELLO)).text == "hello!"
    assert (await standin.http.head(HELLO)).status_code == 200


async def test_a_hanging_request_that_is_given_up(standin):
    """In process the caller's own timeout ends it, and nothing is left running."""
    await put_rules(standin, {"do": {"hang": True}})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(standin.http.get(CLIENT, headers=CALLER), 0.05)
    assert await counts(standin) == [(1, 1)]


async def test_a_large_upload_that_hangs(standin):
    """Of its body no more is kept than makes it too large, and its end."""
    piece = {"type": "http.request", "body": b"x" * 500_000, "more_body": True}
    messages = [*[piece] * 20, {**piece, "more_body": False}, {"type": "http.disconnect"}]
    kept = []

    async def application(_scope, receive, _send):
        kept.extend([await receive() for _ in range(12)])

    async def receive():
        return messages.pop(0)

    request = Request(standin.parts, None, {"method": "POST", "headers": []}, receive, None)
    await request.gone()
    await request.forward(application)
    assert kept == [*[piece] * 10, {**piece, "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    assert messages == []


class Stopping:
    """What uvicorn's server is to its handler of signals."""

    should_exit = True

    def handle_exit(self, _number, _frame):
        """Stand where uvicorn's handler stands."""


async def test_a_server_that_stops_lets_go_of_what_hangs(standin):
    """The connection ends; test_running.py stops a real one."""
    await put_rules(standin, {"do": {"hang": True}})
    before = signal.signal(signal.SIGTERM, Stopping().handle_exit)
    try:
        with pytest.raises(ConnectionDropped):
            await standin.http.get(VERSION)
    finally:
        signal.signal(signal.SIGTERM, before)


class Cycle:
    """uvicorn's request, with a transport that notes its end among what was sent."""

    def __init__(self):
        self.sent = []
        self.transport = self

    async def send(self, message):
        """Note a message."""
        self.sent.append(message)

    def close(self):
        """Note the end."""
        self.sent.append("end")


async def test_a_body_that_comes_in_pieces():
    """It is cut in the middle of the piece that is too much, and nothing is sent behind the end."""
    cycle = Cycle()
    send = CutSend(cycle.send, 5)
    start = {"type": "http.response.start", "status": 200, "headers": []}
    pieces = [{"type": "http.response.body", "body": body, "more_body": True} for body in (b"abc", b"def", b"ghi")]
    for message in (start, *pieces):
        await send(message)
    assert cycle.sent == [start, pieces[0], {**pieces[1], "body": b"de"}, "end"]
