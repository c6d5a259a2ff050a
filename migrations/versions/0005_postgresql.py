"""Sorts text by its bytes on PostgreSQL, as SQLite does, and makes what its processes share (design 3.2.5).

What is written here is frozen: later changes of the tables get a revision of their own. SQLite needs none of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "tms_0005"
down_revision = "tms_0004"

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


def upgrade() -> None:
    """Change nothing on SQLite."""
    if op.get_bind().dialect.name == "postgresql":
        _sort_by_bytes()
        _share()


def _sort_by_bytes() -> None:
    inspector = sa.inspect(op.get_bind())
    for table in inspector.get_table_names():
        texts = [column["name"] for column in inspector.get_columns(table) if isinstance(column["type"], sa.Text)]
        changes = ", ".join(f'ALTER COLUMN "{name}" TYPE text COLLATE "C"' for name in texts)
        if changes:
            op.execute(f'ALTER TABLE "{table}" {changes}')


def _share() -> None:
    """Make what is set and how often the rows were replaced, tallies of fault rules, what each process knows, snapshots."""
    op.create_table(
        "standin_board",
        sa.Column("row", sa.Integer(), sa.CheckConstraint('"row" = 1'), primary_key=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
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
    )
    op.create_table(
        "standin_snapshots",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
    )
    op.execute("INSERT INTO standin_board VALUES (1, 0, 0, '{}')")
    op.execute(REQUIRE_EPOCH)
