"""Where all processes on one PostgreSQL database, on whichever host, leave what is set, and hear of it.

It stands in the table standin_board. A connection of its own listens for changes; what it hears goes to the board in
this host's shared memory, which every request looks at. It knows nothing of what the state means.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from ..steering.board import EPOCH, GENERATION, Board
from ..steering.state import NOTHING, State, decode, encode
from .connections import PATIENT_SECONDS, Connections, Driver, is_gone, shown

CHANNEL = "standin_board"
ACKNOWLEDGED_SECONDS = 2.0  # how long a change waits for a process that says nothing, which then hears of it later
_RETRY_SECONDS = 0.5
LISTEN_SECONDS = 5.0  # until the next look, told or not: a connection that was cut on its way tells of nothing
_LOOK_SECONDS = 0.003
_CONNECTIONS = 4  # one listens, the others change and count
# PostgreSQL's advisory locks are known by numbers alone: who is there, and who replaces rows.
_PRESENCE, _REPLACEMENT = 0x746D7302, 0x746D7303

_log = logging.getLogger("tms_standin.board")

_BEGIN_ANEW = """
UPDATE standin_board SET generation = generation + 1, epoch = epoch + epoch % 2, state = $1;
"""
_PRESENT = """
INSERT INTO standin_replicas VALUES (pg_backend_pid(), $1, $2, $3)
ON CONFLICT (pid) DO UPDATE SET generation = $1, epoch = $2, remembered = $3
"""
# A process that is no more may have left its number to one of another database on the same server.
_ABSENT = """
DELETE FROM standin_replicas WHERE pid NOT IN (
    SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND locktype = 'advisory' AND objid = $1 AND granted
)
"""
_UNAWARE = """
SELECT count(*) FROM standin_replicas WHERE (generation < $1 OR epoch < $2 OR remembered < $3) AND pid IN (
    SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND locktype = 'advisory' AND objid = $4 AND granted
)
"""
_COUNT = """
INSERT INTO standin_tallies VALUES ($1, 1)
ON CONFLICT (tally) DO UPDATE SET counted = standin_tallies.counted + 1 RETURNING counted - 1
"""
_SELECT = "SELECT generation, epoch, remembered, state FROM standin_board"
_ALTER = "UPDATE standin_board SET generation = $1, state = $2"
_TELL = f"SELECT pg_notify('{CHANNEL}', '')"


class Version(NamedTuple):
    """What has become of the state, of the rows as a whole, and of those that processes remember."""

    generation: int
    epoch: int
    remembered: int


class PostgresBoard(Board):
    """The state and the counters of one database, for all of its processes."""

    def __init__(self, url: str, path: Path, companions: Callable[[], Iterable[Path]] = tuple) -> None:
        """Take the database, and the file by which the processes of this host know of each other."""
        super().__init__(path, companions)
        self._connections = Connections(url, _CONNECTIONS)
        self._cleared: list[range] = []
        self._told = asyncio.Event()
        self._hearing: asyncio.Task[None] | None = None
        self._shown = shown(url)
        self._is_lost = False
        # The version of what this process may remember, None while it does not hear of changes.
        self.remembered: int | None = None
        self.forget: Callable[[], None] = lambda: None

    async def join(self) -> None:
        """Join the processes that are there; the first of them finds nothing set. Raises DatabaseGone."""
        self.open()
        heard = asyncio.Event()
        self._hearing = asyncio.create_task(self._hear_for_ever(heard))
        first = asyncio.create_task(heard.wait())
        await asyncio.wait([self._hearing, first], return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        if self._hearing.done():
            self._hearing.result()

    async def leave(self) -> None:
        """Leave; the last process of a host takes its files away. What was set is there until the next first one joins."""
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)
        await self._connections.close()
        self.close()

    @property
    def hears(self) -> bool:
        """Return whether this process is told of what others set; not while its connection for that is lost."""
        return self.remembered is not None

    async def alter(self, changed: Callable[[State], State]) -> None:
        """Replace the state by what `changed` returns for it, and return when every process knows.

        What `changed` raises leaves it as it was. Raises DatabaseGone.
        """
        async with self._connections.lend() as driver:
            async with driver.transaction():
                version, state = await _read(driver, " FOR NO KEY UPDATE")
                self.adopt(version.generation, version.epoch, state)
                self._cleared.clear()
                altered = changed(state)
                for tallies in self._cleared:
                    await driver.execute("DELETE FROM standin_tallies WHERE tally = ANY($1)", list(tallies))
                version = version._replace(generation=version.generation + 1)
                await driver.execute(_ALTER, version.generation, encode(altered))
                await driver.execute(_TELL)
            await _known_to_all(driver, version)
        self.adopt(version.generation, version.epoch, altered)

    def clear(self, tallies: range) -> None:
        """Count these tallies from zero again, with the change that is under way."""
        self._cleared.append(tallies)

    async def tally(self, number: int) -> int:
        """Add one to a tally and return what it was, once for every process that asks. Raises DatabaseGone."""
        async with self._connections.lend() as driver:
            return int(await driver.fetchval(_COUNT, number))

    async def tallied(self, number: int) -> int:
        """Return how often a tally was counted. Raises DatabaseGone."""
        async with self._connections.lend() as driver:
            return await driver.fetchval("SELECT counted FROM standin_tallies WHERE tally = $1", number) or 0

    async def look(self) -> None:
        """Take over what is set now. Raises DatabaseGone."""
        async with self._connections.lend() as driver:
            await self._look(driver)

    @contextlib.asynccontextmanager
    async def replacing(self) -> AsyncIterator[Driver]:
        """Tell every process that rows are replaced, and give the transaction that does it. Raises DatabaseGone.

        The epoch is odd meanwhile. It waits while another process does so, and for the writes that have begun.
        """
        async with self._connections.lend() as driver:
            await driver.execute("SELECT pg_advisory_lock($1)", _REPLACEMENT, timeout=PATIENT_SECONDS)
            try:
                await self._turn(driver, "epoch | 1")
                async with driver.transaction():
                    await driver.execute("LOCK TABLE standin_board IN EXCLUSIVE MODE")  # Others may look at it.
                    yield driver
                    await driver.execute("UPDATE standin_board SET epoch = epoch + 1")
                    await driver.execute(_TELL)
            finally:
                if not driver.is_closed():
                    await self._turn(driver, "epoch + epoch % 2")
                    await driver.execute("SELECT pg_advisory_unlock($1)", _REPLACEMENT)

    async def finish_for_dead_processes(self) -> None:
        """End the replacement of a process that died over it: the database has undone what was not committed."""
        async with self._connections.lend() as driver:
            if await driver.fetchval("SELECT pg_try_advisory_lock($1)", _REPLACEMENT):
                await self._turn(driver, "epoch + epoch % 2")
                await driver.execute("SELECT pg_advisory_unlock($1)", _REPLACEMENT)
            await self._look(driver)

    async def forgotten_by_all(self, driver: Driver) -> None:
        """Wait until no process remembers what a transaction that is over has changed. Raises DatabaseGone."""
        await _known_to_all(driver, await self._look(driver))

    async def _turn(self, driver: Driver, epoch: str) -> None:
        """Set the epoch and wait until every process knows."""
        await driver.execute(f"UPDATE standin_board SET epoch = {epoch}")  # noqa: S608 - one of two expressions of this class
        await driver.execute(_TELL)
        await _known_to_all(driver, await self._look(driver))

    async def _look(self, driver: Driver) -> Version:
        known = self.words[GENERATION], self.words[EPOCH]
        version, state = await _read(driver)
        if version.generation < known[0] or version.epoch < known[1]:  # An older copy has taken the database's place.
            self.words[GENERATION] = self.words[EPOCH] = 0
        self.adopt(version.generation, version.epoch, state)
        return version

    async def _hear_for_ever(self, heard: asyncio.Event) -> None:
        """Listen, until cancelled; a connection that is lost is replaced as soon as the database is back."""
        while True:
            try:
                async with self._connections.lend() as driver:
                    await self._hear(driver, heard)
            except Exception as error:  # Whatever it is: nobody would ever listen again.
                if not heard.is_set():
                    raise
                self._tell_of_loss(error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _hear(self, driver: Driver, heard: asyncio.Event) -> None:
        """Take over what is set, and say so, whenever somebody has told of a change."""
        await _be_present(driver, begins=not heard.is_set())
        await driver.add_listener(CHANNEL, lambda *_told: self._told.set())
        driver.add_termination_listener(lambda *_told: self._told.set())
        present: Version | None = None
        try:
            while not driver.is_closed():
                self._told.clear()
                version = await self._look(driver)
                if version.remembered != self.remembered:
                    self.remembered = version.remembered
                    self.forget()
                if version != present:
                    await driver.execute(_PRESENT, *version)
                present = version
                heard.set()
                self._tell_of_return()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._told.wait(), LISTEN_SECONDS)
        finally:
            self.remembered = None
            self.forget()
            if not driver.is_closed():
                await driver.reset()

    def _tell_of_loss(self, error: Exception) -> None:
        """Tell the log, once however long it takes. What is not the database is a file of this host, on a full disk."""
        if not self._is_lost:
            what = "the database does not answer" if is_gone(error) else "what is set on it cannot be taken over"
            _log.warning("%s: %s: %s", self._shown, what, _first_line(error))
        self._is_lost = True

    def _tell_of_return(self) -> None:
        if self._is_lost:
            _log.warning("%s: the database answers, and what is set on it is known again", self._shown)
        self._is_lost = False


async def _be_present(driver: Driver, begins: bool) -> None:
    """Hold the lock that says so; a process that begins and gets it alone is the first, and finds nothing set."""
    await driver.execute("SET synchronous_commit = off")
    alone = await driver.fetchval("SELECT pg_try_advisory_lock($1)", _PRESENCE)
    if alone and begins:
        await driver.execute(_BEGIN_ANEW, encode(NOTHING))
        await driver.execute("DELETE FROM standin_tallies")
    await driver.execute("SELECT pg_advisory_lock_shared($1)", _PRESENCE)
    if alone:
        await driver.execute("SELECT pg_advisory_unlock($1)", _PRESENCE)
    await driver.execute(_ABSENT, _PRESENCE)


async def _known_to_all(driver: Driver, version: Version) -> None:
    """Wait for every process that is there; one that has lost its connection hears of it when it comes back."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ACKNOWLEDGED_SECONDS):
            while await driver.fetchval(_UNAWARE, *version, _PRESENCE):  # noqa: ASYNC110 - others' event
                await asyncio.sleep(_LOOK_SECONDS)


async def _read(driver: Driver, holding: str = "") -> tuple[Version, State]:
    row = await driver.fetchrow(_SELECT + holding)
    assert row is not None  # noqa: S101 - the migration has made it
    return Version(row["generation"], row["epoch"], row["remembered"]), decode(row["state"])


def _first_line(error: BaseException) -> str:
    """Return what an error says of its cause, in one line."""
    return str(error.__cause__ or error).partition("\n")[0] or type(error).__name__
