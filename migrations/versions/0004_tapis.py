"""Makes room for what Tapis knows of a client and of a device flow (contract tapis 2.6, 4.1).

What is written here is frozen: later changes of app/oauth_tables.py get a revision of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "tms_0004"
down_revision = "tms_0003"


def upgrade() -> None:
    """Add the columns; the clients that are there belong to the first tenant and to nobody."""
    for name in ("tapis_tenant", "owner", "description"):
        op.add_column("oauth_clients", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("oauth_clients", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("device_flows", sa.Column("token_seconds", sa.BigInteger(), nullable=True))
