"""The tables of the authorization server (design 2.5), in SQLAlchemy Core. Nothing here opens a connection.

Lists of names are one text, separated by spaces, as `scope` is on the wire. Codes and opaque tokens are stored as
their hashes. An issuer is stored by its name, the unnamed one as "".
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    literal_column,
    true,
)

from .tables import Timestamp, metadata

# The real Tapis forgets no device code that nobody has fetched a token for (contract tapis 4.2).
FLOWS_THAT_MAY_GO: ColumnElement[Any] = literal_column("(dialect <> 'tapis' OR status IN ('denied', 'redeemed'))")

# A clock that is moved by a month has more of them than PostgreSQL's INTEGER takes; SQLite's has no such end.
_MILLISECONDS = Integer().with_variant(BigInteger(), "postgresql")


def _text(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _index(table: str, column: str) -> Index:
    return Index(f"{table}_{column}_idx", column)


def _optional(*names: str) -> list[Column[Any]]:
    return [Column(name, Text) for name in names]


def _moments(names: str, optional: str = "") -> list[Column[Any]]:
    """Return timestamp columns; those of `optional` may be empty."""
    required = [Column(name, Timestamp, nullable=False) for name in names.split()]
    return [*required, *[Column(name, Timestamp) for name in optional.split()]]


def _belongs_to(table: str, column: str, parent: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], [f"{parent}.{column}"], name=f"{table}_{column}_fkey", ondelete="CASCADE")


oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    *_optional("client_secret", "script"),
    *_text("client_name", "scope", "grant_types", "auth_methods", "redirect_uris"),
    *_moments("created"),
    *[Column(name, Text, nullable=False, server_default="") for name in ("tapis_tenant", "owner", "description")],
    Column("active", Boolean, nullable=False, server_default=true()),
)

oauth_users = Table(
    "oauth_users",
    metadata,
    Column("username", Text, primary_key=True),
    *_text("password_hash"),
    *_moments("created"),
)

oauth_grants = Table(
    "oauth_grants",
    metadata,
    Column("grant_id", Text, primary_key=True),
    *_text("issuer", "client_id", "username", "scope", "resource"),
    *_optional("nonce"),
    *_moments("authenticated_at created expires_at", optional="revoked_at"),
    _index("oauth_grants", "expires_at"),
)

oauth_access_tokens = Table(
    "oauth_access_tokens",
    metadata,
    Column("jti", Text, primary_key=True),
    *_text("grant_id", "scope"),
    *_moments("created expires_at", optional="revoked_at"),
    _belongs_to("oauth_access_tokens", "grant_id", "oauth_grants"),
    _index("oauth_access_tokens", "grant_id"),
    _index("oauth_access_tokens", "expires_at"),
)

oauth_refresh_tokens = Table(
    "oauth_refresh_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    *_text("grant_id", "scope"),
    *_moments("created expires_at", optional="used_at"),
    _belongs_to("oauth_refresh_tokens", "grant_id", "oauth_grants"),
    _index("oauth_refresh_tokens", "grant_id"),
    _index("oauth_refresh_tokens", "expires_at"),
)

oauth_authorization_codes = Table(
    "oauth_authorization_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    *_text("issuer", "client_id", "username", "redirect_uri", "scope", "resource"),
    *_optional("nonce", "code_challenge", "grant_id"),
    *_moments("authenticated_at created expires_at"),
    _index("oauth_authorization_codes", "expires_at"),
)

device_flows = Table(
    "device_flows",
    metadata,
    Column("user_code", Text, primary_key=True),
    *_text(
        "device_code_hash", "issuer", "dialect", "client_id", "scope", "resource", "address", "user_agent", "status"
    ),
    *_optional("nonce", "simulator_hash", "script", "username", "granted_scope", "grant_id"),
    *[Column(name, Integer, nullable=False) for name in ("interval", "wait_seconds", "polls")],
    *_moments("created expires_at", optional="wait_started_at last_poll_at decided_at authenticated_at"),
    Column("token_seconds", BigInteger),
    Index(
        "device_flows_may_go_idx",
        "expires_at",
        sqlite_where=FLOWS_THAT_MAY_GO,
        postgresql_where=FLOWS_THAT_MAY_GO,
    ),
)

device_polls = Table(
    "device_polls",
    metadata,
    Column("user_code", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    *_moments("at"),
    *[Column(name, _MILLISECONDS) for name in ("gap_milliseconds", "allowed_milliseconds")],
    *_text("answer", "remarks"),
    _belongs_to("device_polls", "user_code", "device_flows"),
)

oauth_signing_keys = Table(
    "oauth_signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    *_text("issuer", "private_key"),
    *_moments("created", optional="retired_at"),
    _index("oauth_signing_keys", "issuer"),
    _index("oauth_signing_keys", "retired_at"),
)

oauth_sessions = Table(
    "oauth_sessions",
    metadata,
    Column("session_hash", Text, primary_key=True),
    *_text("username"),
    *_moments("authenticated_at expires_at"),
    _index("oauth_sessions", "expires_at"),
)

oauth_failures = Table(
    "oauth_failures",
    metadata,
    Column("source", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    *_moments("window_ends_at"),
    _index("oauth_failures", "window_ends_at"),
)

oauth_secrets = Table(
    "oauth_secrets", metadata, Column("name", Text, primary_key=True), *_text("secret"), *_moments("created")
)
