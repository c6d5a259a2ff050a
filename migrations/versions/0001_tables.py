"""Makes the nine tables, with the constraint names of the real PostgreSQL schema (contract section 3).

What is written here is frozen: later changes of app/tables.py get a revision of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "tms_0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Make the tables, parents first."""
    op.create_table(
        "tenants",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint("tenant", name="tenants_tenant_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("app_version", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint("tenant", "app_name", "app_version", name="clients_tenant_app_name_app_version_key"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="clients_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("clients_tenant_client_idx", "clients", ["tenant", "client_id"], unique=True)
    op.create_table(
        "user_mfa",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("tms_user_id", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint("tenant", "tms_user_id", name="user_mfa_tenant_tms_user_id_key"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="user_mfa_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "user_hosts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("tms_user_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("host_account", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint(
            "tenant", "tms_user_id", "host", "host_account", name="user_hosts_tenant_tms_user_id_host_host_account_key"
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="user_hosts_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "tms_user_id"],
            ["user_mfa.tenant", "user_mfa.tms_user_id"],
            name="user_hosts_tenant_tms_user_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_user_id", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint(
            "tenant", "client_id", "client_user_id", name="delegations_tenant_client_id_client_user_id_key"
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="delegations_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_user_id"],
            ["user_mfa.tenant", "user_mfa.tms_user_id"],
            name="delegations_tenant_client_user_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_id"],
            ["clients.tenant", "clients.client_id"],
            name="delegations_tenant_client_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("delg_user_client_idx", "delegations", ["tenant", "client_id", "client_user_id"], unique=True)
    op.create_table(
        "pubkeys",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_user_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("host_account", sa.Text(), nullable=False),
        sa.Column("public_key_fingerprint", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        sa.Column("key_bits", sa.Integer(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("remaining_uses", sa.Integer(), nullable=False),
        sa.Column("initial_ttl_minutes", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.CheckConstraint("max_uses >= 0", name="pubkeys_max_uses_check"),
        sa.CheckConstraint("remaining_uses >= 0", name="pubkeys_remaining_uses_check"),
        sa.CheckConstraint("initial_ttl_minutes >= 0", name="pubkeys_initial_ttl_minutes_check"),
        sa.UniqueConstraint("public_key_fingerprint", "host", name="pubkeys_public_key_fingerprint_host_key"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="pubkeys_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_user_id"],
            ["user_mfa.tenant", "user_mfa.tms_user_id"],
            name="pubkeys_tenant_client_user_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_id"],
            ["clients.tenant", "clients.client_id"],
            name="pubkeys_tenant_client_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_user_id", "host", "host_account"],
            ["user_hosts.tenant", "user_hosts.tms_user_id", "user_hosts.host", "user_hosts.host_account"],
            name="pubkeys_tenant_client_user_id_host_host_account_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_id", "client_user_id"],
            ["delegations.tenant", "delegations.client_id", "delegations.client_user_id"],
            name="pubkeys_tenant_client_id_client_user_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("resid", sa.Text(), nullable=False),
        sa.Column("parent_resid", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_user_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("public_key_fingerprint", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint("resid", name="reservations_resid_key"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="reservations_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_user_id"],
            ["user_mfa.tenant", "user_mfa.tms_user_id"],
            name="reservations_tenant_client_user_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "client_id"],
            ["clients.tenant", "clients.client_id"],
            name="reservations_tenant_client_id_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["public_key_fingerprint", "host"],
            ["pubkeys.public_key_fingerprint", "pubkeys.host"],
            name="reservations_public_key_fingerprint_host_fkey",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("admin_user", sa.Text(), nullable=False),
        sa.Column("admin_secret", sa.Text(), nullable=False),
        sa.Column("privilege", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint("tenant", "admin_user", name="admin_tenant_admin_user_key"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="admin_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hosts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("addr", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.UniqueConstraint("tenant", "host", "addr", name="hosts_tenant_host_addr_key"),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.tenant"], name="hosts_tenant_fkey", onupdate="CASCADE", ondelete="RESTRICT"
        ),
        sqlite_autoincrement=True,
    )
