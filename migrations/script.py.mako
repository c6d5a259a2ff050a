"""${message}.

What is written here is frozen: later changes of app/tables.py get a revision of their own.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Bring the database from the revision before to this one; an older code refuses it from then on."""
    ${upgrades if upgrades else "pass"}
