"""Who sits at the browser: the session cookie, the login behind it, and the token that forms carry against forgery."""

import hmac
import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import delete, select

from ..oauth_tables import oauth_secrets, oauth_sessions
from ..parts import Parts
from ..statements import Insert, Statement, matching
from ..transaction import Transaction
from .device_flows import hash_of_code
from .exchange import Exchange

LIFETIME = timedelta(hours=8)

_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}")
_FIND = Statement(select(oauth_sessions).where(matching(oauth_sessions, "session_hash")))
_INSERT = Insert(oauth_sessions)
_DELETE = Statement(delete(oauth_sessions).where(matching(oauth_sessions, "session_hash")))
_SECRET = Statement(select(oauth_secrets).where(matching(oauth_secrets, "name")))
_INSERT_SECRET = Insert(oauth_secrets)


class Login(NamedTuple):
    """Who has logged in, and when."""

    username: str
    authenticated_at: datetime


class Browser(NamedTuple):
    """The browser of one request: its session, the token of its forms, and who has logged in with it."""

    session: str
    csrf_token: str
    login: Login | None

    @property
    def username(self) -> str | None:
        """Return who has logged in, or None."""
        return self.login and self.login.username

    def has_token(self, token: str) -> bool:
        """Return whether a form was made for this very session (RFC 6749 10.12), in constant time."""
        return hmac.compare_digest(token.encode(), self.csrf_token.encode())

    def cookie(self, secure: bool) -> tuple[bytes, bytes]:
        """Return the header that hands the session to the browser; no script and no foreign form gets at it."""
        flags = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
        return b"set-cookie", f"{cookie_name(secure)}={self.session}{flags}".encode()


def cookie_name(secure: bool) -> str:
    """Return the cookie's name: a browser keeps what came over TLS from being replaced over plain http, on any port."""
    return "__Host-standin_session" if secure else "standin_session"


async def browser_of(exchange: Exchange) -> Browser:
    """Return the browser of a request; one without a cookie gets a session that nobody has logged in with."""
    session = exchange.cookie(cookie_name(exchange.secure))
    if _SHAPE.fullmatch(session) is None:
        session = _new_session(exchange.parts)
        return Browser(session, await _csrf_token(exchange, session), None)
    row = await exchange.parts.store.one(_FIND, session_hash=hash_of_code(session))
    alive = row is not None and exchange.now < row.expires_at
    login = Login(row.username, row.authenticated_at) if alive else None
    return Browser(session, await _csrf_token(exchange, session), login)


async def logged_in(exchange: Exchange, transaction: Transaction, username: str) -> str:
    """Store a login under a new session, since the old one may be known to others, and return the session."""
    session, now = _new_session(exchange.parts), exchange.now
    await transaction.insert(
        _INSERT,
        session_hash=hash_of_code(session),
        username=username,
        authenticated_at=now,
        expires_at=now + LIFETIME,
    )
    return session


async def with_login(exchange: Exchange, session: str, username: str) -> Browser:
    """Return the browser that has just logged in."""
    return Browser(session, await _csrf_token(exchange, session), Login(username, exchange.now))


async def log_out(exchange: Exchange, browser: Browser) -> Browser:
    """Forget a login and return the browser without it."""

    async def forget(transaction: Transaction) -> None:
        await transaction.delete(_DELETE, oauth_sessions, session_hash=hash_of_code(browser.session))

    await exchange.parts.store.write(forget)
    return browser._replace(login=None)


def _new_session(parts: Parts) -> str:
    return parts.chance.token(24)


async def _csrf_token(exchange: Exchange, session: str) -> str:
    secret = await server_secret(exchange)
    return hmac.new(secret.encode(), session.encode(), sha256).hexdigest()


async def server_secret(exchange: Exchange) -> str:
    """Return what the tokens are made with: one for all processes on this database, made at the first need."""
    store = exchange.parts.store
    row = await store.cached(_SECRET, name="csrf")
    if row is None:
        new = {"name": "csrf", "secret": exchange.parts.chance.token(), "created": exchange.now}

        async def make(transaction: Transaction) -> None:
            await transaction.insert_if_absent(_INSERT_SECRET, **new)

        await store.write(make)
        row = await store.one(_SECRET, name="csrf")
    return str(row.secret)
