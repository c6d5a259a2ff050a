"""Tests of app/tables.py: how an instant is stored. What the tables enforce is tested with the migrations."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from app.clock import NEVER
from app.oauth_tables import device_flows
from app.statements import Statement
from app.tables import Timestamp, metadata, tenants

TABLES_OF_A_TENANT = (
    *("admin", "clients", "delegations", "hosts"),
    *("pubkeys", "reservations", "user_hosts", "user_mfa"),
)


@pytest.mark.parametrize(
    ("moment", "stored"),
    [
        (datetime(2026, 11, 23, 18, 0, 0, 1, UTC), "2026-11-23T18:00:00.000001+00:00"),
        (datetime(2026, 11, 23, 18, 0, 0, 0, UTC), "2026-11-23T18:00:00.000000+00:00"),
        (NEVER, "9999-12-31T23:59:59.000000+00:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000+00:00"),
    ],
)
def test_an_instant_is_text_of_one_width_on_sqlite(moment, stored):
    """What is read back is the same instant, aware of UTC, and the text sorts as the instants do."""
    with create_engine("sqlite://").connect() as connection:
        metadata.create_all(connection)
        connection.execute(insert(tenants).values(tenant="test", enabled=True, created=moment, updated=moment))
        assert connection.execute(text("SELECT created FROM tenants")).scalar() == stored
        assert connection.execute(select(tenants.c.created)).scalar() == moment


def test_an_instant_may_be_left_out_where_the_column_allows_it():
    """Nothing is stored as NULL, and read back as None."""
    process = Timestamp().bind_processor(sqlite.dialect())
    assert process(None) is None
    flow = Statement(select(device_flows.c.decided_at, device_flows.c.created))
    assert flow.row([None, "2026-11-23T18:00:00.000000+00:00"]) == (None, datetime(2026, 11, 23, 18, tzinfo=UTC))


def test_the_column_type_is_the_database_s_own():
    """Text in SQLite, an instant with a time zone in PostgreSQL, where the driver needs no help."""
    there = postgresql.dialect()
    assert str(Timestamp().compile(sqlite.dialect())) == "TEXT"
    assert str(Timestamp().compile(there)) == "TIMESTAMP WITH TIME ZONE"
    assert (Timestamp().bind_processor(there), Timestamp().result_processor(there, None)) == (None, None)


def test_the_tenant_is_the_first_foreign_key_of_every_table_of_a_tenant():
    """PostgreSQL checks them in the order of their declaration, and names the first that fails."""
    first = {
        name: min(table.foreign_key_constraints, key=lambda key: key._creation_order).name
        for name, table in metadata.tables.items()
        if "tenant" in table.columns and name != "tenants"
    }
    assert first == {name: f"{name}_tenant_fkey" for name in TABLES_OF_A_TENANT}
