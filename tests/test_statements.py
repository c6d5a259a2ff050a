"""Tests of app/statements.py: the text, the order of the values, the rows; each text is run by a real driver."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, UniqueConstraint, delete, select, update

from app.statements import Insert, Statement, matching
from app.tables import Timestamp, hosts, tenants

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("size", Integer),
    Column("created", Timestamp),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
MOMENT = datetime(2026, 11, 23, 18, 0, 0, 120_000, tzinfo=UTC)
STORED = "2026-11-23T18:00:00.120000+00:00"


@pytest.fixture
def connection():
    """Return a database in memory with one row of THINGS."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(
            "CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, size INTEGER, created TEXT)"
        )
        connection.execute("INSERT INTO things VALUES (1, 'a', 10, ?)", [STORED])
        yield connection


def run(connection, statement, **parameters):
    """Run a statement's text with its bound values."""
    return connection.execute(statement.text, statement.bind(parameters))


def every(connection):
    """Return all rows."""
    return connection.execute("SELECT * FROM things ORDER BY id").fetchall()


def test_the_values_stand_in_the_order_of_the_question_marks():
    """Whatever order they are given in, and whatever else is given."""
    statement = Statement(select(hosts.c.addr).where(matching(hosts, "tenant host")))
    assert statement.text == "SELECT hosts.addr \nFROM hosts \nWHERE hosts.tenant = ? AND hosts.host = ?"
    assert statement.names == ("tenant", "host")
    assert list(statement.bind({"host": "h", "other": 1, "tenant": "t"})) == ["t", "h"]


def test_a_parameter_may_have_another_name_than_its_column():
    """`column=name` is for those who ask for a column by a field of another name."""
    statement = Statement(select(THINGS.c.id).where(matching(THINGS, "name=called size")))
    assert statement.text == "SELECT things.id \nFROM things \nWHERE things.name = ? AND things.size = ?"
    assert list(statement.bind({"called": "a", "size": 10})) == ["a", 10]


def test_a_parameter_that_is_asked_for_twice_is_bound_twice(connection):
    """One value answers for both places."""
    statement = Statement(select(THINGS.c.id).where(matching(THINGS, "name=both"), THINGS.c.name <= "z"))
    assert statement.names == ("both", "name_1")
    twice = Statement(select(THINGS.c.id).where(matching(THINGS, "name=both"), matching(THINGS, "name=both")))
    assert list(twice.bind({"both": "a"})) == ["a", "a"]
    assert run(connection, twice, both="a").fetchall() == [(1,)]


@pytest.mark.parametrize("given", [{}, {"tenant": "t"}])
@pytest.mark.parametrize(
    "statement", [Statement(select(hosts.c.id).where(matching(hosts, "tenant host"))), Insert(hosts)]
)
def test_a_missing_parameter_is_an_error(statement, given):
    """It never becomes NULL."""
    with pytest.raises(KeyError):
        statement.bind(given)


def test_instants_are_bound_as_text_and_read_as_instants(connection):
    """The text has one fixed width, so that it sorts as the instants do."""
    by_instant = Statement(select(THINGS.c.name, THINGS.c.created).where(matching(THINGS, "created")))
    assert list(by_instant.bind({"created": MOMENT})) == [STORED]
    row = by_instant.row(run(connection, by_instant, created=MOMENT).fetchone())
    assert (row.name, row.created, type(row).__name__, row._fields) == ("a", MOMENT, "Row", ("name", "created"))


def test_a_flag_is_bound_as_a_number_and_read_as_a_boolean():
    """As the drivers of both databases want it."""
    statement = Statement(select(tenants.c.enabled).where(matching(tenants, "tenant enabled")))
    assert list(statement.bind({"tenant": "t", "enabled": True})) == ["t", 1]
    assert [statement.row([stored]).enabled for stored in (0, 1)] == [False, True]


def test_null_stays_none():
    """An instant that is not there is not read as one."""
    statement = Statement(select(THINGS.c.id, THINGS.c.created))
    assert statement.row([3, None]) == (3, None)


def test_rows_without_special_columns_are_taken_as_they_are():
    """A number and a text need no reading."""
    row = Statement(select(THINGS.c.id, THINGS.c.name)).row((1, "a"))
    assert (row, row.id, row.name) == ((1, "a"), 1, "a")


def test_a_column_may_be_shown_under_a_label():
    """The row's field has the label's name."""
    row = Statement(select(THINGS.c.created.label("when"))).row((STORED,))
    assert row._asdict() == {"when": MOMENT}


def test_an_update_and_a_delete_run(connection):
    """They have no rows to read, but values to bind."""
    change = Statement(update(THINGS).values(size=11).where(matching(THINGS, "name")))
    assert change.names == ("size", "name")
    assert connection.execute(change.text, [11, "a"]).rowcount == 1
    assert every(connection) == [(1, "a", 11, STORED)]
    assert run(connection, Statement(delete(THINGS).where(matching(THINGS, "name"))), name="b").rowcount == 0
    assert run(connection, Statement(delete(THINGS).where(matching(THINGS, "name"))), name="a").rowcount == 1
    assert every(connection) == []


def test_an_insert_names_every_column_but_the_id(connection):
    """The database gives the id, and never one again."""
    new = Insert(THINGS)
    assert new.text == "INSERT INTO things (name, size, created) VALUES (?, ?, ?)"
    assert new.table is THINGS
    connection.execute("DELETE FROM things")
    run(connection, new, created=MOMENT, name="b", size=20)
    assert every(connection) == [(2, "b", 20, STORED)]


def test_lowest_gives_the_largest_id_plus_one(connection):
    """The ids of wire version 0.1.0: the largest one is given again after its row is gone, one below it is not."""
    lowest = Insert(THINGS).lowest
    for name in "bcd":
        run(connection, lowest, name=name, size=0, created=MOMENT)
    connection.execute("DELETE FROM things WHERE name IN ('b', 'd')")
    run(connection, lowest, name="e", size=0, created=MOMENT)
    assert [(row[0], row[1]) for row in every(connection)] == [(1, "a"), (3, "c"), (4, "e")]


def test_lowest_begins_with_one(connection):
    """An empty table has no largest id."""
    connection.execute("DELETE FROM things")
    run(connection, Insert(THINGS).lowest, name="b", size=0, created=MOMENT)
    assert every(connection) == [(1, "b", 0, STORED)]


@pytest.mark.parametrize("variant", ["ignore", "lowest_ignore"])
def test_ignore_leaves_a_row_that_is_in_the_way_as_it_is(connection, variant):
    """And tells by the count; where none is in the way it inserts."""
    statement = getattr(Insert(THINGS), variant)
    assert run(connection, statement, name="a", size=99, created=MOMENT).rowcount == 0
    assert every(connection) == [(1, "a", 10, STORED)]
    assert run(connection, statement, name="b", size=20, created=MOMENT).rowcount == 1
    assert [row[1:] for row in every(connection)] == [("a", 10, STORED), ("b", 20, STORED)]


def test_variants_are_compiled_once():
    """Compiling costs far more than running."""
    new = Insert(THINGS)
    assert new.lowest is new.lowest
    assert new.ignore is new.ignore
    assert new.lowest_ignore is new.lowest_ignore


# The same for PostgreSQL.


def test_a_statement_for_postgresql_has_numbers_and_the_drivers_own_values():
    """Its text has `$1`, its values are what the driver wants: no text in place of a moment."""
    statement = Statement(select(THINGS.c.created).where(matching(THINGS, "created size")))
    found = statement.postgresql
    assert found is statement.postgresql
    assert " ".join(found.text.split()) == (
        "SELECT things.created FROM things "
        "WHERE things.created = $1::TIMESTAMP WITH TIME ZONE AND things.size = $2::INTEGER"
    )
    assert list(found.bind({"size": 1, "created": MOMENT})) == [MOMENT, 1]
    assert found.row([MOMENT]).created is MOMENT


def test_what_a_transaction_reads_on_postgresql_it_holds():
    """Other writers wait, rows that refer to it do not; what is no select is as it was."""
    read = Statement(select(THINGS.c.id).where(matching(THINGS, "name")))
    assert read.postgresql_holding.text == f"{read.postgresql.text} FOR NO KEY UPDATE"
    written = Statement(delete(THINGS).where(matching(THINGS, "name")))
    assert written.postgresql_holding.text == written.postgresql.text


def test_the_variants_of_an_insert_on_postgresql():
    """The id of 0.1.0 and the insert that nobody minds have the same meaning there."""
    insert = Insert(THINGS)
    lowest = "(SELECT coalesce(max(things.id), 0) + 1 AS anon_1 \nFROM things)"
    assert insert.postgresql_ignore.text == f"{insert.postgresql.text} ON CONFLICT DO NOTHING"
    assert lowest in insert.postgresql_lowest.text
    assert insert.postgresql_lowest_ignore.text == f"{insert.postgresql_lowest.text} ON CONFLICT DO NOTHING"


def test_the_tables_that_a_statement_reads():
    """All of them, joined ones and those of a subquery too."""
    joined = select(hosts.c.addr).join(tenants, hosts.c.tenant == tenants.c.tenant)
    inner = select(THINGS.c.id).where(THINGS.c.name == select(hosts.c.host).scalar_subquery())
    assert (Statement(joined).tables, Statement(inner).tables) == ({"hosts", "tenants"}, {"things", "hosts"})
