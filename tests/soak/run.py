"""One soak: starts the server, lets the users live beside the monitor that takes samples, and returns what was seen."""

import asyncio
import math
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from tests.load.server import MEBIBYTE, Server, start_server, stopping
from tests.soak import judge
from tests.soak.databases import Database, fresh, watching
from tests.soak.record import Record
from tests.soak.samples import SECONDS, Sample, look
from tests.soak.users import INTERVAL, KEY_CREATED, ROUNDS, User

WARM_UP_SHARE, WARM_UP_MOST = 0.1, 30.0
PROGRESS_SECONDS = 60.0
TRACE = "Traceback (most recent call last)"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Plan:
    """How many users, for how many seconds, at which pace in seconds, on which engine."""

    users: int
    seconds: float
    pace: float
    engine: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.users} users for {self.seconds / 60:g} minutes, pace {self.pace:g} s, {self.engine}"

    @property
    def warm_up(self) -> float:
        """Return the seconds before the first tenth."""
        return min(WARM_UP_SHARE * self.seconds, WARM_UP_MOST)


@dataclass
class Soak:
    """What was seen."""

    plan: Plan
    record: Record
    wal_bound: int
    samples: list[Sample] = field(default_factory=list)
    keys_before: int = 0
    keys_after: int = 0
    ended: float = math.inf
    traces: int = 0
    interrupted: bool = False

    def verdicts(self) -> list[judge.Verdict]:
        """Judge all of it. Of a run that was interrupted there is no last tenth, and no trend."""
        record, begun = self.record, self.record.start
        seconds = 0.0 if self.interrupted else self.plan.seconds
        first, last = ((one.count, one.percentile(99)) for one in (record.tenths[0], record.tenths[-1]))
        answered = record.answers[KEY_CREATED]
        return [
            judge.answers(record.requests, record.failures),
            judge.connections(self.plan.users, record.connections),
            judge.slower(first, (0, 0.0) if self.interrupted else last),
            judge.memory([(one.at - begun, one.memory) for one in self.samples], seconds),
            judge.descriptors([(one.at - begun, one.descriptors) for one in self.samples], seconds),
            judge.wal(max((one.wal for one in self.samples), default=0), self.wal_bound),
            judge.keys(answered, self.keys_before, self.keys_after),
            judge.log(self.traces),
        ]


def soak(plan: Plan) -> Soak:
    """Start a server on a fresh database in a directory that goes away at the end, let the users live, return what was seen."""
    with tempfile.TemporaryDirectory(prefix="tms-soak-") as name, fresh(plan.engine, directory := Path(name)) as url:
        settings = {"DATABASE": url, "OAUTH__INTERVAL": str(INTERVAL)}
        with stopping(start_server(directory, **settings)) as server:
            server.settle()
            print(f"{plan}: its server is {server.url}, process {server.pid}", file=sys.stderr, flush=True)
            seen = uvloop.run(live(plan, server, url))
        seen.traces = traces(server.log)
        return seen


async def live(plan: Plan, server: Server, url: str) -> Soak:
    """Let the users live until the time is over, the server is gone or a signal comes."""
    async with watching(url) as database:
        record = Record(time.monotonic() + plan.warm_up, plan.seconds)
        seen = Soak(plan, record, database.wal_bound, keys_before=await database.keys())
        with ended_by_signals() as stop:
            users = [User(server.url, record, plan.pace) for _ in range(plan.users)]
            monitor = asyncio.create_task(_monitor(seen, server, database, stop))
            await asyncio.gather(*(user.live(number % ROUNDS, stop) for number, user in enumerate(users)))
            seen.interrupted, seen.ended = stop.is_set(), time.monotonic()
            stop.set()
            await monitor
        if server.process.poll() is not None:
            record.failures[f"the server ended with status {server.process.returncode}"] += 1
        seen.keys_after = await database.keys()
        return seen


@contextmanager
def ended_by_signals() -> Iterator[asyncio.Event]:
    """Give an event that the signals of an end set, instead of ending this process."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    before = {number: signal.getsignal(number) for number in ENDING}
    if before[signal.SIGHUP] is signal.SIG_IGN:  # Under nohup it is to stay without effect.
        del before[signal.SIGHUP]
    for number in before:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


async def _monitor(seen: Soak, server: Server, database: Database, stop: asyncio.Event) -> None:
    """Take a sample a second and tell how it goes once a minute, while the users live; end them where the server is gone."""
    told = seen.record.start
    while not stop.is_set() and time.monotonic() < seen.record.end:
        if server.process.poll() is not None:
            stop.set()
            return
        try:
            seen.samples.append(await look(server, database))
        except Exception as error:  # noqa: BLE001 - whatever it is, the table is worth more than the sample
            seen.record.failures[f"no sample: {type(error).__name__}: {error}"] += 1
        if seen.samples and seen.samples[-1].at - told >= PROGRESS_SECONDS:
            told += PROGRESS_SECONDS
            print(progress(seen), file=sys.stderr, flush=True)
        await asyncio.sleep(SECONDS)


def progress(seen: Soak) -> str:
    """Return how it goes, in one line."""
    last, record = seen.samples[-1], seen.record
    tenth = record.tenths[record.tenth(last.at)]
    return (
        f"{seen.plan.users} users, {(last.at - record.start) / 60:.1f} of {record.seconds / 60:g} minutes: "
        f"{record.requests:,} requests, p99 {tenth.percentile(99) * 1000:.1f} ms, {last.memory:.1f} MiB, "
        f"{last.descriptors} descriptors, log {last.wal / MEBIBYTE:.1f} MiB, database {last.size / MEBIBYTE:.0f} MiB, "
        f"{record.failures.total():,} failures"
    )


def traces(log: Path) -> int:
    """Return how many exceptions stand in a server's log."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return sum(TRACE in line for line in lines)
