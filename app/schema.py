"""What a database has to become before it is served: this code's schema, with its seed. It knows no engine of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, column, literal_column, select, table, update

from . import oauth_tables  # noqa: F401 - its tables belong to `metadata` too
from .statements import Statement
from .tables import metadata, tenants

REVISIONS = ("tms_0001", "tms_0002", "tms_0003", "tms_0004", "tms_0005", "tms_0006")
HEAD = REVISIONS[-1]
# Of all tables this one alone is never replaced; a start writes it together with the seed.
REVISION = Statement(select(column("version_num")).select_from(table("alembic_version")))
_BEFORE_OAUTH = REVISIONS[: REVISIONS.index("tms_0003")]

VERSION_TABLE = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
SET_TEST_TENANT = (
    update(tenants)
    .where(tenants.c.tenant == literal_column("'test'"), tenants.c.enabled != bindparam("flag"))
    .values(enabled=bindparam("flag"))
)

Planted = TypeVar("Planted")


class Preparation(NamedTuple, Generic[Planted]):
    """What a start does with a database, over a transaction that has begun.

    `plant` seeds a new one, `supplement` plants the authorization server's part in one that is older than that, `check`
    looks whether it can be served. Any of them raises StartRefused.
    """

    plant: Callable[[Connection], Planted]
    supplement: Callable[[Connection], None]
    enable_test_tenant: bool
    check: Callable[[Connection], None] = lambda _begun: None


class Prepared(NamedTuple, Generic[Planted]):
    """What a start found and did: the revision before it (None: there was no schema), and what it planted, if it did."""

    revision_found: str | None
    planted: Planted | None


def bring_up(begun: Connection, found: str | None, preparation: Preparation[Planted]) -> Prepared[Planted]:
    """Migrate, seed and check a database whose revision was `found`, and set the tenant `test` (contract 1.10).

    The caller ends the transaction, so that a start that fails leaves nothing half done.
    """
    if found is None and begun.dialect.name == "sqlite":
        make(begun)
    elif found != HEAD:
        migrate(begun)
    planted = preparation.plant(begun) if found is None else None
    if found in _BEFORE_OAUTH:
        preparation.supplement(begun)
    begun.execute(SET_TEST_TENANT, {"flag": preparation.enable_test_tenant})
    preparation.check(begun)
    return Prepared(found, planted)


def make(begun: Connection) -> None:
    """Make on an empty SQLite database what all revisions make, to the letter, in a tenth of their time."""
    metadata.create_all(begun, checkfirst=False)
    begun.exec_driver_sql(VERSION_TABLE.strip())
    begun.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def migrate(begun: Connection, revision: str = HEAD) -> None:
    """Run the pending revisions up to `revision` in the transaction that has begun; the caller ends it."""
    from alembic import command  # Loading Alembic takes longer than the rest of a start that needs no migration.
    from alembic.config import Config

    configuration = Config(attributes={"connection": begun})
    configuration.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    command.upgrade(configuration, revision)


def migrations_folder() -> Path:
    """Return where the revisions are: in the wheel inside this package, in a checkout beside it."""
    package = Path(__file__).resolve().parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
