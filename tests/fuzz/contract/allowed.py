"""Which answers of 500, and which closed connections, the contract names (docs/contract/tms.md). All others are finds."""

import re
from typing import NamedTuple

PREFIX = "ERROR: error returned from database: "
_NUL = re.escape(f'{PREFIX}invalid byte sequence for encoding "UTF8": 0x00')
_BOTH = "0.3.0 0.1.0"
_UPDATES = (
    "update_client update_client_secret update_pubkey update_user_mfa update_user_host update_delegation update_tenant"
)
_CREATES = "create_client create_user_mfa create_user_host create_delegation create_tenant create_host"
_DEPENDENT = "create_key create_reservation extend_reservation"


class Setup(NamedTuple):
    """The modes that a server answers in."""

    wire_version: str = "0.3.0"
    quirks: str = "intended"
    strict: bool = False

    @property
    def real_defects(self) -> bool:
        """Whether D1 and D2 show, which 0.1.0 does not have."""
        return self.quirks == "real" and self.wire_version == "0.3.0"


class Named(NamedTuple):
    """A 500 that the contract names: where it says so, which operations (none: all), which versions, the whole text."""

    section: str
    operations: str
    versions: str
    text: str
    real: bool = False


NAMED = (
    Named("5.1 D1", _UPDATES, "0.3.0", re.escape(PREFIX + 'column "updated" is of type timestamp with time zone')
          + " but expression is of type text", real=True),
    Named("2 E06 step 6, 5.1 D7", "update_client", _BOTH, "ERROR: (unexpected|invalid|expected|value of|empty|wildcard|excessive).*"),
    Named("2.0 DB, 5.1 D4", _CREATES, "0.3.0", re.escape(PREFIX) + 'duplicate key value violates unique constraint "[a-z_]+"'),
    Named("2.0 DB, 5.1 D5", "create_user_host create_delegation", "0.3.0",
          re.escape(PREFIX) + 'insert or update on table "[a-z_]+" violates foreign key constraint "[a-z_]+"'),
    Named("2.0 DB, 5.1 D6", "delete_tenant", "0.3.0", re.escape(PREFIX)
          + 'update or delete on table "tenants" violates foreign key constraint "[a-z_]+" on table "[a-z_]+"'),
    Named("4, database error text", _CREATES, "0.1.0", re.escape(PREFIX) + r"\(code: 2067\) UNIQUE constraint failed: [a-z_., ]+"),
    Named("4, database error text", "create_user_host create_delegation", "0.1.0",
          re.escape(PREFIX) + r"\(code: 787\) FOREIGN KEY constraint failed"),
    Named("4, database error text", "delete_tenant", "0.1.0", re.escape(PREFIX) + r"\(code: 1811\) FOREIGN KEY constraint failed"),
    Named("5.1 D8", "", "0.3.0", _NUL),
    Named("5.1 D8", "create_reservation", "0.3.0", "ERROR: Unable to access pubkey for client .*"),
    Named("5.1 D8", "create_key", "0.3.0", 'MVP ERROR: Unable to create MVP dependencies: .*invalid byte sequence .*'),
    Named("2 E09 step 6, E40, E41, 5.1 D10", _DEPENDENT, _BOTH, "Missing or expired dependency: .*INTERNAL ERROR:.*"),
)  # fmt: skip
DROPPED = frozenset(("list_clients", "list_user_mfa", "list_tenants"))


def section_of(setup: Setup, operation: str, sentence: str) -> str | None:
    """Return where the contract names a 500 with this `result_msg`, or None."""
    for named in NAMED:
        shows = setup.wire_version in named.versions.split() and (setup.real_defects or not named.real)
        concerns = operation in named.operations.split() or not named.operations
        if shows and concerns and re.fullmatch(named.text, sentence, re.DOTALL):
            return named.section
    return None


def may_drop(setup: Setup, operation: str) -> bool:
    """Return whether a connection may be closed without an answer (5.1 D2)."""
    return setup.real_defects and operation in DROPPED
