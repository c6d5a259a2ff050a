"""Which processes are on a database, and what each of them knows of it. It decides nothing of what is set.

A process is present while its connection holds a lock; the table standin_replicas tells how far it has heard.
"""

import asyncio
import contextlib
from typing import NamedTuple

from ..steering.state import NOTHING, State, decode, encode
from .connections import Driver
from .locks import PRESENCE

ACKNOWLEDGED_SECONDS = 3.0  # how long a change waits for a process that says nothing, which then hears of it later
_LOOK_SECONDS = 0.003

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
_GENERATION = "SELECT generation FROM standin_board"  # 0 in a database that was made anew
_VERSION = "SELECT generation, epoch, remembered FROM standin_board"
_SELECT = "SELECT generation, epoch, remembered, state FROM standin_board"


class Version(NamedTuple):
    """What has become of the state, of the rows as a whole, and of those that processes remember."""

    generation: int
    epoch: int
    remembered: int


async def be_present(driver: Driver, begins: bool) -> None:
    """Hold the lock that says so; a process that begins and gets it alone is the first, and finds nothing set."""
    await driver.execute("SET synchronous_commit = off")
    alone = await driver.fetchval("SELECT pg_try_advisory_lock($1)", PRESENCE)
    if alone and (begins or not await driver.fetchval(_GENERATION)):
        await driver.execute(_BEGIN_ANEW, encode(NOTHING))
        await driver.execute("DELETE FROM standin_tallies")
    await driver.execute("SELECT pg_advisory_lock_shared($1)", PRESENCE)
    if alone:
        await driver.execute("SELECT pg_advisory_unlock($1)", PRESENCE)
    await driver.execute(_ABSENT, PRESENCE)


async def acknowledge(driver: Driver, version: Version) -> None:
    """Say how far this process has heard, over the connection that holds the lock."""
    await driver.execute(_PRESENT, *version)


async def read(driver: Driver, holding: str = "", patience: float | None = None) -> tuple[Version, State]:
    """Return what is set; `holding` keeps others from changing it until the transaction ends."""
    row = await driver.fetchrow(_SELECT + holding, timeout=patience)
    assert row is not None  # noqa: S101 - the migration has made it
    return Version(row["generation"], row["epoch"], row["remembered"]), decode(row["state"])


async def known_to_all(driver: Driver, version: Version | None = None) -> None:
    """Wait until every process that is there knows a version, of which None is the one that is committed now.

    One that has lost its connection hears of it when it comes back. It is committed: a database that goes meanwhile
    takes nothing back, so nothing is raised.
    """
    with contextlib.suppress(Exception):  # The driver has one more for each moment at which a connection may end.
        async with asyncio.timeout(ACKNOWLEDGED_SECONDS):
            known = version or Version(*(await driver.fetchrow(_VERSION) or ()))
            while await driver.fetchval(_UNAWARE, *known, PRESENCE):  # noqa: ASYNC110 - others' event
                await asyncio.sleep(_LOOK_SECONDS)
