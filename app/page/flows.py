"""The device flows that wait for a decision, a few of the newest, off the loop. It decides none.

GET device lists all of them, which a page cannot show in the middle of a load.
"""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, literal_column, select

from ..control.shapes import IssuerUrls
from ..oauth.device_flows import ENTERED, PENDING, shown_code, status_of
from ..oauth_tables import device_flows, oauth_users
from ..parts import Parts
from ..statements import Statement

MOST = 12


async def undecided(parts: Parts, issuers: IssuerUrls) -> tuple[list[dict[str, Any]], bool]:
    """Return the newest flows in the members of GET device, and whether there are more."""
    now = parts.clock.now()
    rows = await parts.store.few(_newest(), now=now, limit=MOST + 1)
    shown = [
        {
            "user_code": shown_code(row),
            "client_id": row.client_id,
            "scope": row.scope,
            "dialect": row.dialect,
            "issuer": issuers.of(row.issuer),
            "status": status_of(row, now),
            "expires_at": row.expires_at,
            "polls": row.polls,
        }
        for row in rows[:MOST]
    ]
    return shown, len(rows) > MOST


async def usernames(parts: Parts) -> list[str]:
    """Return who can approve a flow: some users of the database, those of the settings, those of Tapis tenants."""
    stored = [row.username for row in await parts.store.few(_users())]
    configured = [user.username for user in parts.settings.oauth.users]
    own = [user.username for tenant in parts.settings.tapis.tenants for user in tenant.users]
    return list(dict.fromkeys([*stored, *configured, *own]))


@cache
def _newest() -> Statement:
    waiting: list[ColumnElement[str]] = [literal_column(f"'{status}'") for status in (PENDING, ENTERED)]
    return Statement(
        select(device_flows)
        .where(
            device_flows.c.expires_at > bindparam("now", type_=device_flows.c.expires_at.type),
            device_flows.c.status.in_(waiting),
        )
        .order_by(device_flows.c.expires_at.desc())
        .limit(bindparam("limit", type_=Integer))
        .offset(literal_column("0"))
    )


@cache
def _users() -> Statement:
    return Statement(
        select(oauth_users.c.username)
        .order_by(oauth_users.c.username)
        .limit(literal_column("50"))
        .offset(literal_column("0"))
    )
