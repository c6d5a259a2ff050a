"""The tables of TMS, in SQLAlchemy Core, with the constraint names of the real PostgreSQL schema (contract section 3).

PostgreSQL checks foreign keys in the order of their declaration, the tenant's first. Nothing here opens a connection.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

metadata = MetaData()


class Timestamp(TypeDecorator[datetime]):
    """An instant in UTC with microseconds: TIMESTAMPTZ on PostgreSQL, RFC 3339 text of one fixed width on SQLite.

    The text sorts as the instants do and is readable in the sqlite3 shell.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column in this dialect."""
        native: TypeEngine[Any] = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(native)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Return what turns an aware datetime into the stored value, or None where the driver does it."""
        return _as_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime] | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what turns the stored value into an aware datetime, or None where the driver does it."""
        return datetime.fromisoformat if dialect.name == "sqlite" else None


def _as_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _text(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _references(table: str, columns: str, parent: str, parent_columns: str = "") -> ForeignKeyConstraint:
    child = columns.split()
    return ForeignKeyConstraint(
        child,
        [f"{parent}.{column}" for column in (parent_columns or columns).split()],
        name=f"{table}_{'_'.join(child)}_fkey",
        onupdate="CASCADE",
        ondelete="RESTRICT" if parent == "tenants" else "CASCADE",
    )


def _unique(table: str, columns: str) -> UniqueConstraint:
    return UniqueConstraint(*columns.split(), name=f"{table}_{columns.replace(' ', '_')}_key")


def _index(table: str, columns: str) -> Index:
    """Return an index that enforces nothing: it spares lists and cascades the walk through the whole table."""
    return Index(f"{table}_{columns.replace(' ', '_')}_idx", *columns.split())


def _table(name: str, *parts: SchemaItem, expires: bool = False) -> Table:
    first: list[SchemaItem] = [
        Column("id", Integer, primary_key=True),
        Column("tenant", Text, nullable=name != "tenants"),
    ]
    stamps = ["expires_at"] if expires else []
    last: list[SchemaItem] = [Column(stamp, Timestamp, nullable=False) for stamp in [*stamps, "created", "updated"]]
    return Table(name, metadata, *first, *parts, *last, sqlite_autoincrement=True)


tenants = _table("tenants", Column("enabled", Boolean, nullable=False), _unique("tenants", "tenant"))

clients = _table(
    "clients",
    *_text("app_name", "app_version", "client_id", "client_secret"),
    Column("enabled", Boolean, nullable=False),
    _unique("clients", "tenant app_name app_version"),
    Index("clients_tenant_client_idx", "tenant", "client_id", unique=True),
    _references("clients", "tenant", "tenants"),
)

user_mfa = _table(
    "user_mfa",
    *_text("tms_user_id"),
    Column("enabled", Boolean, nullable=False),
    _unique("user_mfa", "tenant tms_user_id"),
    _references("user_mfa", "tenant", "tenants"),
    expires=True,
)

user_hosts = _table(
    "user_hosts",
    *_text("tms_user_id", "host", "host_account"),
    _unique("user_hosts", "tenant tms_user_id host host_account"),
    _references("user_hosts", "tenant", "tenants"),
    _references("user_hosts", "tenant tms_user_id", "user_mfa"),
    expires=True,
)

delegations = _table(
    "delegations",
    *_text("client_id", "client_user_id"),
    _unique("delegations", "tenant client_id client_user_id"),
    Index("delg_user_client_idx", "tenant", "client_id", "client_user_id", unique=True),
    _index("delegations", "tenant client_user_id"),
    _references("delegations", "tenant", "tenants"),
    _references("delegations", "tenant client_user_id", "user_mfa", "tenant tms_user_id"),
    _references("delegations", "tenant client_id", "clients"),
    expires=True,
)

pubkeys = _table(
    "pubkeys",
    *_text("client_id", "client_user_id", "host", "host_account", "public_key_fingerprint", "public_key", "key_type"),
    *[
        Column(name, Integer, nullable=False)
        for name in ("key_bits", "max_uses", "remaining_uses", "initial_ttl_minutes")
    ],
    *[
        CheckConstraint(f"{name} >= 0", name=f"pubkeys_{name}_check")
        for name in ("max_uses", "remaining_uses", "initial_ttl_minutes")
    ],
    _unique("pubkeys", "public_key_fingerprint host"),
    _index("pubkeys", "tenant client_user_id host host_account"),
    _index("pubkeys", "tenant client_id client_user_id"),
    _references("pubkeys", "tenant", "tenants"),
    _references("pubkeys", "tenant client_user_id", "user_mfa", "tenant tms_user_id"),
    _references("pubkeys", "tenant client_id", "clients"),
    _references(
        "pubkeys", "tenant client_user_id host host_account", "user_hosts", "tenant tms_user_id host host_account"
    ),
    _references("pubkeys", "tenant client_id client_user_id", "delegations"),
    expires=True,
)

reservations = _table(
    "reservations",
    *_text("resid", "parent_resid", "client_id", "client_user_id", "host", "public_key_fingerprint"),
    _unique("reservations", "resid"),
    _index("reservations", "tenant client_user_id"),
    _index("reservations", "tenant client_id"),
    _index("reservations", "public_key_fingerprint host"),
    _references("reservations", "tenant", "tenants"),
    _references("reservations", "tenant client_user_id", "user_mfa", "tenant tms_user_id"),
    _references("reservations", "tenant client_id", "clients"),
    _references("reservations", "public_key_fingerprint host", "pubkeys"),
    expires=True,
)

admin = _table(
    "admin",
    *_text("admin_user", "admin_secret", "privilege"),
    _unique("admin", "tenant admin_user"),
    _references("admin", "tenant", "tenants"),
)

hosts = _table(
    "hosts",
    *_text("host", "addr"),
    _unique("hosts", "tenant host addr"),
    _references("hosts", "tenant", "tenants"),
)


def named_unique_sets(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    """Return name and columns of each unique constraint, then of each unique index, as PostgreSQL checks them."""
    constraints = sorted(
        (part for part in table.constraints if isinstance(part, UniqueConstraint)),
        key=lambda part: part._creation_order,
    )
    indexes = [index for index in table.indexes if index.unique]
    parts: list[UniqueConstraint | Index] = [*constraints, *indexes]
    return [(str(part.name), tuple(column.name for column in part.columns)) for part in parts]
