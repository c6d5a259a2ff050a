"""Tests of migrations/: the revisions make what app/tables.py says, and lose no row on the way."""

import io
import re
import shutil
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

from app.errors import StartRefused
from app.oauth_tables import metadata  # It imports those of TMS.
from app.schema import HEAD, REVISIONS, Preparation, migrate, migrations_folder
from app.sqlite.database import open_sqlite, prepare

ROOT = Path(__file__).parents[1]
MOMENT = "2026-11-23T18:00:00.000000+00:00"
NEVER = "9999-12-31T23:59:59.000000+00:00"
FILL = f"""
INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('test', 1, '{MOMENT}', '{MOMENT}');
INSERT INTO admin (tenant, admin_user, admin_secret, privilege, created, updated)
    VALUES ('test', '~~admin', 'hash', 'PERM_ADMIN', '{MOMENT}', '{MOMENT}');
INSERT INTO clients (tenant, app_name, app_version, client_id, client_secret, enabled, created, updated)
    VALUES ('test', 'app1', '1.0', 'client1', 'hash', 1, '{MOMENT}', '{MOMENT}');
INSERT INTO user_mfa (tenant, tms_user_id, enabled, expires_at, created, updated)
    VALUES ('test', 'user1', 1, '{NEVER}', '{MOMENT}', '{MOMENT}');
INSERT INTO user_hosts (tenant, tms_user_id, host, host_account, expires_at, created, updated)
    VALUES ('test', 'user1', 'host1', 'account1', '{NEVER}', '{MOMENT}', '{MOMENT}');
INSERT INTO delegations (tenant, client_id, client_user_id, expires_at, created, updated)
    VALUES ('test', 'client1', 'user1', '{NEVER}', '{MOMENT}', '{MOMENT}');
INSERT INTO pubkeys (tenant, client_id, client_user_id, host, host_account, public_key_fingerprint, public_key,
        key_type, key_bits, max_uses, remaining_uses, initial_ttl_minutes, expires_at, created, updated)
    VALUES ('test', 'client1', 'user1', 'host1', 'account1', 'SHA256:1', 'ssh-ed25519 1',
        'ed25519', 256, 3, 2, 60, '{NEVER}', '{MOMENT}', '{MOMENT}');
INSERT INTO reservations (tenant, resid, parent_resid, client_id, client_user_id, host, public_key_fingerprint,
        expires_at, created, updated)
    VALUES ('test', 'r1', 'r1', 'client1', 'user1', 'host1', 'SHA256:1', '{NEVER}', '{MOMENT}', '{MOMENT}');
INSERT INTO hosts (tenant, host, addr, created, updated) VALUES ('test', 'host1', '10.0.0.1', '{MOMENT}', '{MOMENT}');
"""

FILL_OAUTH = f"""
INSERT INTO oauth_clients (client_id, client_name, scope, grant_types, auth_methods, redirect_uris, created)
    VALUES ('client1', 'Client', 'openid', 'refresh_token', '', '', '{MOMENT}');
INSERT INTO oauth_users (username, password_hash, created) VALUES ('user1', 'hash', '{MOMENT}');
INSERT INTO oauth_grants (grant_id, issuer, client_id, username, scope, resource, authenticated_at, created, expires_at)
    VALUES ('grant1', '', 'client1', 'user1', 'openid', '', '{MOMENT}', '{MOMENT}', '{NEVER}');
INSERT INTO oauth_access_tokens (jti, grant_id, scope, created, expires_at)
    VALUES ('jti1', 'grant1', 'openid', '{MOMENT}', '{NEVER}');
INSERT INTO oauth_refresh_tokens (token_hash, grant_id, scope, created, expires_at)
    VALUES ('hash', 'grant1', 'openid', '{MOMENT}', '{NEVER}');
INSERT INTO oauth_authorization_codes (code_hash, issuer, client_id, username, redirect_uri, scope, resource,
        authenticated_at, created, expires_at)
    VALUES ('hash', '', 'client1', 'user1', 'http://localhost/', 'openid', '', '{MOMENT}', '{MOMENT}', '{NEVER}');
INSERT INTO device_flows (user_code, device_code_hash, issuer, dialect, client_id, scope, resource, address, user_agent,
        status, interval, wait_seconds, polls, created, expires_at)
    VALUES ('BCDFGHJK', 'hash', '', 'rfc8628', 'client1', 'openid', '', '127.0.0.1', 'curl',
        'pending', 5, 0, 1, '{MOMENT}', '{NEVER}');
INSERT INTO device_polls (user_code, number, at, answer, remarks)
    VALUES ('BCDFGHJK', 0, '{MOMENT}', 'authorization_pending', '');
INSERT INTO oauth_signing_keys (kid, issuer, private_key, created) VALUES ('kid1', '', 'pem', '{MOMENT}');
INSERT INTO oauth_sessions (session_hash, username, authenticated_at, expires_at)
    VALUES ('hash', 'user1', '{MOMENT}', '{NEVER}');
INSERT INTO oauth_failures (source, failures, window_ends_at) VALUES ('user_code 127.0.0.1', 1, '{NEVER}');
INSERT INTO oauth_secrets (name, secret, created) VALUES ('csrf', 'secret', '{MOMENT}');
"""
TMS = [name for name, table in metadata.tables.items() if "id" in table.columns]
OAUTH = [name for name in metadata.tables if name not in TMS]


def script_directory():
    """Return Alembic's own view of the folder."""
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations_folder()))
    return ScriptDirectory.from_config(configuration)


def engine_over(connection):
    """Return an engine that speaks through this one connection and begins its transactions for real."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN"))
    return engine


@pytest.fixture
def database():
    """Return a connection to a database in memory at HEAD, empty."""
    with closing(open_sqlite(":memory:")) as connection:
        with engine_over(connection).begin() as begun:
            migrate(begun)
        yield connection


@pytest.fixture
def filled(database):
    """Return the same with one row in each table."""
    database.executescript(FILL + FILL_OAUTH)
    return database


def counts(connection, names=tuple(metadata.tables)):
    """Return how many rows each table has."""
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def tables_of(connection):
    """Return the names of the tables that there are, without those of Alembic and SQLite."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in found if name in metadata.tables]


def rows_of(connection, name):
    """Return the rows of a table, each by the names of its columns."""
    cursor = connection.execute(f"SELECT * FROM {name}")
    return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor]


def definitions(connection):
    """Return the text of every table and index, as the database keeps it."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')"
    )
    return {name: " ".join(text.split()) for name, text in found}


def test_the_constants_are_the_revisions_of_the_folder():
    """app/schema.py knows them by heart, so that a start can do without Alembic."""
    scripts = script_directory()
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == list(REVISIONS)
    assert scripts.get_heads() == [HEAD]


def test_head_is_what_the_tables_say(database):
    """Alembic finds nothing that a further revision would have to do."""
    with engine_over(database).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_new_database_is_what_the_revisions_make(database):
    """A start on an empty database does without them; what it makes is the same to the letter, Alembic's own included."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    with closing(open_sqlite(":memory:")) as connection:
        prepare(connection, ":memory:", Preparation(lambda _begun: None, None, True))
        made, migrated = (
            [(*names, text and " ".join(text.split())) for *names, text in one.execute(query)]
            for one in (connection, database)
        )
        assert made == migrated
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [(HEAD,)]


def test_head_is_what_the_tables_say_to_the_letter(database):
    """Checks, AUTOINCREMENT and the order of constraints included, which Alembic does not compare."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with engine_over(connection).begin() as begun:
            metadata.create_all(begun)
        assert definitions(database) == definitions(connection)


def with_added_columns(statements):
    """Return the statements with each added column in the table's own text, before its constraints."""
    added = [re.fullmatch(r"ALTER TABLE (\w+) ADD COLUMN (.*)", text) for text in statements]
    whole = [text for text, match in zip(statements, added, strict=True) if match is None]
    for match in filter(None, added):
        [at] = [number for number, text in enumerate(whole) if text.startswith(f"CREATE TABLE {match[1]} (")]
        columns, constraints = re.split(r", (?=PRIMARY KEY)", whole[at])
        whole[at] = f"{columns}, {match[2]}, {constraints}"
    return whole


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_upgrade_loses_no_row(tmp_path, revision):
    """A filled database of every earlier revision has every row afterwards, and is whole."""
    path = str(tmp_path / "x.db")
    with closing(open_sqlite(path)) as connection:
        with engine_over(connection).begin() as begun:
            migrate(begun, revision)
        there = tables_of(connection)
        connection.executescript(FILL + (FILL_OAUTH if set(OAUTH) <= set(there) else ""))
        before = {name: rows_of(connection, name) for name in there}
        assert {name: len(rows) for name, rows in before.items()} == dict.fromkeys(there, 1)
        assert set(there) in (set(TMS), set(TMS + OAUTH))
    with closing(open_sqlite(path)) as connection:
        assert prepare(connection, path, Preparation(None, lambda _begun: None, True)) == (revision, None)
        after = {name: rows_of(connection, name) for name in metadata.tables}
        new = {"oauth_clients": {"tapis_tenant": "", "owner": "", "description": "", "active": 1}}
        new["device_flows"] = {"token_seconds": None}
        expected = {name: [new.get(name, {}) | row for row in before.get(name, [])] for name in metadata.tables}
        assert after == expected
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [(HEAD,)]


def test_an_upgrade_that_fails_leaves_the_revision_before(tmp_path):
    """What a failed upgrade had already made is undone, the rows stay."""
    path = str(tmp_path / "x.db")
    with closing(open_sqlite(path)) as connection:
        with engine_over(connection).begin() as begun:
            migrate(begun, REVISIONS[0])
        connection.executescript(FILL)
        connection.execute("CREATE INDEX reservations_tenant_client_user_id_idx ON reservations (tenant)")
        before = definitions(connection)
        with pytest.raises(StartRefused, match="reservations_tenant_client_user_id_idx already exists"):
            prepare(connection, path, Preparation(None, None, True))
        assert (definitions(connection), counts(connection, TMS)) == (before, dict.fromkeys(TMS, 1))
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [(REVISIONS[0],)]


@pytest.mark.parametrize("name", list(metadata.tables))
def test_every_foreign_key_is_the_beginning_of_an_index(database, name):
    """Otherwise each delete of a parent would walk through all rows of the child."""
    indexes = [
        [column for (_, _, column) in database.execute(f"PRAGMA index_info({index[1]})")]
        for index in database.execute(f"PRAGMA index_list({name})")
    ]
    keys = {}
    for number, _, _, column, *_ in database.execute(f"PRAGMA foreign_key_list({name})"):
        keys.setdefault(number, set()).add(column)
    assert [key for key in keys.values() if key not in [set(index[: len(key)]) for index in indexes]] == []
    assert len(keys) == len(metadata.tables[name].foreign_key_constraints)


@pytest.mark.parametrize(
    ("parent", "gone"),
    [
        ("user_mfa", {"user_mfa", "user_hosts", "delegations", "pubkeys", "reservations"}),
        ("clients", {"clients", "delegations", "pubkeys", "reservations"}),
        ("user_hosts", {"user_hosts", "pubkeys", "reservations"}),
        ("delegations", {"delegations", "pubkeys", "reservations"}),
        ("pubkeys", {"pubkeys", "reservations"}),
        ("reservations", {"reservations"}),
        ("admin", {"admin"}),
        ("hosts", {"hosts"}),
        ("oauth_grants", {"oauth_grants", "oauth_access_tokens", "oauth_refresh_tokens"}),
        ("oauth_access_tokens", {"oauth_access_tokens"}),
        ("oauth_refresh_tokens", {"oauth_refresh_tokens"}),
        ("device_flows", {"device_flows", "device_polls"}),
        ("device_polls", {"device_polls"}),
        *[(name, {name}) for name in ("oauth_clients", "oauth_users", "oauth_authorization_codes")],
        *[(name, {name}) for name in ("oauth_signing_keys", "oauth_sessions", "oauth_failures", "oauth_secrets")],
    ],
)
def test_a_deleted_row_takes_its_children_along(filled, parent, gone):
    """The cascade summary of the contract's section 3, tokens with their grant, polls with their flow, nothing else."""
    filled.execute(f"DELETE FROM {parent}")
    assert {name for name, count in counts(filled).items() if not count} == gone


@pytest.mark.parametrize("child", sorted({*TMS} - {"tenants"}))
def test_a_tenant_with_rows_cannot_be_deleted(database, child):
    """ON DELETE RESTRICT holds for every table, whichever is the last to refer to the tenant."""
    database.execute("PRAGMA foreign_keys = OFF")
    database.executescript(FILL)
    for name in {*TMS} - {"tenants", child}:
        database.execute(f"DELETE FROM {name}")
    database.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY constraint failed") as refused:
        database.execute("DELETE FROM tenants")
    assert refused.value.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_TRIGGER
    assert {name for name, count in counts(database).items() if count} == {"tenants", child}


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("UPDATE tenants SET tenant = 'new'", {name: {"tenant"} for name in TMS}),
        (
            "UPDATE clients SET client_id = 'new'",
            {name: {"client_id"} for name in ("clients", "delegations", "pubkeys", "reservations")},
        ),
        (
            "UPDATE user_mfa SET tms_user_id = 'new'",
            {name: {"tms_user_id"} for name in ("user_mfa", "user_hosts")}
            | {name: {"client_user_id"} for name in ("delegations", "pubkeys", "reservations")},
        ),
        ("UPDATE user_hosts SET host_account = 'new'", {name: {"host_account"} for name in ("user_hosts", "pubkeys")}),
        (
            "UPDATE pubkeys SET public_key_fingerprint = 'new'",
            {name: {"public_key_fingerprint"} for name in ("pubkeys", "reservations")},
        ),
    ],
)
def test_a_changed_name_reaches_its_children(filled, statement, changed):
    """ON UPDATE CASCADE carries a parent's new name on, column by column, and touches nothing else."""
    filled.execute(statement)
    found = {}
    for name, table in metadata.tables.items():
        (row,) = filled.execute(f"SELECT {', '.join(table.columns.keys())} FROM {name}").fetchall()
        columns = {column for column, value in zip(table.columns.keys(), row, strict=True) if value == "new"}
        found |= {name: columns} if columns else {}
    assert found == changed


@pytest.mark.parametrize("column", ["max_uses", "remaining_uses", "initial_ttl_minutes"])
def test_a_negative_count_is_refused(filled, column):
    """The three checks of pubkeys, under the names that PostgreSQL gives them."""
    with pytest.raises(sqlite3.IntegrityError, match=f"CHECK constraint failed: pubkeys_{column}_check"):
        filled.execute(f"UPDATE pubkeys SET {column} = -1")
    assert filled.execute(f"SELECT {column} >= 0 FROM pubkeys").fetchall() == [(1,)]


def test_a_client_that_is_there_twice_is_refused_as_by_the_real_server(filled):
    """SQLite names the (tenant, client_id) index first, as 0.1.0 answers (contract section 4)."""
    with pytest.raises(sqlite3.IntegrityError) as refused:
        filled.execute(
            "INSERT INTO clients (tenant, app_name, app_version, client_id, client_secret, enabled, created, updated)"
            " SELECT tenant, app_name, app_version, client_id, client_secret, enabled, created, updated FROM clients"
        )
    assert str(refused.value) == "UNIQUE constraint failed: clients.tenant, clients.client_id"


@pytest.mark.parametrize("name", TMS)
def test_an_id_is_never_given_twice(filled, name):
    """0.3.0 counts on after a delete, like a sequence (contract section 4)."""
    columns = ", ".join(column.name for column in metadata.tables[name].columns if column.name != "id")
    filled.execute("PRAGMA foreign_keys = OFF")
    filled.execute(f"CREATE TEMP TABLE copy AS SELECT {columns} FROM {name}")
    filled.execute(f"DELETE FROM {name}")
    filled.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM copy")
    assert filled.execute(f"SELECT id FROM {name}").fetchall() == [(2,)]


def test_a_user_code_belongs_to_one_flow(filled):
    """Two flows never share one (DA-19)."""
    columns = "device_code_hash, issuer, dialect, client_id, scope, resource, address, user_agent, status, interval"
    columns += ", wait_seconds, polls, created, expires_at"
    copy = f"INSERT INTO device_flows (user_code, {columns}) SELECT ?, {columns} FROM device_flows"
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: device_flows\.user_code"):
        filled.execute(copy, ["BCDFGHJK"])
    filled.execute(copy, ["BCDFGHJL"])
    assert counts(filled, ["device_flows"]) == {"device_flows": 2}


def test_a_further_revision_can_be_made_from_the_template(tmp_path):
    """The template gives a revision that runs after the last one."""
    shutil.copytree(migrations_folder(), tmp_path / "migrations")
    configuration = Config(stdout=io.StringIO())
    configuration.set_main_option("script_location", str(tmp_path / "migrations"))
    command.revision(configuration, "Adds nothing", head=HEAD, rev_id="tms_next")
    with closing(open_sqlite(str(tmp_path / "x.db"))) as connection:
        with engine_over(connection).begin() as begun:
            configuration.attributes["connection"] = begun
            command.upgrade(configuration, "head")
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("tms_next",)]


def test_the_wheel_takes_every_file_along():
    """Each folder below migrations/ that has files is one of the wheel's packages, each other file its data."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    files = [path for path in migrations_folder().rglob("*.*") if "__pycache__" not in path.parts]
    packages = {".".join(("tms_standin", *path.parent.relative_to(ROOT).parts)) for path in files}
    assert packages == {name for name in setuptools["packages"] if name.startswith("tms_standin.migrations")}
    data = [path.name for path in files if path.suffix != ".py"]
    assert setuptools["package-data"]["tms_standin.migrations"] == data
