"""Sorts text on PostgreSQL as SQLite does, makes room for long times, and what its processes share (design 3.2.5).

What is written here is frozen: later changes of the tables get a revision of their own. SQLite needs none of it.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "tms_0005"
down_revision = "tms_0004"

# In the order of their making, that of their declaration.
FOREIGN_KEYS = """
SELECT conname AS name, conrelid::regclass::text AS child, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' ORDER BY oid
"""
# Whether the triggers of rows that refer, and of rows that are referred to, have names in the order of `names`.
IN_ORDER = """
SELECT bool_and(ordered) FROM (
    SELECT place >= lag(place, 1, 0::bigint) OVER (PARTITION BY tgrelid, left(tgname, 22) ORDER BY tgname COLLATE "C")
        AS ordered
    FROM pg_trigger
    JOIN pg_constraint ON pg_constraint.oid = tgconstraint
    JOIN unnest(CAST(:names AS text[])) WITH ORDINALITY AS wanted (name, place) ON name = conname
) AS each
"""
MOST_TIMES = 3  # the running number has one digit more after the second time, at the latest
# It refuses a write whose request has read rows that are not there any more; TS001 is nobody else's SQLSTATE.
REQUIRE_EPOCH = """
CREATE FUNCTION standin_require_epoch(known bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT epoch FROM standin_board) <> known OR known % 2 = 1 THEN
        RAISE EXCEPTION 'the rows were replaced' USING ERRCODE = 'TS001';
    END IF;
END
$$
"""


# What processes remember of these tables they forget as soon as anybody has changed one.
REMEMBERED = ("tenants", "clients", "admin", "oauth_clients", "oauth_users", "oauth_signing_keys", "oauth_secrets")
FORGET = """
CREATE FUNCTION standin_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE standin_board SET remembered = remembered + 1;
    PERFORM pg_notify('standin_board', '');
    RETURN NULL;
END
$$
"""
TELL_OF = """
CREATE TRIGGER standin_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {}
FOR EACH STATEMENT EXECUTE FUNCTION standin_forget()
"""


def upgrade() -> None:
    """Change nothing on SQLite."""
    if op.get_bind().dialect.name == "postgresql":
        _sort_by_bytes()
        for name in ("gap_milliseconds", "allowed_milliseconds"):
            op.alter_column("device_polls", name, type_=sa.BigInteger())
        _share()


def _sort_by_bytes() -> None:
    """Change every column of text. PostgreSQL makes foreign keys anew then, in an order of its own."""
    bind = op.get_bind()
    inspector, keys = sa.inspect(bind), bind.execute(sa.text(FOREIGN_KEYS)).all()
    for table in inspector.get_table_names():
        texts = [column["name"] for column in inspector.get_columns(table) if isinstance(column["type"], sa.Text)]
        changes = ", ".join(f'ALTER COLUMN "{name}" TYPE text COLLATE "C"' for name in texts)
        if changes:
            op.execute(f'ALTER TABLE "{table}" {changes}')
    _order(keys)


def _order(keys: Sequence[Any]) -> None:
    """Make the foreign keys anew in the order in which they were declared: the one in which a row's are checked.

    They are checked by the names of their triggers, which end in a running number: "99999" comes behind "100000".
    """
    bind = op.get_bind()
    for _ in range(MOST_TIMES):
        if bind.execute(sa.text(IN_ORDER), {"names": [key.name for key in keys]}).scalar():
            return
        for key in keys:
            op.execute(f'ALTER TABLE {key.child} DROP CONSTRAINT "{key.name}"')
            op.execute(f'ALTER TABLE {key.child} ADD CONSTRAINT "{key.name}" {key.definition}')


def _share() -> None:
    """Make what is set and how often the rows were replaced, tallies of fault rules, what each process knows, snapshots."""
    op.create_table(
        "standin_board",
        sa.Column("row", sa.Integer(), sa.CheckConstraint('"row" = 1'), primary_key=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("remembered", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "standin_tallies",
        sa.Column("tally", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "standin_replicas",
        sa.Column("pid", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("remembered", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "standin_snapshots",
        sa.Column("name", sa.Text(collation="C"), primary_key=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "standin_snapshot_pieces",
        sa.Column("name", sa.Text(collation="C"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("piece", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["standin_snapshots.name"], ondelete="CASCADE"),
    )
    op.execute("INSERT INTO standin_board VALUES (1, 0, 0, 0, '{}')")
    op.execute(REQUIRE_EPOCH)
    op.execute(FORGET)
    for table in REMEMBERED:
        op.execute(TELL_OF.format(table))
