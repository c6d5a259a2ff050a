"""Makes the tables of the authorization server: clients, users, device flows, grants, tokens, keys and sessions.

What is written here is frozen: later changes of app/oauth_tables.py get a revision of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "tms_0003"
down_revision = "tms_0002"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Make the tables, parents first."""
    _clients_and_users()
    _grants_and_tokens()
    _device_flows()
    _keys_and_sessions()


def _clients_and_users() -> None:
    """Make who may ask and who may approve."""
    op.create_table(
        "oauth_clients",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("grant_types", sa.Text(), nullable=False),
        sa.Column("auth_methods", sa.Text(), nullable=False),
        sa.Column("redirect_uris", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_table(
        "oauth_users",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("username"),
    )


def _grants_and_tokens() -> None:
    """Make what was granted and issued."""
    op.create_table(
        "oauth_grants",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("authenticated_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("grant_id"),
    )
    op.create_index("oauth_grants_expires_at_idx", "oauth_grants", ["expires_at"], unique=False)
    op.create_table(
        "oauth_access_tokens",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["oauth_grants.grant_id"], name="oauth_access_tokens_grant_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("jti"),
    )
    op.create_index("oauth_access_tokens_grant_id_idx", "oauth_access_tokens", ["grant_id"], unique=False)
    op.create_table(
        "oauth_refresh_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["oauth_grants.grant_id"], name="oauth_refresh_tokens_grant_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("oauth_refresh_tokens_grant_id_idx", "oauth_refresh_tokens", ["grant_id"], unique=False)
    op.create_table(
        "oauth_authorization_codes",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.Text(), nullable=True),
        sa.Column("authenticated_at", MOMENT, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index(
        "oauth_authorization_codes_expires_at_idx", "oauth_authorization_codes", ["expires_at"], unique=False
    )


def _device_flows() -> None:
    """Make the device flows and their polls."""
    op.create_table(
        "device_flows",
        sa.Column("user_code", sa.Text(), nullable=False),
        sa.Column("device_code_hash", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("simulator_hash", sa.Text(), nullable=True),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("granted_scope", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.Text(), nullable=True),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("wait_seconds", sa.Integer(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("wait_started_at", MOMENT, nullable=True),
        sa.Column("last_poll_at", MOMENT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("authenticated_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("user_code"),
    )
    op.create_index("device_flows_expires_at_idx", "device_flows", ["expires_at"], unique=False)
    op.create_table(
        "device_polls",
        sa.Column("user_code", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("gap_milliseconds", sa.Integer(), nullable=True),
        sa.Column("allowed_milliseconds", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_code"], ["device_flows.user_code"], name="device_polls_user_code_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_code", "number"),
    )


def _keys_and_sessions() -> None:
    """Make what signs, who is logged in, and who guessed wrong."""
    op.create_table(
        "oauth_signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_index("oauth_signing_keys_issuer_idx", "oauth_signing_keys", ["issuer"], unique=False)
    op.create_table(
        "oauth_sessions",
        sa.Column("session_hash", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("authenticated_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("session_hash"),
    )
    op.create_index("oauth_sessions_expires_at_idx", "oauth_sessions", ["expires_at"], unique=False)
    op.create_table(
        "oauth_failures",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_index("oauth_failures_window_ends_at_idx", "oauth_failures", ["window_ends_at"], unique=False)
    op.create_table(
        "oauth_secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
