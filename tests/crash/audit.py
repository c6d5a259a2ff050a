"""Reads what a database holds, in the ledger's words, and looks for halves of requests that no ledger knows of."""

from datetime import datetime, timedelta
from typing import Any

import app.oauth_tables  # noqa: F401 - its tables stand in the same metadata
from tests.crash.databases import Database
from tests.crash.estate import NEVER, THERE
from tests.crash.ledger import State, Thing

_FOR_EVER = timedelta(days=3650)
_CONTENT = {
    "user": "SELECT tms_user_id FROM user_mfa WHERE tenant = 'test'",
    "client": "SELECT client_id FROM clients WHERE tenant = 'test'",
    "fingerprint": "SELECT public_key_fingerprint, client_user_id FROM pubkeys",
    "flow": "SELECT user_code, status, polls FROM device_flows",
}
_LIVES = {
    "mapping": "SELECT tms_user_id, expires_at, updated FROM user_hosts",
    "delegation": "SELECT client_id || ' ' || client_user_id, expires_at, updated FROM delegations",
    "key": "SELECT client_user_id, expires_at, updated, max_uses FROM pubkeys",
}
_REFRESH = (
    "SELECT token_hash, used_at, revoked_at FROM oauth_refresh_tokens AS token"
    " JOIN oauth_grants AS granted ON token.grant_id = granted.grant_id"
)
_ACCESS = (
    "SELECT jti, coalesce(token.revoked_at, granted.revoked_at) FROM oauth_access_tokens AS token"
    " JOIN oauth_grants AS granted ON token.grant_id = granted.grant_id"
)
_TOKENS = "SELECT count(*) FROM oauth_{}_tokens AS token WHERE token.grant_id = granted.grant_id"
_HALVES = {
    "keys have no delegation": "SELECT public_key_fingerprint FROM pubkeys AS one WHERE NOT EXISTS (SELECT 1 FROM delegations"
    " AS other WHERE other.tenant = one.tenant AND other.client_id = one.client_id"
    " AND other.client_user_id = one.client_user_id)",
    "keys have no mapping": "SELECT public_key_fingerprint FROM pubkeys AS one WHERE NOT EXISTS (SELECT 1 FROM user_hosts"
    " AS other WHERE other.tenant = one.tenant AND other.tms_user_id = one.client_user_id"
    " AND other.host = one.host AND other.host_account = one.host_account)",
    "keys have no user": "SELECT public_key_fingerprint FROM pubkeys AS one WHERE NOT EXISTS (SELECT 1 FROM user_mfa"
    " AS other WHERE other.tenant = one.tenant AND other.tms_user_id = one.client_user_id)",
    "access tokens have no grant": "SELECT jti FROM oauth_access_tokens WHERE grant_id NOT IN"
    " (SELECT grant_id FROM oauth_grants)",
    "refresh tokens have no grant": "SELECT token_hash FROM oauth_refresh_tokens WHERE grant_id NOT IN"
    " (SELECT grant_id FROM oauth_grants)",
    "redeemed flows have no grant": "SELECT user_code FROM device_flows WHERE status = 'redeemed' AND"
    " (grant_id IS NULL OR grant_id NOT IN (SELECT grant_id FROM oauth_grants))",
    "flows that are not redeemed have a grant": "SELECT user_code FROM device_flows WHERE status <> 'redeemed'"
    " AND grant_id IS NOT NULL",
    "grants belong to no redeemed flow": "SELECT grant_id FROM oauth_grants WHERE grant_id NOT IN"
    " (SELECT grant_id FROM device_flows WHERE grant_id IS NOT NULL)",
    "grants have no unused refresh token, or several: one was used without its successor": "SELECT grant_id FROM"
    f" oauth_grants AS granted WHERE ({_TOKENS.format('refresh')} AND token.used_at IS NULL) <> 1",
    "grants have not as many access tokens as refresh tokens": "SELECT grant_id FROM oauth_grants AS granted WHERE"
    f" ({_TOKENS.format('access')}) <> ({_TOKENS.format('refresh')})",
    "flows have not as many polls listed as counted": "SELECT user_code FROM device_flows AS flow WHERE polls <>"
    " (SELECT count(*) FROM device_polls WHERE device_polls.user_code = flow.user_code)",
}
_SEED = {
    "tenants": "SELECT tenant FROM tenants WHERE tenant IN ('default', 'test')",
    "administrators": "SELECT tenant FROM admin WHERE admin_user = '~~admin' AND tenant IN ('default', 'test')",
    "OAuth users": "SELECT username FROM oauth_users WHERE username IN ('testuser1', 'testuser2')",
}


def content(database: Database) -> dict[Thing, State]:
    """Return all things that the mixed load may have made, with their states."""
    found: dict[Thing, State] = {}
    for kind, query in _CONTENT.items():
        found |= {(kind, name): tuple(state) for name, *state in database.rows(query)}
    for kind, query in _LIVES.items():
        lives = database.rows(query)
        found |= {(kind, name): (*more, _minutes(expires, updated)) for name, expires, updated, *more in lives}
    for token, used, revoked in database.rows(_REFRESH):
        found["refresh token", token] = ("used" if used else "unused", "revoked" if revoked else "good")
    return found | {("access token", jti): ("revoked" if ends else "good",) for jti, ends in database.rows(_ACCESS)}


def defects(database: Database) -> list[str]:
    """Return one sentence for everything that cannot be right, whatever was asked."""
    halves = ((what, database.rows(query)) for what, query in _HALVES.items())
    return [
        *database.defects(),
        *database.orphans(),
        *(f"{len(bad)} {what}, such as {bad[0][0]}" for what, bad in halves if bad),
        *(f"not all {what} of the seed are there" for what, query in _SEED.items() if len(database.rows(query)) < 2),
    ]


def seeded() -> dict[Thing, State]:
    """Return what every server has made before it was ready."""
    return {("user", "testuser1"): THERE, ("client", "testclient1"): THERE}


def _minutes(expires: Any, updated: Any) -> int | str:
    """Return a life in minutes; SQLite has times as text."""
    ends, begins = (datetime.fromisoformat(one) if isinstance(one, str) else one for one in (expires, updated))
    return NEVER if ends - begins > _FOR_EVER else round((ends - begins).total_seconds() / 60)
