"""Where all processes on one PostgreSQL database, on whichever host, leave what is set, and hear of it.

It stands in the table standin_board. A connection of its own listens for changes; what it hears goes to the board in
this host's shared memory, which every request looks at. It knows nothing of what the state means.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from ..errors import DatabaseGone
from ..steering.board import EPOCH, GENERATION, Board
from ..steering.state import State, encode
from .connections import PATIENT_SECONDS, Connections, Driver, is_gone, shown
from .locks import REPLACEMENT
from .presence import Version, acknowledge, be_present, known_to_all, read

CHANNEL = "standin_board"
_RETRY_SECONDS = 0.5
# A process looks at least so often, told or not, and a look may take so long: what is remembered behind a connection
# that was cut on its way is forgotten before a change stops waiting for that process.
LISTEN_SECONDS, LOOK_SECONDS = 1.0, 1.5
_CONNECTIONS = 4  # one listens, the others change and count

_log = logging.getLogger("tms_standin.board")

_COUNT = """
INSERT INTO standin_tallies VALUES ($1, 1)
ON CONFLICT (tally) DO UPDATE SET counted = standin_tallies.counted + 1 RETURNING counted - 1
"""
_ALTER = "UPDATE standin_board SET generation = $1, state = $2"
_TELL = f"SELECT pg_notify('{CHANNEL}', '')"


class PostgresBoard(Board):
    """The state and the counters of one database, for all of its processes."""

    def __init__(self, url: str, path: Path, companions: Callable[[], Iterable[Path]] = tuple) -> None:
        """Take the database, and the file by which the processes of this host know of each other."""
        super().__init__(path, companions)
        self._connections = Connections(url, _CONNECTIONS)
        self._cleared: list[range] = []
        self._told = asyncio.Event()
        self._hearing: asyncio.Task[None] | None = None
        self._altering = asyncio.Lock()
        self._shown = shown(url)
        self._trouble = ""  # what the log was told last
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
        # One after the other, as the row has it: whoever waits for it must not take the connections of those who count.
        async with self._altering, self._connections.lend() as driver:
            async with driver.transaction():
                version, state = await read(driver, " FOR NO KEY UPDATE", self.patience)
                self.adopt(version.generation, version.epoch, state)
                self._cleared.clear()
                altered = changed(state)
                for tallies in self._cleared:
                    await driver.execute("DELETE FROM standin_tallies WHERE tally = ANY($1)", list(tallies))
                version = version._replace(generation=version.generation + 1)
                await driver.execute(_ALTER, version.generation, encode(altered))
                await driver.execute(_TELL)
            await known_to_all(driver, version)
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
            await driver.execute("SELECT pg_advisory_lock($1)", REPLACEMENT, timeout=PATIENT_SECONDS)
            try:
                await self._turn(driver, "epoch | 1")
                async with driver.transaction():
                    await driver.execute("LOCK TABLE standin_board IN EXCLUSIVE MODE")  # Others may look at it.
                    yield driver
                    await driver.execute("UPDATE standin_board SET epoch = epoch + 1")
                    await driver.execute(_TELL)
            finally:
                if not driver.is_closed():
                    await self._finish(driver)

    async def finish_for_dead_processes(self) -> None:
        """End the replacement of a process that died over it: the database has undone what was not committed."""
        async with self._connections.lend() as driver:
            if await driver.fetchval("SELECT pg_try_advisory_lock($1)", REPLACEMENT):
                await self._finish(driver)
            await self._look(driver)

    @property
    def patience(self) -> float | None:
        """How long a statement may wait: for rows that are being replaced as long as that takes."""
        return PATIENT_SECONDS if self.words[EPOCH] % 2 else None

    async def _finish(self, driver: Driver) -> None:
        """Let others write, and replace rows. What fails meanwhile must not keep the lock in a connection that lives on."""
        try:
            await self._turn(driver, "epoch + epoch % 2")
        finally:
            if not driver.is_closed():
                await driver.execute("SELECT pg_advisory_unlock($1)", REPLACEMENT)

    async def _turn(self, driver: Driver, epoch: str) -> None:
        """Set the epoch and wait until every process knows."""
        await driver.execute(f"UPDATE standin_board SET epoch = {epoch}")  # noqa: S608 - one of two expressions of this class
        await driver.execute(_TELL)
        await known_to_all(driver, await self._look(driver))

    async def _look(self, driver: Driver) -> Version:
        known = self.words[GENERATION], self.words[EPOCH]  # Before the question: it may grow until the answer comes.
        version, state = await read(driver)
        if version.generation < known[0] or version.epoch < known[1]:  # An older copy has taken the database's place.
            self.words[GENERATION] = self.words[EPOCH] = 0
        self.adopt(version.generation, version.epoch, state)
        return version

    async def _hear_for_ever(self, heard: asyncio.Event) -> None:
        """Listen, until cancelled; a connection that is lost is replaced as soon as the database is back."""
        while True:
            pause = _RETRY_SECONDS if self._trouble else 0.0  # At once, so that nobody takes us for gone.
            try:
                # It holds a lock and listeners that are not for others.
                async with self._connections.lend(once=True) as driver:
                    await self._hear(driver, heard)
                    raise DatabaseGone("the connection has ended")
            except Exception as error:  # Whatever it is: nobody would ever listen again.
                if not heard.is_set():
                    raise
                self._tell_of_trouble(error)
            await asyncio.sleep(pause)

    async def _hear(self, driver: Driver, heard: asyncio.Event) -> None:
        """Take over what is set, and say so, whenever somebody has told of a change, until the connection ends."""
        # It is 0 until this host has taken a state over; after that its processes live, and have lost their connections.
        await be_present(driver, begins=self.words[GENERATION] == 0)
        await driver.add_listener(CHANNEL, lambda *_told: self._told.set())
        driver.add_termination_listener(lambda *_told: self._told.set())
        present: Version | None = None
        try:
            while not driver.is_closed():
                self._told.clear()  # Before the look: what is told from now on may not be in it.
                async with asyncio.timeout(LOOK_SECONDS):
                    version = await self._look(driver)
                    self._remember(version.remembered)
                    if version != present:  # Others stop waiting for this process now that it has taken it over.
                        await acknowledge(driver, version)
                present = version
                heard.set()
                self._tell_of_its_end()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LISTEN_SECONDS):
                        await self._told.wait()
        finally:
            self._remember(None)

    def _remember(self, version: int | None) -> None:
        """Forget what is remembered, if it is of another version."""
        if version != self.remembered:
            self.remembered = version
            self.forget()

    def _tell_of_trouble(self, error: Exception) -> None:
        """Tell the log, once for each kind however long it lasts; not all is the database's: a disk here may be full."""
        trouble = "the database does not answer" if is_gone(error) else "what is set on it cannot be taken over"
        if trouble != self._trouble:
            _log.warning("%s: %s: %s", self._shown, trouble, _first_line(error))
        self._trouble = trouble

    def _tell_of_its_end(self) -> None:
        if self._trouble:
            _log.warning("%s: the database answers, and what is set on it is known again", self._shown)
        self._trouble = ""


def _first_line(error: BaseException) -> str:
    """Return what an error says of its cause, in one line."""
    cause = error.__cause__ or error
    return str(cause).partition("\n")[0] or type(cause).__name__
