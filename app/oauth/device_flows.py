"""The device flow's one state machine, in the database, under every dialect (RFC 8628 3.3 to 3.5). It knows no HTTP.

pending -> approved -> redeemed, or pending -> denied; expiry is told by the clock and remembered as long as the row.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from ..oauth_tables import device_flows, device_polls
from ..statements import Insert, Statement, matching
from ..transaction import Transaction
from .pace import Pace
from .registry import Reader

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 6.1: no vowels, no look-alikes
CODE_LENGTH = 8
MOST_POLLS_LISTED = 500  # of one flow

PENDING, APPROVED, DENIED, REDEEMED, EXPIRED = "pending", "approved", "denied", "redeemed", "expired"
TAPIS = "tapis"  # the dialect; the other one is "rfc8628"
ENTERED = "entered"  # Tapis alone: the code is entered, and the consent to come (contract tapis 4.2)

FIND = Statement(select(device_flows).where(matching(device_flows, "user_code")))
LIST = Statement(select(device_flows).order_by(device_flows.c.created, device_flows.c.user_code))
LIST_POLLS = Statement(select(device_polls).where(matching(device_polls, "user_code")).order_by(device_polls.c.number))
_INSERT = Insert(device_flows)
_INSERT_POLL = Insert(device_polls)
_DECISION = ("status", "username", "granted_scope", "authenticated_at", "decided_at", "expires_at")
_DECIDE = Statement(
    update(device_flows)
    .where(matching(device_flows, "user_code=of_user_code status=of_status"))
    .values({name: bindparam(name, type_=device_flows.c[name].type) for name in _DECISION})
)
_REDEEM = Statement(
    update(device_flows)
    .where(matching(device_flows, "user_code=of_user_code status=of_status"))
    .values(status=bindparam("status"), grant_id=bindparam("grant_id"))
)
_ENTER = Statement(
    update(device_flows)
    .where(matching(device_flows, "user_code=of_user_code status=of_status"))
    .values(status=bindparam("status"), username=bindparam("username"))
)
_CONSENT = Statement(
    update(device_flows)
    .where(matching(device_flows, "user_code=of_user_code status=of_status"))
    .values(
        status=bindparam("status"),
        token_seconds=bindparam("token_seconds"),
        decided_at=bindparam("decided_at", type_=device_flows.c.decided_at.type),
    )
)
_PACE = ("interval", "wait_seconds", "wait_started_at", "last_poll_at", "polls")
_POLLED = Statement(
    update(device_flows)
    .where(matching(device_flows, "user_code=of_user_code"))
    .values({name: bindparam(name, type_=device_flows.c[name].type) for name in _PACE})
)


class Decision(NamedTuple):
    """What a person or a test decides about a flow; `scope` None grants all that was asked for."""

    approved: bool
    username: str | None = None
    scope: str | None = None
    authenticated_at: datetime | None = None


def hash_of_code(code: str) -> str:
    """Return what is stored of a code or an opaque token: it is random, so that a fast hash is enough."""
    return hashlib.sha256(code.encode()).hexdigest()


async def find_by_device_code(reader: Reader, device_code: str) -> Any:
    """Return the flow of a device code, or None. Raises DatabaseError.

    The code begins with the flow's user code, so that a poll needs no index of its own; all of it is compared.
    """
    flow = await reader.one(FIND, user_code=device_code[:CODE_LENGTH])
    return flow if flow is not None and _same(flow.device_code_hash, device_code) else None


async def find_by_handle(reader: Reader, handle: str) -> Any:
    """Return the flow of a simulator's page, or None: its handle begins like a device code. Raises DatabaseError."""
    flow = await reader.one(FIND, user_code=handle[:CODE_LENGTH])
    return flow if flow is not None and flow.simulator_hash and _same(flow.simulator_hash, handle) else None


def _same(stored_hash: str, text: str) -> bool:
    return hmac.compare_digest(stored_hash, hash_of_code(text))


def normalized(typed: str) -> str:
    """Return a typed user code as it is stored: upper case, without what is outside the alphabet (RFC 8628 6.1)."""
    return "".join(letter for letter in map(str.upper, filter(str.isascii, typed)) if letter in ALPHABET)


def displayed(user_code: str) -> str:
    """Return a user code as people read it: two groups of four."""
    return f"{user_code[:4]}-{user_code[4:]}"


def shown_code(flow: Any) -> str:
    """Return a flow's user code as its person reads it; that of Tapis has no groups (contract tapis 2.2)."""
    return str(flow.user_code) if flow.dialect == TAPIS else displayed(flow.user_code)


def status_of(flow: Any, now: datetime) -> str:
    """Return the state of a flow: what was decided holds, and an approval that nobody fetched in time is expired."""
    expired = now >= flow.expires_at and flow.status in (PENDING, ENTERED, APPROVED)
    return EXPIRED if expired else str(flow.status)


def pace_of(flow: Any) -> Pace:
    """Return how fast a flow may be polled."""
    return Pace(flow.interval, flow.wait_seconds, flow.wait_started_at)


async def begin(transaction: Transaction, user_code: str, device_code: str, **values: Any) -> bool:
    """Store a new flow and return True, or False when its user code is taken.

    `values`: issuer, dialect, client_id, scope, resource, nonce, address, user_agent, interval, created, expires_at,
    script, simulator_hash.
    """
    return await transaction.insert_if_absent(
        _INSERT,
        user_code=user_code,
        device_code_hash=hash_of_code(device_code),
        status=PENDING,
        wait_seconds=0,
        polls=0,
        **dict.fromkeys(("username", "granted_scope", "grant_id", "wait_started_at", "last_poll_at", "decided_at")),
        authenticated_at=None,
        token_seconds=None,
        **values,
    )


async def decide(transaction: Transaction, flow: Any, decision: Decision, now: datetime) -> bool:
    """Approve or deny an undecided flow and return True, or False when somebody was faster."""
    if flow.status not in (PENDING, ENTERED):
        return False
    changed = await transaction.update(
        _DECIDE,
        device_flows,
        of_user_code=flow.user_code,
        of_status=flow.status,
        status=APPROVED if decision.approved else DENIED,
        username=decision.username,
        granted_scope=flow.scope if decision.scope is None else decision.scope,
        authenticated_at=decision.authenticated_at or now,
        decided_at=now,
        expires_at=flow.expires_at,
    )
    return changed == 1


async def expire(transaction: Transaction, flow: Any, now: datetime) -> bool:
    """End a pending flow's time now and return True, or False when somebody has decided it."""
    if flow.status not in (PENDING, ENTERED):
        return False
    changed = await transaction.update(
        _DECIDE,
        device_flows,
        of_user_code=flow.user_code,
        of_status=flow.status,
        **{name: getattr(flow, name) for name in _DECISION if name != "expires_at"},
        expires_at=now,
    )
    return changed == 1


async def redeem(transaction: Transaction, flow: Any, grant_id: str) -> bool:
    """Take an approved flow's only token and return True, or False when another poll was faster."""
    changed = await transaction.update(
        _REDEEM, device_flows, of_user_code=flow.user_code, of_status=APPROVED, status=REDEEMED, grant_id=grant_id
    )
    return changed == 1


async def enter(transaction: Transaction, flow: Any, username: str) -> bool:
    """Bind a Tapis code to who enters it and return True, or False when it was entered before."""
    changed = await transaction.update(
        _ENTER, device_flows, of_user_code=flow.user_code, of_status=PENDING, status=ENTERED, username=username
    )
    return changed == 1


async def consent(transaction: Transaction, flow: Any, token_seconds: int | None, now: datetime) -> bool:
    """Let the next poll have its token and return True, or False when somebody was faster."""
    changed = await transaction.update(
        _CONSENT,
        device_flows,
        of_user_code=flow.user_code,
        of_status=ENTERED,
        status=APPROVED,
        token_seconds=token_seconds,
        decided_at=now,
    )
    return changed == 1


async def end(transaction: Transaction, flow: Any, status: str) -> bool:
    """Take a Tapis code out of use, whether it gets a token or is too old; False when somebody was faster."""
    changed = await transaction.update(
        _REDEEM, device_flows, of_user_code=flow.user_code, of_status=status, status=REDEEMED, grant_id=None
    )
    return changed == 1


async def note_poll(
    transaction: Transaction, flow: Any, pace: Pace, answer: str, now: datetime, remarks: str = ""
) -> None:
    """Store a poll, the pace that it leaves behind, and what it is judged by later: its gap against the allowed one."""
    if flow.polls < MOST_POLLS_LISTED:
        gap = None if flow.last_poll_at is None else round((now - flow.last_poll_at).total_seconds() * 1000)
        await transaction.insert(
            _INSERT_POLL,
            user_code=flow.user_code,
            number=flow.polls,
            at=now,
            gap_milliseconds=gap,
            allowed_milliseconds=None if gap is None else flow.interval * 1000,
            answer=answer,
            remarks=remarks,
        )
    await transaction.update(
        _POLLED, device_flows, of_user_code=flow.user_code, last_poll_at=now, polls=flow.polls + 1, **pace._asdict()
    )
