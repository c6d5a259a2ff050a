"""The users of a soak: each goes round the load suite's requests over a connection of its own, and logs in by device flow.

Users are closed loops, as the load suite's are: the next request begins when the last one is answered and a while has
passed, by chance half to one and a half times the pace.
"""

import asyncio
import json
import random
import time
from collections.abc import Generator
from dataclasses import replace

from tests.load.scenarios import DEVICEAUTH, JSON, LOAD_SUITE, POLL, VALUE, Scenario
from tests.soak.connection import Answer, Connection, NoAnswerError
from tests.soak.record import Record

ROUNDS = 10  # of the load suite's requests for each device flow
INTERVAL = 1  # seconds between two polls, the server's setting
KEY_CREATED = "createkey 201"

Journey = Generator[Scenario, Answer | None, None]


def journey(rounds_before: int) -> Journey:
    """Yield for ever what a user asks, and take each answer (None: there was none). The first flow comes after so many rounds."""
    for _ in range(rounds_before):
        yield from _round()
    while True:
        yield from _device_flow()
        for _ in range(ROUNDS):
            yield from _round()


def _round() -> Journey:
    for scenario in LOAD_SUITE:  # noqa: UP028 - a tuple takes no answers
        yield scenario


def _device_flow() -> Journey:
    """Begin a flow, poll it, approve it, poll it again when it is time; the load suite goes on in between."""
    begun = yield DEVICEAUTH
    if begun is None or begun.status != 200:
        return
    codes = json.loads(begun.body)
    poll = replace(POLL, body=POLL.body.replace(VALUE, codes["device_code"]))
    yield poll
    again = time.monotonic() + INTERVAL
    yield approval(codes["user_code"])
    while time.monotonic() < again:
        yield from _round()
    yield replace(poll, name="redeem", right="200")


def approval(user_code: str) -> Scenario:
    """Return the control plane's call that approves a flow."""
    body = json.dumps({"action": "approve", "username": "testuser1"})
    return Scenario("approve", "POST", f"/_standin/device/{user_code}", JSON, body, right="200")


def encoded(scenario: Scenario) -> bytes:
    """Return the whole request."""
    headers = {"Host": "127.0.0.1", **scenario.headers, "Content-Length": str(len(scenario.body.encode()))}
    lines = [f"{scenario.method} {scenario.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + scenario.body).encode()


def kind(answer: Answer) -> str:
    """Return the status, and behind it the `error` of a refusal that has one, as scenarios write what is right."""
    if answer.status < 400:
        return str(answer.status)
    try:
        return f"{answer.status} {json.loads(answer.body)['error']}"
    except (ValueError, LookupError, TypeError):
        return str(answer.status)


class User:
    """One user and its connection."""

    def __init__(self, url: str, record: Record, pace: float) -> None:
        """Take the server's base URL, where to write down what comes back, and the seconds between requests."""
        self._connection = Connection(url)
        self._record = record
        self._pace = pace

    async def live(self, rounds_before: int, stop: asyncio.Event) -> None:
        """Ask until it is time to end, or `stop` is set. A request that has begun is always brought to its end."""
        await asyncio.sleep(random.uniform(0, self._pace))
        steps = journey(rounds_before)
        scenario = next(steps)
        while not stop.is_set() and time.monotonic() < self._record.end:
            scenario = steps.send(await self._ask(scenario))
            await self._pause()
        self._record.connections += self._connection.opened
        self._connection.close()

    async def _pause(self) -> None:
        seconds = self._pace * random.uniform(0.5, 1.5)
        begun = time.monotonic()
        await asyncio.sleep(seconds)
        self._record.paused(begun + seconds, time.monotonic())

    async def _ask(self, scenario: Scenario) -> Answer | None:
        begun = time.monotonic()
        try:
            answer = await self._connection.ask(encoded(scenario))
        except NoAnswerError as error:
            self._record.failures[f"{scenario.name}: {error}"] += 1
            return None
        what = kind(answer)
        self._record.answered(f"{scenario.name} {what}", begun, time.monotonic() - begun)
        if not what.startswith(scenario.right):
            self._record.failures[f"{scenario.name}: answered {what}"] += 1
        return answer
