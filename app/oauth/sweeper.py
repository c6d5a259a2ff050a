"""Deletes what nobody needs to be told about any more: flows, tokens, grants, codes, logins, counts and keys, a few at a time.

What is remembered for how long, and why, is told in docs/long-life.md.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, literal_column, select

from ..errors import DatabaseTrouble
from ..oauth_tables import (
    FLOWS_THAT_MAY_GO,
    device_flows,
    oauth_access_tokens,
    oauth_authorization_codes,
    oauth_failures,
    oauth_grants,
    oauth_refresh_tokens,
    oauth_sessions,
    oauth_signing_keys,
)
from ..parts import Parts
from ..statements import Statement
from ..transaction import Transaction

PAUSE_SECONDS = 60.0  # real ones: the clock of the stand-in may stand still
REMEMBERED = timedelta(hours=1)  # how long an expired flow is still answered `expired_token`
AT_A_TIME = 50  # rows in one transaction, so that nobody waits long for it
POLLS_AT_A_TIME = 500  # that go with their flows; each flow has up to as many
REST = 3  # times as long as a transaction took, until the next

_log = logging.getLogger("tms_standin.oauth")

_MAY_GO: dict[Table, ColumnElement[Any]] = {
    device_flows: FLOWS_THAT_MAY_GO,
    # A token of Tapis lives as long as its consent said, which may be years (contract tapis 2.3).
    oauth_signing_keys: oauth_signing_keys.c.issuer.not_like(literal_column("'tapis/%'")),
}


def _forget(table: Table, key: str, ends_at: str) -> Statement:
    return Statement(delete(table).where(table.c[key].in_(_ended(table, [key], ends_at))))


def _forget_flows() -> Statement:
    """Return what deletes fewer flows where they were polled often: their polls go with them."""
    ended = _ended(device_flows, ["user_code", "polls", "expires_at"], "expires_at").subquery()
    polls = func.sum(ended.c.polls).over(order_by=ended.c.expires_at, rows=(None, 0)) - ended.c.polls
    counted = select(ended.c.user_code, polls.label("before_it")).subquery()
    few = select(counted.c.user_code).where(counted.c.before_it < literal_column(str(POLLS_AT_A_TIME)))
    return Statement(delete(device_flows).where(device_flows.c.user_code.in_(few)))


def _ended(table: Table, columns: list[str], ends_at: str) -> Select[Any]:
    """Return what finds some rows that ended before an instant."""
    ended = table.c[ends_at] < bindparam("before", type_=table.c[ends_at].type)
    may_go = [_MAY_GO[table]] if table in _MAY_GO else []
    rows = select(*[table.c[name] for name in columns]).where(ended, *may_go)
    return rows.limit(bindparam("most")).offset(literal_column("0"))


# Tokens go before their grant, which then takes no crowd of them along.
_FORGET = [
    (device_flows, _forget_flows()),
    *[
        (table, _forget(table, key, ends_at))
        for table, key, ends_at in (
            (oauth_access_tokens, "jti", "expires_at"),
            (oauth_refresh_tokens, "token_hash", "expires_at"),
            (oauth_grants, "grant_id", "expires_at"),
            (oauth_authorization_codes, "code_hash", "expires_at"),
            (oauth_sessions, "session_hash", "expires_at"),
            (oauth_failures, "source", "window_ends_at"),
            (oauth_signing_keys, "kid", "retired_at"),
        )
    ],
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
