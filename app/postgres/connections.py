"""Connections to one PostgreSQL database, lent to whoever waits for one. It knows no statement and no table.

SQLAlchemy's asyncpg dialect opens and pools them; statements are run by the driver itself (design 3.2.4).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias, cast

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..errors import DatabaseGone, StartRefused

CONNECT_SECONDS = 3.0
STATEMENT_SECONDS = 20.0  # after which a database that keeps the connection and says nothing counts as gone
PATIENT_SECONDS = 86_400.0  # for what may take long; the driver takes None for STATEMENT_SECONDS
_STATEMENTS_KEPT = 512
_EXPECTED = "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_SHUT = ("08", "57P", "53300")  # connection exceptions, shutdown and start of the server, no place for another client

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Connections:
    """At most `most` of them. Nobody is refused one: whoever comes when all are lent waits (contract D9)."""

    def __init__(self, url: str, most: int, autocommit: bool = True) -> None:
        """Open nothing yet. Raises StartRefused for what is no URL of PostgreSQL."""
        # The pool wakes those who wait in it when a connection comes back, but not when one cannot be opened.
        self._free = asyncio.Semaphore(most)
        # What is begun and ended by SQL of our own needs no reset when it comes back.
        options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None} if autocommit else {}
        self.engine: AsyncEngine = create_async_engine(
            driver_url(url),
            pool_size=most,
            max_overflow=0,
            pool_timeout=None,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                # Whoever leaves transactions to SQLAlchemy migrates large tables, or waits for another who does.
                "command_timeout": STATEMENT_SECONDS if autocommit else PATIENT_SECONDS,
                "statement_cache_size": _STATEMENTS_KEPT,
                "server_settings": {"application_name": "tms-standin"},
            },
            **options,
        )

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[Driver]:
        """Give a connection that was alive a moment ago. Raises DatabaseGone where the database is not there any more."""
        async with self._free:
            lent = await self._alive()
            driver = await driver_of(lent)
            try:
                yield driver
            except BaseException as error:
                gone = is_gone(error) or driver.is_closed()
                # Whoever is cancelled leaves something under way in it, and the next borrower's commit must not keep it.
                if gone or not isinstance(error, Exception | GeneratorExit) or driver.is_in_transaction():
                    await lent.invalidate()
                if gone and not isinstance(error, DatabaseGone):
                    raise DatabaseGone from error
                raise
            finally:
                await lent.close()

    async def close(self) -> None:
        """Close all that are not lent."""
        await self.engine.dispose()

    async def _alive(self) -> AsyncConnection:
        while True:
            try:
                lent = await self.engine.connect()
            except Exception as error:
                if is_gone(error) or isinstance(error, OSError):  # No way to the host, no such name, no TLS.
                    raise DatabaseGone from error
                raise
            if not (await driver_of(lent)).is_closed():
                return lent
            await lent.invalidate()  # The server has ended it while it was in the pool.
            await lent.close()


async def driver_of(lent: AsyncConnection) -> Driver:
    """Return the driver's own connection."""
    return cast(Driver, (await lent.get_raw_connection()).driver_connection)


def is_gone(error: BaseException) -> bool:
    """Return whether an error says that the database does not answer, rather than that it, or a file here, refuses."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(_SHUT)
    return isinstance(error, ConnectionError | TimeoutError | asyncio.IncompleteReadError | DatabaseGone)


def driver_url(url: str) -> URL:
    """Return the URL as SQLAlchemy wants it; `sslmode` is libpq's word for the driver's `ssl`.

    Raises StartRefused, in words that repeat nothing of the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StartRefused(f"standin.database: this is no database's URL, {_EXPECTED}.") from None
    if not parsed.database:
        raise StartRefused(f"standin.database: the URL names no database, {_EXPECTED}.")
    query = {"ssl" if name == "sslmode" else name: value for name, value in parsed.query.items()}
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def shown(url: str) -> str:
    """Return a URL without its password."""
    return driver_url(url).set(drivername="postgresql", query={}).render_as_string(hide_password=True)
