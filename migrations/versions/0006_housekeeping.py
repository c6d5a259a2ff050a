"""Makes the indexes that housekeeping finds ended tokens, keys and flows by, among those that live for years.

What is written here is frozen: later changes of app/oauth_tables.py get a revision of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "tms_0006"
down_revision = "tms_0005"

_MAY_GO = "(dialect <> 'tapis' OR status IN ('denied', 'redeemed'))"


def upgrade() -> None:
    """Index the ends of tokens, and those of flows without the ones that Tapis keeps for ever."""
    for table in ("oauth_access_tokens", "oauth_refresh_tokens"):
        op.create_index(f"{table}_expires_at_idx", table, ["expires_at"])
    op.create_index("oauth_signing_keys_retired_at_idx", "oauth_signing_keys", ["retired_at"])
    op.drop_index("device_flows_expires_at_idx", "device_flows")
    where = {f"{dialect}_where": sa.text(_MAY_GO) for dialect in ("sqlite", "postgresql")}
    op.create_index("device_flows_may_go_idx", "device_flows", ["expires_at"], **where)
