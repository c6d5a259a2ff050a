"""Tests of app/sqlite/database.py, against real files, real locks and real second processes."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from app.errors import StartRefused
from app.oauth_tables import metadata  # It imports those of TMS.
from app.schema import HEAD, REVISIONS, Preparation, Prepared, migrate
from app.sqlite.database import BUSY_TIMEOUT_MILLISECONDS, location_of, open_sqlite, prepare

ROOT = Path(__file__).parents[2]
OURS = "expected a database that the stand-in made, or the name of a file that is not there yet"
WRITABLE = "expected a file in a directory that may be written"
URL = "expected sqlite:///FILE, sqlite:// for a database in memory, or postgresql://USER@HOST/DATABASE"
MOMENT = "2026-11-23T18:00:00.000000+00:00"
TENANT = text("INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('test', 1, :now, :now)")


def plant_one(begun):
    """Plant the tenant `test` and nothing else."""
    begun.execute(TENANT, {"now": MOMENT})
    return "planted"


def fail_to_plant(begun):
    """Plant a row and then refuse."""
    plant_one(begun)
    raise StartRefused("seed.toml: no.")


def fail_to_plant_oauth(begun):
    """Store a user and then refuse."""
    supplement_one(begun)
    raise StartRefused("seed.toml: no.")


def must_not_plant(_begun):
    """Fail the test: an existing database is never planted again."""
    raise AssertionError


def prepared(path, plant=plant_one, supplement=must_not_plant, enable_test_tenant=True):
    """Open, prepare and close a file, as one start does."""
    with closing(open_sqlite(str(path))) as connection:
        return prepare(connection, str(path), Preparation(plant, supplement, enable_test_tenant))


def rows(path, statement):
    """Return what a plain connection reads."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def execute(path, *statements):
    """Change a file with a plain connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def names_in(folder):
    """Return the names of all files, shared memory included."""
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    """Return name and hash of every file but the shared memory, which holds locks and no data."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*[!m]") if path.is_file()}


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("sqlite://", ":memory:"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite:///tms.db", "tms.db"),
        ("sqlite:///data/100%.db", "data/100%.db"),
        ("sqlite:////abs/x.db", "/abs/x.db"),
    ],
)
def test_location_of_a_served_url(url, location):
    """A URL of SQLite gives the path as it stands, relative or absolute, or memory."""
    assert location_of(url) == location


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://tms:pass1word@db/tms", f"this URL is not served, {URL}"),
        ("sqlite://db.example/pass1word", f"this URL is not served, {URL}"),
        ("sqlite://tms:pass1word@/tms.db", f"this URL is not served, {URL}"),
        ("sqlite:///tms.db?mode=pass1word", f"this URL is not served, {URL}"),
        ("sqlite+aiosqlite:///pass1word.db", f"this URL is not served, {URL}"),
        ("sqlite:///pass1word\0.db", f"this URL is not served, {URL}"),
        ("sqlite:///", f"this URL is not served, {URL}"),
        ("pass1word", f"this is no database's URL, {URL}"),
        ("postgresql://db:pass1word/tms", f"this is no database's URL, {URL}"),
        ("", f"this is no database's URL, {URL}"),
    ],
)
def test_location_of_another_url_is_refused_without_its_password(url, sentence):
    """The sentence says what was expected and repeats nothing of the URL."""
    with pytest.raises(StartRefused) as refused:
        location_of(url)
    assert str(refused.value) == f"standin.database: {sentence}."


def test_open_sqlite_sets_the_connection_up(tmp_path):
    """Autocommit, foreign keys, patience and full durability, usable from another thread."""
    with closing(open_sqlite(str(tmp_path / "x.db"))) as connection:
        found = []
        pragmas = ("foreign_keys", "busy_timeout", "synchronous")

        def read():
            found.extend(connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        assert (found, connection.isolation_level) == ([1, BUSY_TIMEOUT_MILLISECONDS, 2], None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/x.db", "No such file or directory"),
        ("file/x.db", "Not a directory"),
        ("folder", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_opened_is_refused(tmp_path, name, reason):
    """The sentence names the whole path and the operating system's reason, and nothing is made."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StartRefused) as refused:
        open_sqlite(str(tmp_path / name))
    assert str(refused.value) == f"{tmp_path / name}: it cannot be opened ({reason}), {WRITABLE}."
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_a_directory_that_takes_no_file_is_refused():
    """Not even root can make a file in /proc, so the answer is the same for everybody."""
    with pytest.raises(StartRefused) as refused:
        open_sqlite("/proc/x.db")
    assert str(refused.value) == f"/proc/x.db: it cannot be opened (No such file or directory), {WRITABLE}."


def test_a_file_whose_log_cannot_be_made_is_refused(tmp_path):
    """Where the operating system finds nothing wrong with the file, the sentence does not make up a reason."""
    prepared(tmp_path / "x.db")
    (tmp_path / "x.db-wal").mkdir()
    with pytest.raises(StartRefused) as refused:
        open_sqlite(str(tmp_path / "x.db"))
    assert str(refused.value) == f"{tmp_path / 'x.db'}: it cannot be opened, {WRITABLE}."


@pytest.mark.parametrize("size", [100, 511, 512, 5000])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path, size):
    """Garbage of any size stays byte for byte as it was, alone in its directory."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"g" * size)
    with pytest.raises(StartRefused) as refused:
        open_sqlite(str(path))
    assert str(refused.value) == f"{path}: it is not an SQLite database, {OURS}."
    assert (names_in(tmp_path), path.read_bytes()) == (["notes.txt"], b"g" * size)


def test_a_damaged_database_is_refused(tmp_path):
    """A database whose pages are overwritten is not migrated."""
    path = tmp_path / "x.db"
    prepared(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StartRefused) as refused:
        prepared(path)
    assert str(refused.value) == f"{path}: the database is damaged, {OURS}."


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (["CREATE TABLE notes (a)"], f"this database belongs to another program, {OURS}"),
        (["CREATE TABLE alembic_version (version_num)"], f"this database belongs to another program, {OURS}"),
        (
            ["CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('tms_9999')"],
            f"revision 'tms_9999' is unknown to this code, expected {HEAD} or older",
        ),
        (
            ["CREATE TABLE alembic_version (other)"],
            "the database cannot be brought to this code's schema: no such column: version_num",
        ),
    ],
)
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_database_of_a_stranger_or_of_newer_code_is_refused_and_kept(tmp_path, journal, statements, sentence):
    """It stays byte for byte as it was, in its own journal mode, and no -wal or -shm file is left beside it."""
    path = tmp_path / "x.db"
    execute(path, f"PRAGMA journal_mode = {journal}", *statements)
    before = contents(tmp_path)
    with pytest.raises(StartRefused) as refused:
        prepared(path, must_not_plant)
    assert str(refused.value) == f"{path}: {sentence}."
    assert (contents(tmp_path), names_in(tmp_path)) == (before, ["x.db"])


def test_what_a_killed_newer_process_left_is_kept(tmp_path):
    """Commits that are only in the -wal file stay there: a refused start does not even tidy up."""
    path = tmp_path / "x.db"
    prepared(path)
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute(\"UPDATE alembic_version SET version_num = 'tms_9999'\"); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == -signal.SIGKILL
    before = contents(tmp_path)
    with pytest.raises(StartRefused) as refused:
        prepared(path, must_not_plant)
    assert str(refused.value) == f"{path}: revision 'tms_9999' is unknown to this code, expected {HEAD} or older."
    assert (contents(tmp_path), sorted(before)) == (before, ["x.db", "x.db-wal"])


def test_what_our_own_killed_process_left_is_taken_up(tmp_path):
    """A start after kill -9 finds every commit, whether it had reached the file or not."""
    path = tmp_path / "x.db"
    prepared(path)
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute(\"UPDATE tenants SET created = 'kept'\"); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == -signal.SIGKILL
    assert prepared(path, must_not_plant) == Prepared(HEAD, None)
    assert rows(path, "SELECT tenant, created FROM tenants") == [("test", "kept")]


def test_a_new_file_is_made_migrated_and_planted(tmp_path):
    """The first start makes the schema of HEAD in WAL mode, and what `plant` returns is handed on."""
    path = tmp_path / "x.db"
    assert prepared(path) == Prepared(None, "planted")
    names = {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {*metadata.tables, "alembic_version", "sqlite_sequence"}
    assert rows(path, "SELECT * FROM alembic_version") == [(HEAD,)]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_an_empty_file_is_a_new_one(tmp_path):
    """A file that somebody made ahead, such as a mounted one, is taken."""
    (tmp_path / "x.db").write_bytes(b"")
    assert prepared(tmp_path / "x.db") == Prepared(None, "planted")


def test_a_path_with_every_special_character_works(tmp_path):
    """Percent signs, question marks and spaces are part of the name, also where it is made into an address."""
    path = tmp_path / "a %20?b#c"
    path.mkdir()
    with closing(open_sqlite(str(path / "x.db"))) as held:
        prepare(held, str(path / "x.db"), Preparation(plant_one, must_not_plant, True))
        assert prepared(path / "x.db", must_not_plant) == Prepared(HEAD, None)
    assert names_in(path) == ["x.db"]


def test_a_database_in_memory_is_prepared_and_stays_usable():
    """No file, no WAL, and the connection is handed back outside any transaction."""
    with closing(open_sqlite(":memory:")) as connection:
        assert prepare(connection, ":memory:", Preparation(plant_one, must_not_plant, True)) == Prepared(
            None, "planted"
        )
        assert prepare(connection, ":memory:", Preparation(must_not_plant, must_not_plant, True)) == Prepared(
            HEAD, None
        )
        assert not connection.in_transaction
        assert connection.execute("SELECT id, tenant FROM tenants").fetchall() == [(1, "test")]


@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("before", [0, 1])
def test_every_start_sets_the_test_tenant(tmp_path, before, enabled):
    """`enabled` follows the setting, `updated` and the other tenants stay (contract 1.10)."""
    path = tmp_path / "x.db"
    prepared(path)
    execute(path, f"UPDATE tenants SET enabled = {before}")
    execute(path, f"INSERT INTO tenants (tenant, enabled, created, updated) VALUES ('other', {before}, 'c', 'u')")
    assert prepared(path, must_not_plant, enable_test_tenant=enabled) == Prepared(HEAD, None)
    assert rows(path, "SELECT tenant, enabled, created, updated FROM tenants") == [
        ("test", int(enabled), MOMENT, MOMENT),
        ("other", before, "c", "u"),
    ]


def test_a_start_without_the_test_tenant_is_no_error(tmp_path):
    """Somebody may have deleted it (contract 1.10)."""
    path = tmp_path / "x.db"
    prepared(path)
    execute(path, "DELETE FROM tenants")
    assert prepared(path, must_not_plant) == Prepared(HEAD, None)
    assert rows(path, "SELECT * FROM tenants") == []


def test_the_first_start_sets_the_test_tenant_too(tmp_path):
    """What was planted enabled is disabled before anybody sees it."""
    prepared(tmp_path / "x.db", enable_test_tenant=False)
    assert rows(tmp_path / "x.db", "SELECT tenant, enabled FROM tenants") == [("test", 0)]


def test_a_failed_first_start_leaves_no_table(tmp_path):
    """Schema and seed are one transaction, and the next start begins anew."""
    path = tmp_path / "x.db"
    with closing(open_sqlite(str(path))) as connection:
        with pytest.raises(StartRefused) as refused:
            prepare(connection, str(path), Preparation(fail_to_plant, must_not_plant, True))
        assert (str(refused.value), connection.in_transaction) == ("seed.toml: no.", False)
    assert rows(path, "SELECT name FROM sqlite_master") == []
    assert prepared(path) == Prepared(None, "planted")


def test_a_refused_insert_of_the_seed_leaves_no_table(tmp_path):
    """A database error while planting ends the start with a sentence and undoes everything."""
    path = tmp_path / "x.db"

    def plant_twice(begun):
        plant_one(begun)
        plant_one(begun)

    with pytest.raises(StartRefused) as refused:
        prepared(path, plant_twice)
    reason = "the database cannot be brought to this code's schema: UNIQUE constraint failed: tenants.tenant"
    assert str(refused.value) == f"{path}: {reason}."
    assert rows(path, "SELECT name FROM sqlite_master") == []


def at_revision(path, revision):
    """Make a file that a start of earlier code has left."""
    with closing(open_sqlite(str(path))) as connection:
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        with engine.begin() as begun:
            migrate(begun, revision)
            plant_one(begun)


def supplement_one(begun):
    """Add a user of the authorization server."""
    begun.execute(text("INSERT INTO oauth_users VALUES ('u', 'hash', :now)"), {"now": MOMENT})


@pytest.mark.parametrize("revision", ["tms_0001", "tms_0002"])
def test_a_database_older_than_the_authorization_server_gets_its_seed(tmp_path, revision):
    """Once: the next start finds it at HEAD. What TMS had is not planted again."""
    path = tmp_path / "x.db"
    at_revision(path, revision)
    assert prepared(path, must_not_plant, supplement_one) == Prepared(revision, None)
    assert prepared(path, must_not_plant, must_not_plant) == Prepared(HEAD, None)
    assert rows(path, "SELECT * FROM oauth_users") == [("u", "hash", MOMENT)]
    assert rows(path, "SELECT id, tenant FROM tenants") == [(1, "test")]


def test_a_supplement_that_fails_undoes_the_migration(tmp_path):
    """The database stays what earlier code can serve."""
    path = tmp_path / "x.db"
    at_revision(path, "tms_0002")
    before = rows(path, "SELECT name, sql FROM sqlite_master")
    with pytest.raises(StartRefused, match=r"seed\.toml: no\."):
        prepared(path, must_not_plant, fail_to_plant_oauth)
    assert rows(path, "SELECT name, sql FROM sqlite_master") == before
    assert rows(path, "SELECT version_num FROM alembic_version") == [("tms_0002",)]


def test_a_database_that_may_not_be_written_is_refused(tmp_path):
    """SQLite says so only when the first write comes; the sentence says what was expected."""
    path = tmp_path / "x.db"
    prepared(path)
    before = contents(tmp_path)
    with closing(open_sqlite(str(path))) as connection:
        connection.execute("PRAGMA query_only = ON")
        with pytest.raises(StartRefused) as refused:
            prepare(connection, str(path), Preparation(must_not_plant, must_not_plant, enable_test_tenant=False))
    expected = "it cannot be written, expected a file and a directory that may be written"
    assert (str(refused.value), contents(tmp_path)) == (f"{path}: {expected}.", before)


def test_a_file_that_may_only_be_read_is_refused(tmp_path):
    """The switch to WAL is the first write of all, and is not tried again."""
    path = tmp_path / "x.db"
    prepared(path)
    execute(path, "PRAGMA journal_mode = DELETE")
    before = contents(tmp_path)
    read_only = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    with closing(read_only), pytest.raises(StartRefused) as refused:
        prepare(read_only, str(path), Preparation(must_not_plant, must_not_plant, True))
    expected = "it cannot be written, expected a file and a directory that may be written"
    assert (str(refused.value), contents(tmp_path)) == (f"{path}: {expected}.", before)


def test_a_full_disk_is_refused_and_leaves_no_table(tmp_path):
    """SQLite's own limit of pages gives the error that a full disk gives."""
    path = tmp_path / "x.db"
    with closing(open_sqlite(str(path))) as connection:
        connection.execute("PRAGMA max_page_count = 8")
        with pytest.raises(StartRefused) as refused:
            prepare(connection, str(path), Preparation(plant_one, must_not_plant, True))
        assert not connection.in_transaction
    expected = "there is no space left for it, expected some megabytes on the disk"
    assert (str(refused.value), rows(path, "SELECT name FROM sqlite_master")) == (f"{path}: {expected}.", [])


def test_a_file_that_may_not_grow_is_refused_and_leaves_no_table(tmp_path):
    """The operating system's limit on a file's size fails a write in the middle of the migration."""
    path = tmp_path / "x.db"
    script = """
import resource, sys
from app.schema import Preparation
from app.sqlite.database import open_sqlite, prepare
from app.errors import StartRefused
connection = open_sqlite(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    prepare(connection, sys.argv[1], Preparation(lambda begun: None, None, True))
except StartRefused as refused:
    print(refused)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, path], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    expected = "the disk refused to read or write, expected one that works and has space left"
    assert (done.stdout, rows(path, "SELECT name FROM sqlite_master")) == (f"{path}: {expected}.\n", [])


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_database_that_stays_locked_is_refused(tmp_path, journal):
    """Another process that does not let go ends the start with a sentence, before and after the switch to WAL."""
    path = tmp_path / "x.db"
    execute(path, f"PRAGMA journal_mode = {journal}")
    with closing(open_sqlite(str(path))) as connection, closing(sqlite3.connect(path, isolation_level=None)) as other:
        connection.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StartRefused) as refused:
            prepare(connection, str(path), Preparation(must_not_plant, must_not_plant, True))
    expected = f"another process holds it locked, expected it free within {BUSY_TIMEOUT_MILLISECONDS} ms"
    assert str(refused.value) == f"{path}: {expected}."


def test_the_switch_to_wal_waits_for_whoever_is_busy(tmp_path):
    """SQLite refuses the switch at once while another writes, so the start waits for the lock and tries again."""
    path = tmp_path / "x.db"
    waits = threading.Event()
    with closing(open_sqlite(str(path))) as connection, closing(sqlite3.connect(path, isolation_level=None)) as other:
        connection.set_trace_callback(lambda statement: waits.set() if statement == "BEGIN EXCLUSIVE" else None)
        other.execute("BEGIN IMMEDIATE")
        found = []
        thread = threading.Thread(
            target=lambda: found.append(prepare(connection, str(path), Preparation(plant_one, must_not_plant, True)))
        )
        thread.start()
        assert waits.wait(30)
        other.execute("COMMIT")
        thread.join()
    assert found == [Prepared(None, "planted")]


def test_a_file_system_without_shared_memory_is_refused():
    """Where SQLite stays in another journal mode (its temporary databases do) the start does not go on."""
    with closing(open_sqlite("")) as connection, pytest.raises(StartRefused) as refused:
        prepare(connection, "", Preparation(must_not_plant, must_not_plant, True))
    expected = "its file system cannot hold a WAL file, expected a local disk"
    assert str(refused.value) == f"{Path.cwd()}: {expected}."


STARTER = """
import sys
from app.schema import Preparation
from app.sqlite.database import open_sqlite, prepare
from app.seed import plant
from app.clock import Clock
print("ready", flush=True)
for line in sys.stdin:
    path = line.strip()
    connection = open_sqlite(path)
    prepared = prepare(connection, path, Preparation(lambda begun: plant(begun, "standard", "s", Clock().now(), False), None, True))
    print(prepared.revision_found, flush=True)
    connection.close()
"""


def test_two_processes_that_start_at_once_seed_once(tmp_path):
    """Both come up, one finds the file empty and the other finds it done; five files, since luck is involved."""
    command = [sys.executable, "-c", STARTER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        processes = (first, second)
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
        for path in [tmp_path / f"{number}.db" for number in range(5)]:
            for process in processes:
                process.stdin.write(f"{path}\n")
                process.stdin.flush()
            assert sorted(process.stdout.readline() for process in processes) == ["None\n", f"{HEAD}\n"]
            assert rows(path, "SELECT id, tenant FROM tenants") == [(1, "default"), (2, "test")]
            assert rows(path, "SELECT id FROM pubkeys") == [(1,)]
            assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        for process in processes:
            process.stdin.close()
            assert process.wait(30) == 0


def test_alembic_is_not_loaded_by_a_start_that_needs_no_migration(tmp_path):
    """Loading it would take most of the time that a start may take (design section 4)."""
    prepared(tmp_path / "x.db")
    script = """
import sys
from app.schema import Preparation
from app.sqlite.database import open_sqlite, prepare
prepare(open_sqlite(sys.argv[1]), sys.argv[1], Preparation(None, None, True))
print([name for name in sys.modules if name.startswith("alembic")])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "x.db"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_revisions_are_named_in_order():
    """HEAD is the last of them."""
    assert (sorted(REVISIONS), REVISIONS[-1]) == (list(REVISIONS), HEAD)
