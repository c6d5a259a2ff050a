"""Runs revisions over the connection that app/schema.py hands over, inside the transaction that it has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
