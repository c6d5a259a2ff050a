"""Server-sent events: history and samples, a bounded number of listeners, an end with the server."""

import asyncio
import http.client
import json

from app.page.events import LISTENERS
from tests.control.conftest import problem
from tests.servers import STANDARD, running

EVENTS = "/_standin/events"


class Listener:
    """A browser on the stream, below HTTP."""

    def __init__(self, standin):
        self.left = asyncio.Event()
        self.messages = asyncio.Queue()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": EVENTS,
            "raw_path": EVENTS.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"standin")],
            "client": ("127.0.0.1", 1),
            "server": ("standin", 80),
        }
        self.task = asyncio.create_task(standin.http._transport.app(scope, self._receive, self.messages.put))
        self._asked = False

    async def _receive(self):
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def event(self):
        """Return the next event as (name, data)."""
        body = (await asyncio.wait_for(self.messages.get(), 20))["body"].decode()
        name, data, *rest = body.split("\n")
        assert rest == ["", ""]
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    async def start(self):
        """Return status and headers."""
        message = await asyncio.wait_for(self.messages.get(), 20)
        return message["status"], {name.decode(): value.decode() for name, value in message["headers"]}

    async def leave(self):
        """Close the window."""
        self.left.set()
        await asyncio.wait_for(self.task, 20)


async def test_history_then_samples(standin):
    """The right type, unbuffered; one sample when a second is over, which the next listener finds in the history."""
    first = Listener(standin)
    status, headers = await first.start()
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in headers
    assert await first.event() == ("history", [])
    await standin.http.get("/v1/tms/version")
    await standin.http.patch("/_standin/settings", json={"strict": True})
    standin.clock.measured += 1.0
    name, sample = await first.event()
    assert (name, sample["all"][:2], list(sample["operations"])) == ("sample", [1.0, 0.0], ["get_version"])
    assert sample["state"] == "1.0"
    second = Listener(standin)
    await second.start()
    assert await second.event() == ("history", [sample])
    await first.leave()
    await second.leave()


async def test_listeners_are_bounded(standin):
    """One too many gets a problem that says when to come again; one that leaves makes room."""
    listeners = [Listener(standin) for _ in range(LISTENERS)]
    for listener in listeners:
        assert (await listener.start())[0] == 200
    answer = await standin.http.get(EVENTS)
    problem(answer, 503, "Service Unavailable", f"{LISTENERS} listeners are there already, which is the most.")
    assert answer.headers["retry-after"] == "5"
    await listeners.pop().leave()
    again = Listener(standin)
    assert (await again.start())[0] == 200
    for listener in [*listeners, again]:
        await listener.leave()


def test_the_server_stops_while_somebody_listens(tmp_path):
    """The stream ends in order, and uvicorn has nothing to cancel."""
    with running(tmp_path, **STANDARD) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", EVENTS)
        answer = connection.getresponse()
        assert answer.readline() == b"event: history\n"
        server.process.terminate()
        rest = answer.read()
        assert rest.endswith(b"\n\n")
        connection.close()
        assert server.process.wait(20) == 0
    assert "Cancel" not in server.log()
