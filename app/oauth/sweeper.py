"""Deletes what nobody needs to be told about any more: flows, grants, codes, logins, counts and keys, a few at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import Table, bindparam, delete, literal_column, or_, select

from ..errors import DatabaseTrouble
from ..oauth_tables import (
    device_flows,
    oauth_authorization_codes,
    oauth_failures,
    oauth_grants,
    oauth_sessions,
    oauth_signing_keys,
)
from ..parts import Parts
from ..statements import Statement
from ..transaction import Transaction
from .device_flows import DENIED, REDEEMED

PAUSE_SECONDS = 60.0  # real ones: the clock of the stand-in may stand still
REMEMBERED = timedelta(hours=1)  # how long an expired flow is still answered `expired_token`
AT_A_TIME = 50  # rows in one transaction, so that nobody waits long for it
REST = 3  # times as long as a transaction took, until the next

_log = logging.getLogger("tms_standin.oauth")

_MAY_GO = {
    # The real Tapis forgets no device code that nobody has fetched a token for (contract tapis 4.2).
    device_flows: or_(
        device_flows.c.dialect != literal_column("'tapis'"),
        *(device_flows.c.status == literal_column(f"'{status}'") for status in (DENIED, REDEEMED)),
    ),
    # A token of Tapis lives as long as its consent said, which may be years (contract tapis 2.3).
    oauth_signing_keys: oauth_signing_keys.c.issuer.not_like(literal_column("'tapis/%'")),
}


def _forget(table: Table, key: str, ends_at: str) -> Statement:
    ended = table.c[ends_at] < bindparam("before", type_=table.c[ends_at].type)
    rows = (
        select(table.c[key])
        .where(ended, *([_MAY_GO[table]] if table in _MAY_GO else []))
        .limit(bindparam("most"))
        .offset(literal_column("0"))
    )
    return Statement(delete(table).where(table.c[key].in_(rows)))


# Polls go with their flow, tokens with their grant.
_FORGET = [
    (table, _forget(table, key, ends_at))
    for table, key, ends_at in (
        (device_flows, "user_code", "expires_at"),
        (oauth_grants, "grant_id", "expires_at"),
        (oauth_authorization_codes, "code_hash", "expires_at"),
        (oauth_sessions, "session_hash", "expires_at"),
        (oauth_failures, "source", "window_ends_at"),
        (oauth_signing_keys, "kid", "retired_at"),
    )
]


async def sweep(parts: Parts) -> int:
    """Delete what ended an hour ago, keys when the last token signed with them has ended too; return how many rows.

    Raises DatabaseError.
    """
    total, before = 0, parts.clock.now() - REMEMBERED
    for table, statement in _FORGET:
        lifetime = parts.settings.oauth.access_token_ttl if table is oauth_signing_keys else 0
        deletion = _deletion(table, statement, before - timedelta(seconds=lifetime))
        while deleted := await _rested(parts, deletion):
            total += deleted
    return total


async def _rested(parts: Parts, deletion: Callable[[Transaction], Awaitable[int]]) -> int:
    """Run a deletion and leave the database to the others for a while."""
    started = parts.clock.stopwatch()
    deleted = await parts.store.write_whatever_was_read(deletion)
    if deleted:
        await asyncio.sleep(REST * (parts.clock.stopwatch() - started))
    return deleted


def _deletion(table: Table, statement: Statement, before: datetime) -> Callable[[Transaction], Awaitable[int]]:
    async def delete_some(transaction: Transaction) -> int:
        return await transaction.delete(statement, table, before=before, most=AT_A_TIME)

    return delete_some


async def sweep_for_ever(parts: Parts) -> None:
    """Sweep at the start and once a minute, until cancelled. A database that refuses is asked again the next time."""
    while True:
        try:
            await sweep(parts)
        except DatabaseTrouble as error:
            _log.warning("nothing was swept: %s", error)
        except Exception:  # noqa: BLE001 - a task that ends unheard would let the database grow for ever
            _log.exception("sweeping failed")
        await asyncio.sleep(PAUSE_SECONDS)
