"""Makes the indexes that lists and cascades need among 100,000 keys; they enforce nothing.

What is written here is frozen: later changes of app/tables.py get a revision of their own.
"""

from alembic import op

revision = "tms_0002"
down_revision = "tms_0001"


def upgrade() -> None:
    """Index the foreign keys that no unique index covers."""
    op.create_index("delegations_tenant_client_user_id_idx", "delegations", ["tenant", "client_user_id"])
    op.create_index("pubkeys_tenant_client_id_client_user_id_idx", "pubkeys", ["tenant", "client_id", "client_user_id"])
    op.create_index(
        "pubkeys_tenant_client_user_id_host_host_account_idx",
        "pubkeys",
        ["tenant", "client_user_id", "host", "host_account"],
    )
    op.create_index("reservations_public_key_fingerprint_host_idx", "reservations", ["public_key_fingerprint", "host"])
    op.create_index("reservations_tenant_client_id_idx", "reservations", ["tenant", "client_id"])
    op.create_index("reservations_tenant_client_user_id_idx", "reservations", ["tenant", "client_user_id"])
