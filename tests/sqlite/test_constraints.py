"""Tests of app/constraints.py: the table of database messages (contract 2.0), each by a real refusal of a real schema."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, delete, update

from app import tables
from app.clock import NEVER
from app.errors import DatabaseError
from app.modes import Modes
from app.settings import Settings
from app.sqlite.constraints import NUL, refused_insert, translate
from app.sqlite.database import MEMORY, open_sqlite
from app.sqlite.store import SqliteStore
from app.sqlite.transaction import statement_row
from app.statements import Insert, Statement, matching
from app.steering.board import Board
from app.wire import WIRES

MOMENT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
STAMPS = {"created": MOMENT, "updated": MOMENT}
EXPIRING = {"expires_at": NEVER, **STAMPS}

TENANT = {"tenant": "t", "enabled": True, **STAMPS}
CLIENT = {
    "tenant": "t",
    "app_name": "a",
    "app_version": "1.0",
    "client_id": "c",
    "client_secret": "s",
    "enabled": True,
    **STAMPS,
}
USER = {"tenant": "t", "tms_user_id": "u", "enabled": True, **EXPIRING}
MAPPING = {"tenant": "t", "tms_user_id": "u", "host": "h", "host_account": "x", **EXPIRING}
DELEGATION = {"tenant": "t", "client_id": "c", "client_user_id": "u", **EXPIRING}
KEY = {
    "tenant": "t",
    "client_id": "c",
    "client_user_id": "u",
    "host": "h",
    "host_account": "x",
    "public_key_fingerprint": "f",
    "public_key": "k",
    "key_type": "ssh-ed25519",
    "key_bits": 256,
    "max_uses": 1,
    "remaining_uses": 1,
    "initial_ttl_minutes": 1,
    **EXPIRING,
}
RESERVATION = {
    "tenant": "t",
    "resid": "r",
    "parent_resid": "r",
    "client_id": "c",
    "client_user_id": "u",
    "host": "h",
    "public_key_fingerprint": "f",
    **EXPIRING,
}
HOST = {"tenant": "t", "host": "h", "addr": "10.0.0.1", **STAMPS}
ADMINISTRATOR = {"tenant": "t", "admin_user": "~~admin", "admin_secret": "s", "privilege": "PERM_ADMIN", **STAMPS}

DUPLICATE = "duplicate key value violates unique constraint"
FOREIGN = "(code: 787) FOREIGN KEY constraint failed"
RESTRICTED = "(code: 1811) FOREIGN KEY constraint failed"


def missing(table, constraint):
    """Return PostgreSQL's words for a row whose parent is missing."""
    return f'insert or update on table "{table}" violates foreign key constraint "{table}_{constraint}_fkey"'


def in_use(child):
    """Return PostgreSQL's words for a tenant that a child refers to."""
    return (
        f'update or delete on table "tenants" violates foreign key constraint "{child}_tenant_fkey" on table "{child}"'
    )


def unique(*columns):
    """Return SQLite's words for a duplicate."""
    return f"(code: 2067) UNIQUE constraint failed: {', '.join(columns)}"


@pytest.fixture
async def store_for(schema):
    """Return a function that opens a store in memory, for a wire version, with the tenant `t` and these rows."""
    opened = []

    async def open_store(wire_version, *rows):
        store = SqliteStore(MEMORY, Modes.of(Settings(wire_version=wire_version)), Board(None))
        await store.open(schema.backup)
        opened.append(store)
        for table, row in ((tables.tenants, TENANT), *rows):
            await store.write(inserting(table, row))
        return store

    yield open_store
    for store in opened:
        await store.close()


def inserting(table, row):
    """Return the work that inserts a row."""
    return lambda transaction: transaction.insert(Insert(table), **row)


def deleting(table, columns, **key):
    """Return the work that deletes by these columns."""
    return lambda transaction: transaction.delete(
        Statement(delete(table).where(matching(table, columns))), table, **key
    )


def updating(table, columns, column, value, **key):
    """Return the work that sets one column."""
    statement = Statement(update(table).values({column: bindparam("new")}).where(matching(table, columns)))
    return lambda transaction: transaction.update(statement, table, new=value, **key)


async def everything(store):
    """Return the count and the contents of every table that holds a row."""
    found = {}
    for table in tables.metadata.sorted_tables:
        rows = [row async for page in store.pages(Statement(table.select())) for row in page]
        found |= {table.name: rows} if rows else {}
    return found


async def refusal(store, work):
    """Return how the database refuses the work; nothing may have changed then."""
    before = await everything(store)
    with pytest.raises(DatabaseError) as refused:
        await store.write(work)
    assert await everything(store) == before
    return refused.value


CLIENT_ROW = (tables.clients, CLIENT)
USER_ROW = (tables.user_mfa, USER)
MAPPING_ROW = (tables.user_hosts, MAPPING)
DELEGATION_ROW = (tables.delegations, DELEGATION)
KEY_ROW = (tables.pubkeys, KEY)
HOST_ROW = (tables.hosts, HOST)
WITH_KEY = [CLIENT_ROW, USER_ROW, MAPPING_ROW, DELEGATION_ROW, KEY_ROW]

SAME_APP = {**CLIENT, "client_id": "other"}
SAME_ID = {**CLIENT, "app_name": "other"}
REFUSED_INSERTS = {
    "client: same app_name and app_version": (
        [CLIENT_ROW],
        (tables.clients, SAME_APP),
        f'{DUPLICATE} "clients_tenant_app_name_app_version_key"',
        unique("clients.tenant", "clients.app_name", "clients.app_version"),
    ),
    "client: same client_id": (
        [CLIENT_ROW],
        (tables.clients, SAME_ID),
        f'{DUPLICATE} "clients_tenant_client_idx"',
        unique("clients.tenant", "clients.client_id"),
    ),
    "client: both, by one row": (
        [CLIENT_ROW],
        CLIENT_ROW,
        f'{DUPLICATE} "clients_tenant_app_name_app_version_key"',
        unique("clients.tenant", "clients.client_id"),
    ),
    "client: both, by two rows": (
        [(tables.clients, {**SAME_ID, "app_name": "a2"}), (tables.clients, SAME_APP)],
        CLIENT_ROW,
        f'{DUPLICATE} "clients_tenant_app_name_app_version_key"',
        unique("clients.tenant", "clients.client_id"),
    ),
    "user MFA exists": (
        [USER_ROW],
        (tables.user_mfa, {**USER, "enabled": False}),
        f'{DUPLICATE} "user_mfa_tenant_tms_user_id_key"',
        unique("user_mfa.tenant", "user_mfa.tms_user_id"),
    ),
    "user host exists": (
        [USER_ROW, MAPPING_ROW],
        MAPPING_ROW,
        f'{DUPLICATE} "user_hosts_tenant_tms_user_id_host_host_account_key"',
        unique("user_hosts.tenant", "user_hosts.tms_user_id", "user_hosts.host", "user_hosts.host_account"),
    ),
    "user host without user MFA": ([], MAPPING_ROW, missing("user_hosts", "tenant_tms_user_id"), FOREIGN),
    "delegation exists": (
        [CLIENT_ROW, USER_ROW, DELEGATION_ROW],
        DELEGATION_ROW,
        f'{DUPLICATE} "delegations_tenant_client_id_client_user_id_key"',
        unique("delegations.tenant", "delegations.client_id", "delegations.client_user_id"),
    ),
    "delegation: no such user MFA": (
        [CLIENT_ROW],
        DELEGATION_ROW,
        missing("delegations", "tenant_client_user_id"),
        FOREIGN,
    ),
    "delegation: neither user MFA nor client": (
        [],
        DELEGATION_ROW,
        missing("delegations", "tenant_client_user_id"),
        FOREIGN,
    ),
    "delegation: no such client": ([USER_ROW], DELEGATION_ROW, missing("delegations", "tenant_client_id"), FOREIGN),
    "tenant exists": ([], (tables.tenants, TENANT), f'{DUPLICATE} "tenants_tenant_key"', unique("tenants.tenant")),
    "host mapping exists": (
        [HOST_ROW],
        HOST_ROW,
        f'{DUPLICATE} "hosts_tenant_host_addr_key"',
        unique("hosts.tenant", "hosts.host", "hosts.addr"),
    ),
    "reservation on a key that is not there": (
        WITH_KEY,
        (tables.reservations, {**RESERVATION, "host": "another"}),
        missing("reservations", "public_key_fingerprint_host"),
        FOREIGN,
    ),
    "row of a tenant that is not there": (
        [],
        (tables.user_hosts, {**MAPPING, "tenant": "another"}),
        missing("user_hosts", "tenant"),
        FOREIGN,
    ),
    "key without its mapping": (
        [CLIENT_ROW, USER_ROW, DELEGATION_ROW],
        KEY_ROW,
        missing("pubkeys", "tenant_client_user_id_host_host_account"),
        FOREIGN,
    ),
    "key without its delegation": (
        [CLIENT_ROW, USER_ROW, MAPPING_ROW],
        KEY_ROW,
        missing("pubkeys", "tenant_client_id_client_user_id"),
        FOREIGN,
    ),
    "key without anything but the tenant": ([], KEY_ROW, missing("pubkeys", "tenant_client_user_id"), FOREIGN),
    "same fingerprint on the same host": (
        WITH_KEY,
        KEY_ROW,
        f'{DUPLICATE} "pubkeys_public_key_fingerprint_host_key"',
        unique("pubkeys.public_key_fingerprint", "pubkeys.host"),
    ),
}


@pytest.mark.parametrize("wire_version", WIRES)
@pytest.mark.parametrize(
    ("rows", "refused", "postgresql", "sqlite"), REFUSED_INSERTS.values(), ids=REFUSED_INSERTS.keys()
)
async def test_a_refused_insert(store_for, wire_version, rows, refused, postgresql, sqlite):
    """The words of both databases, whichever version is in force; the version chooses between them."""
    store = await store_for(wire_version, *rows)
    error = await refusal(store, inserting(*refused))
    assert (error.postgresql, error.sqlite) == (postgresql, sqlite)
    shown = postgresql if wire_version == "0.3.0" else sqlite
    assert WIRES[wire_version].database_text(error) == f"error returned from database: {shown}"


LEFT = {"clients": CLIENT_ROW, "user_mfa": USER_ROW, "hosts": HOST_ROW}


@pytest.mark.parametrize("wire_version", WIRES)
@pytest.mark.parametrize(
    ("left", "named"),
    [
        (["clients"], "clients"),
        (["user_mfa"], "user_mfa"),
        (["hosts"], "hosts"),
        (["hosts", "user_mfa"], "user_mfa"),
        (["hosts", "user_mfa", "clients"], "clients"),
        (["hosts", "clients"], "clients"),
    ],
)
async def test_a_tenant_with_records_left_is_not_deleted(store_for, wire_version, left, named):
    """Of several tables the first of clients, user_mfa and hosts is named."""
    store = await store_for(wire_version, *[LEFT[name] for name in left])
    error = await refusal(store, deleting(tables.tenants, "tenant", tenant="t"))
    assert (error.postgresql, error.sqlite) == (in_use(named), RESTRICTED)


async def test_another_tenants_records_do_not_keep_a_tenant(store_for):
    """What is left is looked for in the tenant that is deleted."""
    store = await store_for("0.3.0", CLIENT_ROW, (tables.tenants, {**TENANT, "tenant": "t2"}))
    assert await store.write(deleting(tables.tenants, "tenant", tenant="t2")) == 1


async def test_a_tenant_kept_by_another_table(store_for):
    """The endpoints delete the administrators first; who does not gets SQLite's own words."""
    store = await store_for("0.3.0", (tables.admin, ADMINISTRATOR))
    error = await refusal(store, deleting(tables.tenants, "tenant", tenant="t"))
    assert (error.postgresql, error.sqlite) == ("FOREIGN KEY constraint failed", RESTRICTED)


async def test_a_client_updated_to_anothers_version(store_for):
    """PATCH client/upd can make two clients the same application (E06)."""
    other = {**CLIENT, "client_id": "c2", "app_version": "2.0"}
    store = await store_for("0.3.0", CLIENT_ROW, (tables.clients, other))
    error = await refusal(store, updating(tables.clients, "client_id", "app_version", "1.0", client_id="c2"))
    assert error.postgresql == f'{DUPLICATE} "clients_tenant_app_name_app_version_key"'
    assert error.sqlite == unique("clients.tenant", "clients.app_name", "clients.app_version")


async def test_an_update_that_breaks_another_rule(store_for):
    """What is no unique constraint keeps SQLite's own words."""
    store = await store_for("0.3.0", USER_ROW)
    error = await refusal(store, updating(tables.user_mfa, "tms_user_id", "tenant", "none", tms_user_id="u"))
    assert (error.postgresql, error.sqlite) == ("FOREIGN KEY constraint failed", FOREIGN)


async def test_a_check_constraint(store_for):
    """No request reaches one, since negative numbers are replaced before; the sentence still names the rule."""
    store = await store_for("0.3.0", *WITH_KEY[:-1])
    error = await refusal(store, inserting(tables.pubkeys, {**KEY, "max_uses": -1}))
    told = "CHECK constraint failed: pubkeys_max_uses_check"
    assert error.postgresql == f'new row for relation "pubkeys" violates a constraint: {told}'
    assert error.sqlite == f"(code: 275) {told}"


async def test_a_parent_that_is_found_after_all(schema):
    """Where nothing is missing any more no constraint can be named."""
    with closing(open_sqlite(MEMORY)) as connection:
        schema.backup(connection)
        user, mapping = Insert(tables.user_mfa), Insert(tables.user_hosts)
        with pytest.raises(sqlite3.IntegrityError) as refused:
            connection.execute(mapping.text, mapping.bind(MAPPING))
        connection.execute(Insert(tables.tenants).text, Insert(tables.tenants).bind(TENANT))
        connection.execute(user.text, user.bind(USER))
        row = statement_row(mapping, MAPPING)
        error = refused_insert(connection, refused.value, tables.user_hosts, row)
    told = 'insert or update on table "user_hosts" violates a foreign key constraint'
    assert (error.postgresql, error.sqlite) == (told, FOREIGN)


def failure(connection, *statements):
    """Run statements and return the error of the last one."""
    *before, last = statements
    for statement in before:
        connection.execute(statement)
    with pytest.raises(sqlite3.Error) as failed:
        connection.execute(last).fetchall()
    return failed.value


def locked(path):
    """Return the error of a database that another connection has locked."""
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as holder,
        closing(sqlite3.connect(path, timeout=0)) as one,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        return failure(one, "BEGIN IMMEDIATE")


def locked_table(path):
    """Return the error of a table that is being read by the same connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as one:
        one.execute("CREATE TABLE things (name)")
        one.execute("INSERT INTO things VALUES (1), (2)")
        reading = one.execute("SELECT name FROM things")
        reading.fetchone()
        error = failure(one, "DROP TABLE things")
        reading.close()
        return error


def read_only(path):
    """Return the error of a connection that may not write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as one:
        return failure(one, "CREATE TABLE things (name)", "PRAGMA query_only = 1", "INSERT INTO things VALUES (1)")


def full(path):
    """Return the error of a database that may not grow."""
    with closing(sqlite3.connect(path, isolation_level=None)) as one:
        create = "CREATE TABLE things (name)"
        return failure(one, create, "PRAGMA max_page_count = 2", "INSERT INTO things VALUES (zeroblob(100000))")


def mistaken(path):
    """Return the error of a statement that is none."""
    with closing(sqlite3.connect(path)) as one:
        return failure(one, "SELECT * FROM absent")


def not_openable(path):
    """Return the error of a file that cannot be there."""
    with pytest.raises(sqlite3.Error) as failed:
        sqlite3.connect(path.parent / "no folder" / "x.db")
    return failed.value


def closed(path):
    """Return the error of a connection that is closed, which has no code."""
    one = sqlite3.connect(path)
    one.close()
    return failure(one, "SELECT 1")


@pytest.mark.parametrize(
    ("provoke", "sqlite", "postgresql"),
    [
        (locked, "(code: 5) database is locked", "canceling statement due to lock timeout"),
        (locked_table, "(code: 6) database table is locked", "canceling statement due to lock timeout"),
        (
            read_only,
            "(code: 8) attempt to write a readonly database",
            "cannot execute INSERT in a read-only transaction",
        ),
        (full, "(code: 13) database or disk is full", "could not extend file: No space left on device"),
        (mistaken, "(code: 1) no such table: absent", "no such table: absent"),
        (not_openable, "(code: 14) unable to open database file", "unable to open database file"),
        (closed, "(code: 1) Cannot operate on a closed database.", "Cannot operate on a closed database."),
    ],
)
def test_a_failure_of_the_database_itself(tmp_path, provoke, sqlite, postgresql):
    """Each trouble, provoked for real, in the words of both databases."""
    error = translate(provoke(tmp_path / "x.db"))
    assert (error.sqlite, error.postgresql) == (sqlite, postgresql)


def test_a_nul_character():
    """PostgreSQL's words for what SQLite would have stored (D8)."""
    assert NUL.postgresql == 'invalid byte sequence for encoding "UTF8": 0x00'
