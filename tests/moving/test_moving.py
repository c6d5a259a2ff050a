"""Export and import, as whoever moves house sees them."""

import asyncio
import re
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from app.databases import board_of, store_of
from app.modes import Modes
from app.moving.carry import TABLES, carry
from app.moving.ends import target_of
from app.schema import HEAD, Preparation
from app.settings import Settings
from app.sqlite.database import open_sqlite, prepare
from app.statements import Insert
from app.tables import tenants
from tests.moving.conftest import begun, everything, many_hosts, sqlite
from tests.postgres.conftest import MOMENT as MOMENT_OF_TESTS
from tests.postgres.conftest import planting
from tests.test_migrations import MOMENT

ON_POSTGRESQL = pytest.mark.system("postgresql", "pg_ctlcluster")
NO_SEED = Preparation(lambda _begun: None, lambda _begun: None, enable_test_tenant=True)
GOES_ON = r"An earlier call has carried ([0-9,]+) of ([0-9,]+) rows; this one goes on there\."


@ON_POSTGRESQL
def test_there_and_back(full, empty_postgres, tmp_path, run):
    """From SQLite to PostgreSQL and back every value of every table is the same, and so are the last ids, spent ones too."""
    there, back = tmp_path / "there.sqlite", tmp_path / "back.sqlite"
    assert min(len(rows) for rows in everything(full).values()) > 0
    for step in (
        ("export", "--database", sqlite(full), there),
        ("import", "--database", empty_postgres, there),
        ("export", "--database", empty_postgres, back),
        ("import", "--database", sqlite(tmp_path / "new.db"), back),
    ):
        assert run(*step).status == 0
    for path in (there, back, tmp_path / "new.db"):
        assert everything(path) == everything(full)


def test_nobody_else_reads_it(full, tmp_path, run):
    """The file holds keys and secrets, and so does what an import makes."""
    assert run("export", "--database", sqlite(full), tmp_path / "a.sqlite").status == 0
    assert run("import", "--database", sqlite(tmp_path / "new.db"), tmp_path / "a.sqlite").status == 0
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.sqlite", "new.db")] == [0o600, 0o600]


def test_what_is_printed(full, tmp_path, run):
    """A line for each table with its rows, its last id and a hash, then one that sums up; the bars go elsewhere."""
    status, output, errors = run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    lines = output.splitlines()
    assert (status, len(lines)) == (0, len(TABLES) + 2)
    assert re.fullmatch(r"table +rows +last id  hash", lines[0])
    assert re.fullmatch(r"pubkeys +1 +41  [0-9a-f]{32}  equal", next(line for line in lines if "pubkeys" in line))
    total = sum(len(rows) for rows in everything(full).values()) - 9
    assert lines[-1] == f"{total} rows of 21 tables, all equal, are written to {tmp_path / 'a.sqlite'}"
    assert errors == f"carrying {total} rows\ncomparing {total} rows\n"


@ON_POSTGRESQL
@pytest.mark.parametrize("ends", ["sqlite", "postgresql"])
def test_without_being_asked_nothing_is_lost(full, empty_postgres, tmp_path, run, ends):
    """A database with rows, and a file that is there, are left alone until --replace says otherwise."""
    database = sqlite(tmp_path / "new.db") if ends == "sqlite" else empty_postgres
    file = tmp_path / "a.sqlite"
    run("export", "--database", sqlite(full), file)
    assert run("import", "--database", database, file).status == 0
    rows = sum(len(rows) for rows in everything(full).values()) - 9
    many_hosts(full, 3)
    again = run("export", "--database", sqlite(full), file)
    assert again == (2, "", f"tms-standin: {file} is there already; --replace writes over it.\n")
    assert run("export", "--replace", "--database", sqlite(full), file).status == 0
    name = database.removeprefix("sqlite:///")
    sentence = f"{name}: it has {rows} rows, expected a database without any, or --replace to lose them.\n"
    assert run("import", "--database", database, file) == (2, "", sentence)
    assert run("import", "--replace", "--database", database, file).status == 0
    assert run("export", "--database", database, tmp_path / "b.sqlite").status == 0
    assert everything(tmp_path / "b.sqlite") == everything(full)


def test_a_killed_export_goes_on(full, tmp_path, run):
    """What was written before kill -9 is kept, said, and doubled by nothing."""
    many_hosts(full, 30_000)
    file = tmp_path / "a.sqlite"
    process = begun("export", "--database", sqlite(full), file)
    unfinished = tmp_path / "a.sqlite.unfinished"
    while process.poll() is None and not (unfinished.exists() and unfinished.stat().st_size > 1_500_000):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (process.returncode, file.exists()) == (-signal.SIGKILL, False)
    status, _, errors = run("export", "--database", sqlite(full), file)
    carried = re.search(GOES_ON, errors)
    assert (status, bool(carried)) == (0, True), errors
    assert 0 < int(carried[1].replace(",", "")) < int(carried[2].replace(",", ""))
    assert everything(file) == everything(full)
    assert sorted(path.name for path in tmp_path.glob("a.sqlite*")) == ["a.sqlite"]


@ON_POSTGRESQL
@pytest.mark.parametrize("ends", ["sqlite", "postgresql"])
def test_an_interrupted_import_goes_on(full, empty_postgres, tmp_path, run, monkeypatch, ends):
    """Until all is there the database has no row of it; the next call says where it goes on, and doubles nothing."""
    database = sqlite(tmp_path / "new.db") if ends == "sqlite" else empty_postgres
    many_hosts(full, 7_000)
    run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    with monkeypatch.context() as patched:
        interrupt_after(patched, 5_000)
        interrupted = run("import", "--database", database, tmp_path / "a.sqlite")
    assert (interrupted.status, interrupted.output) == (130, "")
    nothing_yet = run("export", "--database", database, tmp_path / "b.sqlite")
    assert (nothing_yet.status, nothing_yet.output) == (2, "")
    status, _, errors = run("import", "--database", database, tmp_path / "a.sqlite")
    assert (status, bool(re.search(GOES_ON, errors))) == (0, True)
    assert run("export", "--database", database, tmp_path / "b.sqlite").status == 0
    assert everything(tmp_path / "b.sqlite") == everything(full)


def interrupt_after(patched, rows):
    """Have SIGINT come once so many rows are carried."""
    from app.command.moving import _Shown

    counting = _Shown.counting

    def interrupted(self, what, total):
        seen = [0]

        class Bar:
            def __enter__(self):
                return self.done

            def __exit__(self, *_error):
                pass

            def done(self, chunk):
                seen[0] += chunk
                if seen[0] > rows:
                    signal.raise_signal(signal.SIGINT)

        return Bar() if what == "carrying" else counting(self, what, total)

    patched.setattr(_Shown, "counting", interrupted)


def test_rows_that_have_changed_since(full, tmp_path, run, monkeypatch):
    """A table that does not begin with what an interrupted call has carried is carried anew, and that is said."""
    file = tmp_path / "a.sqlite"
    with monkeypatch.context() as patched:
        interrupt_after(patched, 0)
        assert run("export", "--database", sqlite(full), file).status == 130
    many_hosts(full, 10)
    with closing(sqlite3.connect(tmp_path / "a.sqlite.unfinished")) as connection:
        connection.execute(f"INSERT INTO hosts VALUES (9, 'test', 'h', 'a', '{MOMENT}', '{MOMENT}')")
        connection.execute(f"INSERT INTO oauth_users VALUES ('gone', '', '{MOMENT}')")
        connection.commit()
    status, _, errors = run("export", "--database", sqlite(full), file)
    assert status == 0
    assert re.findall(r"(\w+) has changed since, and is begun anew\.", errors) == ["oauth_users", "hosts"]
    assert everything(file) == everything(full)


def test_a_difference_is_found(full, tmp_path, run, monkeypatch):
    """Where a value changes on the way its table is named, the status is 1 and there is no file."""
    from app.sqlite.rows import SqliteStaging

    put = SqliteStaging.put

    async def wrong(self, table, rows):
        await put(self, table, [row._replace(addr="10.0.0.9") if table.name == "hosts" else row for row in rows])

    with monkeypatch.context() as patched:
        patched.setattr(SqliteStaging, "put", wrong)
        status, output, errors = run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    assert (status, errors.splitlines()[-1]) == (1, "What has arrived differs from what was carried: hosts.")
    assert [line.split()[0] for line in output.splitlines() if line.endswith("DIFFERS")] == ["hosts"]
    assert list(tmp_path.glob("a.sqlite*")) == []


@ON_POSTGRESQL
def test_a_difference_in_postgresql_is_undone(full, empty_postgres, tmp_path, run, monkeypatch):
    """What differs is not committed: the database stays as it was."""
    from app.postgres.staging import PostgresStaging

    put = PostgresStaging.put

    async def wrong(self, table, rows):
        await put(self, table, [row._replace(addr="10.0.0.9") if table.name == "hosts" else row for row in rows])

    run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    with monkeypatch.context() as patched:
        patched.setattr(PostgresStaging, "put", wrong)
        assert run("import", "--database", empty_postgres, tmp_path / "a.sqlite").status == 1
    status, _, errors = run("import", "--database", empty_postgres, tmp_path / "a.sqlite")
    assert (status, "hosts has changed since, and is begun anew." in errors) == (0, True)


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "UPDATE hosts SET addr = 'a' || char(0) || 'b'",
            "hosts, the row with id = 1: addr has a NUL, which PostgreSQL stores in no text.",
        ),
        (
            "UPDATE pubkeys SET max_uses = 2147483648",
            "pubkeys, the row with id = 1: max_uses is 2147483648, expected at most 2147483647.",
        ),
        (
            "UPDATE pubkeys SET host = 'nowhere'",
            (
                'pubkeys: PostgreSQL refuses its rows: insert or update on table "pubkeys" violates foreign key constraint '
                '"pubkeys_tenant_client_user_id_host_host_account_fkey".'
            ),
        ),
    ],
)
def test_what_postgresql_cannot_store(full, empty_postgres, tmp_path, run, change, sentence):
    """It is told with table and row, and no table of the database is there."""
    with closing(sqlite3.connect(full)) as connection:
        connection.execute(change)
        connection.commit()
    run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    status, output, errors = run("import", "--database", empty_postgres, tmp_path / "a.sqlite")
    assert (status, output, errors.splitlines()[-1]) == (2, "", sentence)
    empty = run("export", "--database", empty_postgres, tmp_path / "b.sqlite")
    assert empty.errors.endswith(": it is empty, expected a database that the stand-in made.\n")


@ON_POSTGRESQL
def test_another_revision(full, empty_postgres, postgres, tmp_path, run):
    """It is refused as file, as source and as target, of either kind, and nothing is made."""
    file, older = tmp_path / "a.sqlite", "its schema revision is 'tms_0004', expected"
    run("export", "--database", sqlite(full), file)
    run("import", "--database", empty_postgres, file)
    for path in (full, file):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'tms_0004'")
            connection.commit()
    postgres.run("UPDATE alembic_version SET version_num = 'tms_0004'", empty_postgres.rpartition("/")[2])
    there = sorted(tmp_path.iterdir())
    of_this_code = f"{older} {HEAD}, to which a start of this stand-in brings it.\n"
    for arguments, errors in (
        (("export", "--database", sqlite(full), tmp_path / "b"), f"{full}: {of_this_code}"),
        (("export", "--database", empty_postgres, tmp_path / "b"), f"{empty_postgres}: {of_this_code}"),
        (
            ("import", "--database", sqlite(tmp_path / "new.db"), file),
            f"{file}: {older} {HEAD}, the one of this code.\n",
        ),
    ):
        assert run(*arguments) == (2, "", errors)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE alembic_version SET version_num = '{HEAD}'")
        connection.commit()
    for database, name in ((sqlite(full), full), (empty_postgres, empty_postgres)):
        assert run("import", "--replace", "--database", database, file) == (2, "", f"{name}: {of_this_code}")
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("export", "--database", "sqlite://"), "a database in memory is its process's own"),
        (("import", "--database", "sqlite://"), "a database in memory is its process's own"),
        (("export", "--database", "sqlite:///nowhere.db"), "there is no such file, expected a database that"),
        (("export", "--database", "mysql://root@localhost/tms"), "this URL is not served, expected sqlite:///FILE"),
        (("export", "--database", "postgresql://me:secret1@127.0.0.1:1/tms"), "no server answers there"),
        (("import", "--database", "postgresql://me:secret1@127.0.0.1:1/tms"), "no server answers there"),
    ],
)
def test_a_database_that_is_none(full, tmp_path, run, monkeypatch, arguments, sentence):
    """One sentence, which repeats no password, and status 2; nothing is made."""
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "import":
        run("export", "--database", sqlite(full), "a.sqlite")
    there = sorted(tmp_path.iterdir())
    status, output, errors = run(*arguments, "a.sqlite")
    assert (status, output, errors.count("\n"), sentence in errors, "secret1" in errors) == (2, "", 1, True, False), (
        errors
    )
    assert sorted(tmp_path.iterdir()) == there


def test_a_file_that_is_none(tmp_path, run):
    """It is refused before any database is made."""
    (tmp_path / "a.sqlite").write_bytes(b"buy milk")
    sentence = (
        f"{tmp_path / 'a.sqlite'}: this is no snapshot of a stand-in, expected what GET snapshots/NAME has answered.\n"
    )
    assert run("import", "--database", sqlite(tmp_path / "new.db"), tmp_path / "a.sqlite") == (2, "", sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["a.sqlite"]


def test_the_database_of_the_settings(full, tmp_path, run, monkeypatch):
    """It is the one that is moved where none is named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMS_STANDIN_DATABASE", sqlite(full))
    assert run("export", "a.sqlite").status == 0
    assert everything(tmp_path / "a.sqlite") == everything(full)


def test_two_calls_at_once(full, tmp_path, run):
    """The second is told so, and the first is not disturbed."""
    from app.sqlite.rows import staging_file

    with closing(staging_file(tmp_path / "a.sqlite.unfinished").connection):
        refused = run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    assert (refused.status, "another process holds it locked" in refused.errors) == (2, True)
    assert run("export", "--database", sqlite(full), tmp_path / "a.sqlite").status == 0


@ON_POSTGRESQL
@pytest.mark.parametrize("ends", ["sqlite", "postgresql"])
@pytest.mark.parametrize("began", ["new", "empty"])
def test_a_standin_that_starts_meanwhile(full, empty_postgres, tmp_path, run, monkeypatch, ends, began):
    """What it has answered for is not replaced, though there was nothing when the import began."""
    database = sqlite(tmp_path / "new.db") if ends == "sqlite" else empty_postgres
    run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    if began == "empty":
        asyncio.run(start(database, NO_SEED))

    async def carry_while_one_starts(*arguments):
        carried = await carry(*arguments)
        await (start(database, planting()) if began == "new" else add_tenant(database))
        return carried

    with monkeypatch.context() as patched:
        patched.setattr("app.moving.moving.carry", carry_while_one_starts)
        refused = run("import", "--database", database, tmp_path / "a.sqlite")
    name = database.removeprefix("sqlite:///")
    sentence = {
        ("postgresql", "new"): f"{name}: a stand-in has made it its own meanwhile, expected none to start.\n",
        ("sqlite", "new"): f"{name}: it has 14 rows, expected a database without any, or --replace to lose them.\n",
    }.get((ends, began), f"{name}: it has 1 rows, expected a database without any, or --replace to lose them.\n")
    assert (refused.status, refused.errors.splitlines(keepends=True)[-1]) == (2, sentence)
    assert run("export", "--database", database, tmp_path / "b.sqlite").status == 0
    assert len(everything(tmp_path / "b.sqlite")["tenants"]) == (2 if began == "new" else 1)
    assert run("import", "--replace", "--database", database, tmp_path / "a.sqlite").status == 0


def test_a_standin_that_is_just_starting(full, tmp_path, run, monkeypatch):
    """Its transaction is waited for, and what it has planted is counted."""
    run("export", "--database", sqlite(full), tmp_path / "a.sqlite")
    new = tmp_path / "new.db"

    async def carry_while_one_starts(*arguments):
        carried = await carry(*arguments)
        threading.Thread(target=start_slowly, args=[new, begun := threading.Event()]).start()
        assert begun.wait(30)
        return carried

    monkeypatch.setattr("app.moving.moving.carry", carry_while_one_starts)
    refused = run("import", "--database", sqlite(new), tmp_path / "a.sqlite")
    sentence = f"{new}: it has 14 rows, expected a database without any, or --replace to lose them."
    assert (refused.status, refused.errors.splitlines()[-1]) == (2, sentence)


def start_slowly(path, begun):
    """Make and plant a database in a transaction that takes a moment."""

    def plant_slowly(connection):
        begun.set()
        time.sleep(1)
        return planting().plant(connection)

    with closing(open_sqlite(str(path))) as connection:
        prepare(connection, str(path), planting()._replace(plant=plant_slowly))


async def start(database, preparation):
    """Bring a database to the schema, as a stand-in does when it starts."""
    store = store_of(database, Modes.of(Settings()), board_of(database, tuple))
    await store.prepare(preparation)
    await store.close()


async def add_tenant(database):
    """Write one row, as a stand-in that has started may."""
    board = board_of(database, tuple)
    store = store_of(database, Modes.of(Settings()), board)
    await store.prepare(NO_SEED)
    await board.join()
    row = {"tenant": "late", "enabled": True, "created": MOMENT_OF_TESTS, "updated": MOMENT_OF_TESTS}
    await store.write(lambda transaction: transaction.insert(Insert(tenants), **row))
    await store.close()
    await board.leave()


@ON_POSTGRESQL
def test_two_imports_at_once(full, empty_postgres, tmp_path, run):
    """The second is told so, before it looks at what the first has carried."""
    run("export", "--database", sqlite(full), tmp_path / "a.sqlite")

    async def while_another_runs():
        async with target_of(empty_postgres):
            return await asyncio.to_thread(run, "import", "--database", empty_postgres, tmp_path / "a.sqlite")

    sentence = f"{empty_postgres}: another import is filling it, expected to be the only one.\n"
    assert asyncio.run(while_another_runs()) == (2, "", sentence)
    assert run("import", "--database", empty_postgres, tmp_path / "a.sqlite").status == 0


def test_what_an_older_version_has_left(full, tmp_path, run):
    """A staging file of another schema, or one that is no database, is begun anew."""
    for content in (b"buy milk" * 1000, b""):
        (tmp_path / "a.sqlite.unfinished").write_bytes(content)
        assert run("export", "--replace", "--database", sqlite(full), tmp_path / "a.sqlite").status == 0
        assert everything(tmp_path / "a.sqlite") == everything(full)
    with closing(sqlite3.connect(tmp_path / "a.sqlite.unfinished")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
    assert run("export", "--replace", "--database", sqlite(full), tmp_path / "a.sqlite").status == 0


def test_a_file_that_is_not_there(tmp_path, run):
    """It is called that, and not a bad snapshot; no database is made."""
    expected = "there is no such file, expected what export or snapshot download has written."
    done = run("import", "--database", sqlite(tmp_path / "tms.db"), tmp_path / "nosuch.sqlite")
    assert done == (2, "", f"{tmp_path / 'nosuch.sqlite'}: {expected}\n")
    assert list(tmp_path.iterdir()) == []
