"""What every hostile condition needs: requests while it lasts, the server's memory, and whether service is whole after it."""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.crash.caller import Answer, Caller, NoAnswerError
from tests.crash.worker import DEVICE, GRANT
from tests.load.scenarios import CREATEKEY, GETKEY, Scenario
from tests.load.server import Server

PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 20
NO_ANSWER = "no answer"


@dataclass
class Watched:
    """What was answered while a condition lasted, how long the slowest answer took, and the server's memory in MiB."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    memory_before: float = 0.0
    memory_peak: float = 0.0

    def note(self, name: str, answer: str) -> None:
        """Count an answer to a request of this name."""
        self.answers[f"{name} {answer}"] += 1


@dataclass(frozen=True)
class Found:
    """A condition: what was done, what was answered meanwhile, and every failure; `skipped` tells why it was not tried."""

    condition: str
    done: str
    watched: Watched
    failures: list[str]
    skipped: str = ""


class Observer:
    """Asks for keys, flows and readiness one after the other, and looks at the server's memory, until stopped."""

    def __init__(self, server: Server, watched: Watched) -> None:
        self._server, self._watched = server, watched
        self._stopped = threading.Event()

    def run(self) -> None:
        """Ask until stopped."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Let the request under way end."""
        self._stopped.set()

    async def _run(self) -> None:
        caller = Caller(self._server.url)
        while not self._stopped.is_set():
            for name, asked in _ASKED.items():
                begun = time.perf_counter()
                self._watched.note(name, await _words(caller, asked))
                self._watched.slowest = max(self._watched.slowest, time.perf_counter() - begun)
            if self._server.process.poll() is None:
                self._watched.memory_peak = max(self._watched.memory_peak, self._server.memory())
            await asyncio.sleep(PAUSE_SECONDS)
        caller.close()


@contextmanager
def observed(server: Server) -> Iterator[Watched]:
    """Ask the server all the while, and give what it answers."""
    memory = server.memory()
    watched = Watched(memory_before=memory, memory_peak=memory)
    observer = Observer(server, watched)
    thread = threading.Thread(target=observer.run)
    thread.start()
    try:
        yield watched
    finally:
        observer.stop()
        thread.join()


def ask(server: Server, method: str, path: str, body: Any = None) -> Answer:
    """Return the answer to one request on a connection of its own. Raises NoAnswerError."""
    return asyncio.run(_once(server, method, path, body))


def not_whole(server: Server) -> list[str]:
    """Return what does not work: a key made and found again, a device flow from its beginning to its token, readiness."""
    return asyncio.run(_not_whole(server))


def wait_for(watched: Watched, begin: str) -> None:
    """Wait until an answer that begins so was seen, or too long."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends and not any(words.startswith(begin) for words in list(watched.answers)):
        time.sleep(PAUSE_SECONDS)


def only_right(watched: Watched) -> list[str]:
    """Return one sentence for each answer that was no success."""
    return [
        f"{count} times {words}"
        for words, count in watched.answers.items()
        if words.split(" ")[1:] not in ([["200"], ["201"]])
    ]


def has_logged(server: Server) -> list[str]:
    """Return the lines of a server's log that tell of an exception nobody expected."""
    return exceptions_in(server.log.read_text(errors="replace"))


def exceptions_in(log: str) -> list[str]:
    """Return one sentence for each trace in a log, with the line that names its exception."""
    traces = re.findall(r"^Traceback .*\n(?:[ \t].*\n)*(.*)", log, re.MULTILINE)
    return [f"the log has a trace: {line}" for line in traces]


async def _once(server: Server, method: str, path: str, body: Any) -> Answer:
    caller = Caller(server.url)
    try:
        return await caller.ask(method, path, body)
    finally:
        caller.close()


async def _words(caller: Caller, asked: tuple[str, str, Any, dict[str, str], bool]) -> str:
    try:
        return (await caller.ask(*asked)).words
    except NoAnswerError:
        return NO_ANSWER


async def _not_whole(server: Server) -> list[str]:
    caller = Caller(server.url)
    try:
        key = await caller.ask(*_asked(CREATEKEY))
        if key.status != 201:
            return [f"createkey afterwards: {key.words}"]
        found = await caller.ask(*_asked(GETKEY, public_key_fingerprint=key.body["public_key_fingerprint"]))
        right = found.status == 200 and found.body["public_key"] == key.body["public_key"]
        return [*([] if right else [f"getkey afterwards: {found.words}"]), *await _flow(caller)]
    except NoAnswerError as error:
        return [f"no answer afterwards: {error}"]
    finally:
        caller.close()


async def _flow(caller: Caller) -> list[str]:
    begun = await caller.ask(
        "POST", "/oauth2/device_authorization", {**DEVICE, "scope": "openid offline_access"}, form=True
    )
    if begun.status != 200:
        return [f"device_authorization afterwards: {begun.words}"]
    poll = {**DEVICE, "grant_type": GRANT, "device_code": begun.body["device_code"]}
    pending = await caller.ask("POST", "/oauth2/token", poll, form=True)
    wish = {"action": "approve", "username": "testuser1"}
    approved = await caller.ask("POST", f"/_standin/device/{begun.body['user_code']}", wish)
    redeemed = await caller.ask("POST", "/oauth2/token", poll, form=True)
    ready = await caller.ask("GET", "/_standin/health/ready")
    answers = [one.words for one in (pending, approved, redeemed, ready)]
    right = ["400 authorization_pending", "200", "200", "200"]
    return [] if answers == right else [f"a device flow and readiness afterwards: {', '.join(answers)}"]


def _asked(scenario: Scenario, **changed: str) -> tuple[str, str, Any, dict[str, str]]:
    import json

    headers = {name: value for name, value in scenario.headers.items() if name != "Content-Type"}
    return scenario.method, scenario.path, {**json.loads(scenario.body), **changed}, headers


_ASKED: dict[str, tuple[str, str, Any, dict[str, str], bool]] = {
    "createkey": (*_asked(CREATEKEY), False),
    "getkey": (*_asked(GETKEY), False),
    "deviceauth": ("POST", "/oauth2/device_authorization", DEVICE, {}, True),
    "ready": ("GET", "/_standin/health/ready", None, {}, False),
}
