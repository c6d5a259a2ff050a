"""What housekeeping does to those who are served meanwhile: a sweep under way, and the journal's ring running over.

Two servers take turns, of which one has rows that ended long ago; it stands still while the other is measured.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.load import stock
from tests.load.abandoned import flows_after
from tests.load.scenarios import GETCLIENT, GETKEY, GETVERSION, POLL, Scenario
from tests.load.server import Server, database_of, start_server, stopping
from tests.load.turns import Row, Run, compared, failures_of, in_turns, measured
from tests.load.wrk import Load, run

CONNECTIONS = 10
REQUESTS = (GETKEY, GETCLIENT, POLL)
CONDITIONS = ("nothing else", "sweep under way", "journal running over")
POLLED = 20_000  # flows that are polled and live on, so that none is asked for twice within a second
RING = 10_000  # entries of the journal
SWEEP_SECONDS = 600.0
GOES_ON_SECONDS = 60.0


@dataclass
class Pauses:
    """What was seen: rows to compare, how many rows had ended, after how many seconds they were gone, and failures."""

    rows: list[Row] = field(default_factory=list)
    ended: int = 0
    left: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


class Side:
    """A server with its database, and how far its flows were polled."""

    def __init__(self, server: Server, directory: Path, seconds: float, most: int) -> None:
        self.server, self.directory, self.database = server, directory, database_of(directory)
        self._seconds, self._most, self._polls = seconds, most, 0

    def measure(self, scenario: Scenario) -> Run:
        """Drive one request for a while."""
        load = self.load(scenario)
        seen = measured(self.server, load, self.directory)
        self._polls += seen.result.requests if scenario is POLL else 0
        return seen

    def load(self, scenario: Scenario) -> Load:
        """Return what is sent; polls go on where they ended."""
        codes = self.directory / "device_codes" if scenario is POLL else None
        return Load([scenario], CONNECTIONS, self._seconds, self._most, values=codes, first=self._polls)


def pauses(seconds: float, rounds: int, ended: int, most: int, directory: Path) -> Pauses:
    """Measure each request under each condition, in runs of `seconds` and `most` requests; wait for the sweep's end."""
    found = Pauses()
    with ExitStack() as stack:
        quiet = _side(stack, directory / "quiet", seconds, most, 0)
        _fill_ring(quiet)
        swept = _side(stack, directory / "swept", seconds, most, ended)  # The last one: it sweeps from its start.
        found.ended = len(stock.ENDING) * ended
        with _standing_still(swept.server) as going:
            for scenario in REQUESTS:
                found.rows += _compare(scenario, quiet, swept, going, rounds, found.failures)
        found.seconds, found.left = _wait(swept.database)
        living = flows_after(swept.database, 0) - found.left
        found.failures += [f"{found.left:,} rows that had ended are left"] if found.left else []
        found.failures += [f"{POLLED - living:,} flows are gone that had not ended"] if living != POLLED else []
    return found


def _side(stack: ExitStack, directory: Path, seconds: float, most: int, ended: int) -> Side:
    directory.mkdir()
    database = database_of(directory)
    stock.seeded(database)
    codes = stock.fill_flows(database, POLLED, ended=False)
    (directory / "device_codes").write_text("".join(f"{code}\n" for code in codes))
    if ended:
        stock.fill_flows(database, ended, ended=True)
        stock.fill_tokens(database, ended, ended=True)
    return Side(stack.enter_context(stopping(start_server(directory))), directory, seconds, most)


def _fill_ring(side: Side) -> None:
    """Let the journal record until its ring runs over."""
    _record(side.server, True)
    run(side.server.url, Load([GETVERSION], CONNECTIONS, 60.0, RING + 1), side.directory)
    _record(side.server, False)


def _record(server: Server, on: bool) -> None:
    httpx.patch(f"{server.url}/_standin/settings", json={"journal": on}).raise_for_status()


@contextmanager
def _standing_still(server: Server) -> Iterator[psutil.Process]:
    """Give a server's process, which stands still but where it is resumed."""
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        yield process
    finally:
        process.resume()


def _compare(
    scenario: Scenario, quiet: Side, swept: Side, going: psutil.Process, rounds: int, failures: list[str]
) -> list[Row]:
    def sweeping() -> Run:
        before = stock.count_ended(swept.database)
        going.resume()
        _wait_until_it_goes_on(swept.database, before)
        seen = swept.measure(scenario)
        going.suspend()
        if stock.count_ended(swept.database) == before:
            failures.append(f"{scenario.name}: nothing was swept meanwhile, so that nothing was measured")
        return seen

    def recording() -> Run:
        _record(quiet.server, True)
        seen = quiet.measure(scenario)
        _record(quiet.server, False)
        return seen

    conditions: list[Callable[[], Run]] = [lambda: quiet.measure(scenario), sweeping, recording]
    runs = in_turns(conditions, rounds)
    for condition, own in zip(CONDITIONS, runs, strict=True):
        failures += failures_of(scenario.name, condition, quiet.load(scenario), own)
    return compared(scenario.name, CONDITIONS, runs)


def _wait_until_it_goes_on(database: Path, before: int) -> None:
    """Wait for the sweep's next deletion: it rests between two, and the machine may be busy."""
    begun = time.perf_counter()
    while stock.count_ended(database) == before and time.perf_counter() - begun < GOES_ON_SECONDS:
        time.sleep(0.005)


def _wait(database: Path) -> tuple[float, int]:
    """Return after how many seconds the sweep was done, and how many rows it has left."""
    begun = time.perf_counter()
    while (left := stock.count_ended(database)) and time.perf_counter() - begun < SWEEP_SECONDS:
        time.sleep(0.2)
    return time.perf_counter() - begun, left
