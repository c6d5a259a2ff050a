"""Connections to one PostgreSQL database, lent to whoever waits for one. It knows no statement and no table.

SQLAlchemy's asyncpg dialect opens and pools them; statements are run by the driver itself (design 3.2.4).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias, cast

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..errors import DatabaseGone, StartRefused

CONNECT_SECONDS = 3.0
GOODBYE_SECONDS = 1.0
STATEMENT_SECONDS = 20.0  # after which a database that keeps the connection and says nothing counts as gone
PATIENT_SECONDS = 86_400.0  # for what may take long; the driver takes None for STATEMENT_SECONDS
_STATEMENTS_KEPT = 512
_EXPECTED = "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_PARAMETERS = (
    "host",
    "passfile",
    "port",
    "ssl",
    "sslmode",
    "target_session_attrs",
)  # words of libpq's that reach the driver
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
        # SQLAlchemy's way in and out of its pool costs more than a small statement; what is idle stays out here.
        self._idle: list[tuple[AsyncConnection, Driver]] = []

    @contextlib.asynccontextmanager
    async def lend(self, once: bool = False) -> AsyncIterator[Driver]:
        """Give a connection that was alive a moment ago, which nobody gets after this borrower if it is lent `once`.

        Raises DatabaseGone where the database is not there any more.
        """
        async with self._free:
            lent, driver = await self._alive()
            is_fit = not once
            try:
                yield driver
            except BaseException as error:
                gone = is_gone(error) or driver.is_closed()
                # Whoever is cancelled leaves something under way in it, and the next borrower's commit must not keep it.
                is_harmless = isinstance(error, Exception | GeneratorExit) and not driver.is_in_transaction()
                is_fit = is_fit and not gone and is_harmless
                if gone and isinstance(error, Exception) and not isinstance(error, DatabaseGone):
                    raise DatabaseGone from error
                raise
            finally:
                if is_fit:
                    self._idle.append((lent, driver))
                else:
                    await _forget(lent)

    async def close(self) -> None:
        """Close all that are not lent. A server that says nothing is not waited for."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_take_leave(lent, driver) for lent, driver in idle))
        await self.engine.dispose()

    async def _alive(self) -> tuple[AsyncConnection, Driver]:
        while self._idle:
            lent, driver = self._idle.pop()
            if not driver.is_closed():
                return lent, driver
            await _forget(lent)  # The server has ended it while nobody had it.
        try:
            lent = await self.engine.connect()
            return lent, await driver_of(lent)
        except Exception as error:
            # No way to the host, no such name, no TLS: nobody answers there, whatever it is called.
            if any(is_gone(cause) or isinstance(cause, OSError) for cause in _causes(error)):
                raise DatabaseGone from error
            raise


async def _take_leave(lent: AsyncConnection, driver: Driver) -> None:
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await driver.close(timeout=GOODBYE_SECONDS)
    await _forget(lent)


async def _forget(lent: AsyncConnection) -> None:
    """Have the pool make another one in its place."""
    await lent.invalidate()
    await lent.close()


async def driver_of(lent: AsyncConnection) -> Driver:
    """Return the driver's own connection."""
    return cast(Driver, (await lent.get_raw_connection()).driver_connection)


def is_gone(error: BaseException) -> bool:
    """Return whether an error says that the database does not answer, rather than that it, or a file here, refuses."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(_SHUT)
    return isinstance(error, ConnectionError | TimeoutError | asyncio.IncompleteReadError | DatabaseGone)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what the driver has said behind SQLAlchemy's own exceptions."""
    while error is not None:
        yield error
        error = error.__cause__


def driver_url(url: str) -> URL:
    """Return the URL as SQLAlchemy wants it; `sslmode` is libpq's word for the driver's `ssl`.

    Raises StartRefused, in words that repeat nothing of the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StartRefused(f"standin.database: this is no database's URL, {_EXPECTED}.") from None
    if "@" in (parsed.host or ""):  # What stands in front of the last one is the end of a password.
        raise StartRefused("standin.database: the URL has several @, expected those of a password written as %40.")
    if not parsed.database:
        raise StartRefused(f"standin.database: the URL names no database, {_EXPECTED}.")
    if unknown := sorted(set(parsed.query).difference(_PARAMETERS)):
        raise StartRefused(f"standin.database: the URL has {unknown[0]!r}, expected none but {', '.join(_PARAMETERS)}.")
    query = {"ssl" if name == "sslmode" else name: value for name, value in parsed.query.items()}
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def shown(url: str) -> str:
    """Return a URL without its password."""
    return driver_url(url).set(drivername="postgresql", query={}).render_as_string(hide_password=True)
