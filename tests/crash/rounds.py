"""Kills a server at random moments of its whole life under the mixed load, starts it again, and compares with the ledger.

A moment is one of: under load, while it shuts down, in a start on a database that is there, in the first start of all.
"""

import asyncio
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash import audit
from tests.crash.condition import exceptions_in
from tests.crash.databases import Cluster, Database, Folders
from tests.crash.estate import Estate
from tests.crash.ledger import Ledger
from tests.crash.mixture import load
from tests.crash.worker import Worker
from tests.load.server import Server, launch_server, wait_until_ready

WORKERS = 12
LOAD_SECONDS = (0.05, 1.6)
SHUTDOWN_SECONDS = (0.0, 0.25)
FIRST_START_SECONDS = 1.5  # what one takes until one was measured
LONG = {"OAUTH__DEVICE_CODE_TTL": "86400", "OAUTH__ACCESS_TOKEN_TTL": "86400"}  # Nothing expires between two rounds.

UNDER_LOAD, SHUTDOWN, START, FIRST_START = "load", "shutdown", "start", "first start"
BOTH = "load, database too"  # on PostgreSQL alone
MOMENTS = {UNDER_LOAD: 10, SHUTDOWN: 4, START: 4, FIRST_START: 2}


@dataclass(frozen=True)
class Round:
    """One kill: in which part of the server's life, seconds after that began, and what was found after the restart.

    `answered` are changes answered in this round, `asked` those under way at the kill, of which some had `happened`.
    """

    moment: str
    after: float
    answered: int
    asked: int
    happened: int
    things: int
    ready_seconds: float
    failures: list[str]


class Siege:
    """A server on one database after the other, and what it has answered on the present one."""

    def __init__(self, folder: Path, source: Folders | Cluster, settings: dict[str, str] | None = None) -> None:
        self._folder, self._source = folder, source
        self._settings = {**LONG, **(settings or {})}
        self._first_start, self._start = FIRST_START_SECONDS, FIRST_START_SECONDS / 2
        self._seen = 0  # bytes of the log that were judged already
        self.database: Database
        self.ledger: Ledger
        self._estate: Estate
        self._wrong: Counter[str] = Counter()
        self.server: Server
        self._mvp = True
        self._begin_anew()
        self.server = self._ready()

    def round(self, moment: str, chance: random.Random) -> Round:
        """Kill the server once, start it again and return what was found."""
        answers = self.ledger.answers
        if moment == FIRST_START:
            self._end()
            self._source.drop(self.database)
            self._begin_anew()
            answers = 0
        after = self._killed(moment, chance)
        answered = self.ledger.answers - answers
        self.server = self._ready()
        failures = self.failures()
        happened, asked = self.ledger.settle(audit.content(self.database))
        self._wrong.clear()
        things = len(self.ledger.known)
        return Round(moment, after, answered, asked, happened, things, self.server.ready_seconds, failures)

    def failures(self) -> list[str]:
        """Return what is not as it was answered, what is broken, and which answers and log lines were wrong."""
        return [
            *self.ledger.failures(audit.content(self.database)),
            *audit.defects(self.database),
            *(f"{count} times {words}" for words, count in self._wrong.items()),
            *self._traces(),
        ]

    def close(self) -> None:
        """Stop the server."""
        self.server.stop()

    def _begin_anew(self) -> None:
        self.database, self._estate = self._source.new(), Estate()
        self.ledger = Ledger(audit.seeded())

    def _launched(self) -> Server:
        self._mvp = random.random() < 0.5
        mode = {"DATABASE": self.database.url, "ENABLE_MVP": str(self._mvp).lower()}
        return launch_server(self._folder, **{**self._settings, **mode})

    def _ready(self) -> Server:
        return wait_until_ready(self._launched())

    def _end(self) -> None:
        self.server.process.send_signal(signal.SIGTERM)
        self.server.stop()

    def _killed(self, moment: str, chance: random.Random) -> float:
        """Kill the server at a moment and return how many seconds after its beginning that was."""
        if moment in (START, FIRST_START):
            if moment == START:
                with self._loaded():
                    time.sleep(chance.uniform(*LOAD_SECONDS) / 2)
                    self._end()
            after = chance.uniform(0, self._first_start if moment == FIRST_START else self._start)
            self.server = self._launched()
            time.sleep(after)
            self.server.kill()
            return after
        after = chance.uniform(*(SHUTDOWN_SECONDS if moment == SHUTDOWN else LOAD_SECONDS))
        with self._loaded():
            if moment == SHUTDOWN:
                time.sleep(chance.uniform(*LOAD_SECONDS) / 2)
                self.server.process.terminate()
            time.sleep(after)
            self.server.kill()
            if moment == BOTH and isinstance(self._source, Cluster):
                self._source.crash()
        return after

    @contextmanager
    def _loaded(self) -> Iterator[None]:
        """Keep the mixed load on the server in a thread; it ends by itself when nobody answers."""
        url, shared = self.server.url, (self.ledger, self._estate, self._wrong, self._mvp)
        workers = [Worker(url, *shared) for _ in range(WORKERS)]
        thread = threading.Thread(target=lambda: asyncio.run(load(workers)))
        thread.start()
        try:
            yield
        finally:
            for worker in workers:
                worker.stopped = True
            thread.join()

    def _traces(self) -> list[str]:
        """Return the exceptions in what the log has got since the last look."""
        text = self.server.log.read_bytes()[self._seen :]
        self._seen += len(text)
        return exceptions_in(text.decode("utf-8", "replace"))


def besiege(
    folder: Path, source: Folders | Cluster, times: int, chance: random.Random, settings: dict[str, str] | None = None
) -> Iterator[Round]:
    """Kill a server so many times and yield each round."""
    moments = {**MOMENTS, **({BOTH: 4} if isinstance(source, Cluster) else {})}
    siege = Siege(folder, source, settings)
    try:
        for _ in range(times):
            (moment,) = chance.choices(list(moments), list(moments.values()))
            yield siege.round(moment, chance)
    finally:
        siege.close()
