"""What a new database holds: the seed `standard`, the seed `empty`, or a TOML file (design 2.3).

A seed is checked whole before its first row is stored. Nothing here opens a database or asks the time.
"""

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy import Connection, Table, UniqueConstraint

from .errors import StartRefused
from .oauth_tables import oauth_clients, oauth_users
from .records import ADMINISTRATOR_ID, ADMINISTRATOR_PRIVILEGE, STANDARD_FINGERPRINT, hash_of
from .seed_records import Seed, known_beside
from .settings import EXPECTED
from .tables import metadata

# The key behind the fingerprint that the load suite asks for is not public, so this is another one.
STANDARD_PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM8JKo54PawufjgT3hr2Y5bpbT38LXglKJBMDABCuLRx"

_CLIENT = {"tenant": "test", "client_id": "testclient1", "client_secret": "secret1"}
_USER = {"tenant": "test", "tms_user_id": "testuser1"}
_LOGIN = {"host": "testhost1", "host_account": "testhostaccount1"}
_DELEGATION = {"tenant": "test", "client_id": "testclient1", "client_user_id": "testuser1"}
_KEY = {"public_key": STANDARD_PUBLIC_KEY, "public_key_fingerprint": STANDARD_FINGERPRINT}
_PASSWORDS = {"testuser1": "password1", "testuser2": "password2"}
_OAUTH = {
    "clients": [
        {"client_id": "device-public"},
        {"client_id": "testclient1", "client_secret": "secret1"},
        {"client_id": "tapis_cli"},
    ],
    "users": [{"username": username, "password": password} for username, password in _PASSWORDS.items()],
}
_BUILT_IN: dict[str, dict[str, Any]] = {
    "empty": {},
    "standard": {
        "oauth": _OAUTH,
        "clients": [{**_CLIENT, "app_name": "testapp1", "app_version": "1.0"}],
        "user_mfa": [_USER],
        "user_hosts": [{**_USER, **_LOGIN}],
        "delegations": [_DELEGATION],
        "pubkeys": [{**_DELEGATION, **_LOGIN, **_KEY}],
    },
}
LARGEST_FILE = 64 * 1024**2  # bytes
_EXPECTED = {**EXPECTED, "datetime_type": "a date and time, not quoted", "list_type": "an array of tables"}

Rows = dict[str, list[dict[str, Any]]]
Columns = tuple[str, ...]


class Seeded(NamedTuple):
    """What was planted: the tenants, (tenant, client_id) of each client, and how many rows each table got."""

    tenants: tuple[str, ...]
    clients: tuple[tuple[str, str], ...]
    rows: dict[str, int]


def plant(connection: Connection, seed: str, admin_secret: str, now: datetime, whole_seconds: bool) -> Seeded:
    """Insert the seed `standard`, `empty` or of the TOML file `seed` into an empty database; the caller commits.

    `created` and `updated` are `now`, without its fraction under wire version 0.1.0 (`whole_seconds`; contract 1.6).
    Raises StartRefused with file, table, number of the record and rule; nothing is inserted then.
    """
    rows = _rows_of(seed_of(seed), hash_of(admin_secret))
    _check_keys(seed, rows)
    _insert(connection, rows, now.replace(microsecond=0) if whole_seconds else now)
    return Seeded(
        tenants=tuple(row["tenant"] for row in rows["tenants"]),
        clients=tuple((row["tenant"], row["client_id"]) for row in rows["clients"]),
        rows={name: len(records) for name, records in rows.items()},
    )


def plant_oauth(connection: Connection, seed: str, now: datetime) -> None:
    """Insert the authorization server's part of a seed into a database that is older than its tables.

    Raises StartRefused as `plant` does.
    """
    rows = _oauth_rows(seed_of(seed))
    _check_keys(seed, rows)
    _insert(connection, rows, now)


def _insert(connection: Connection, rows: Rows, moment: datetime) -> None:
    for name, records in rows.items():
        table = metadata.tables[name]
        stamps = {column: moment for column in ("created", "updated") if column in table.columns}
        if records:
            connection.execute(table.insert(), [{**record, **stamps} for record in records])


def seed_of(seed: str) -> Seed:
    """Return a seed, its secrets in clear. Raises StartRefused."""
    try:
        return Seed.model_validate(_BUILT_IN[seed] if seed in _BUILT_IN else _parsed(seed))
    except ValidationError as error:
        raise _refused_by_model(seed, error.errors()[0]) from None


def _parsed(seed: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(seed).decode("utf-8-sig"))
    except OSError as error:
        raise _unreadable(seed, str(error.strerror)) from None
    except (ValueError, RecursionError) as error:
        raise StartRefused(f"The seed file {seed} cannot be parsed as TOML in UTF-8: {error}.") from None


def _read(seed: str) -> bytes:
    """Return what a seed file holds. Raises OSError, and StartRefused for what may never end or never begin."""
    path = Path(seed)
    status = path.stat()
    if not (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):  # Reading a folder says so itself.
        raise _unreadable(seed, "It is no regular file")
    if status.st_size > LARGEST_FILE:
        raise _unreadable(seed, f"It is larger than {LARGEST_FILE} bytes")
    return path.read_bytes()


def _unreadable(seed: str, reason: str) -> StartRefused:
    expected = "standin.seed must be standard, empty or the path of a TOML file"
    return StartRefused(f"The seed file {seed} cannot be read ({reason}); {expected}.")


def _rows_of(seed: Seed, admin_secret: str) -> Rows:
    """Return the rows by table, parents first, secrets as their hashes."""
    rows: Rows = {"tenants": [], "admin": [], **seed.model_dump(exclude={"tenants", "oauth"})}
    for tenant in seed.tenants:
        secret = hash_of(tenant.admin_secret) if tenant.admin_secret else admin_secret
        administrator = {"admin_user": ADMINISTRATOR_ID, "admin_secret": secret, "privilege": ADMINISTRATOR_PRIVILEGE}
        rows["tenants"].append({"tenant": tenant.tenant, "enabled": tenant.enabled})
        rows["admin"].append({"tenant": tenant.tenant, **administrator})
    for client in rows["clients"]:
        client["client_secret"] = hash_of(client["client_secret"])
    return {**rows, **_oauth_rows(seed)}


def _oauth_rows(seed: Seed) -> Rows:
    """Return the authorization server's rows, lists as one text. A secret stays readable: Tapis shows it to its owner."""
    return {
        oauth_clients.name: [
            {
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "client_name": client.client_name or client.client_id,
                "scope": " ".join(client.scopes),
                "grant_types": " ".join(client.grant_types),
                "auth_methods": " ".join(client.auth_methods),
                "redirect_uris": " ".join(client.redirect_uris),
                "script": json.dumps(client.script) if client.script else None,
            }
            for client in seed.oauth.clients
        ],
        oauth_users.name: [
            {"username": user.username, "password_hash": hash_of(user.password)} for user in seed.oauth.users
        ],
    }


def _check_keys(seed: str, rows: Rows) -> None:
    """Check unique and foreign keys here: the database would name neither the record nor the missing parent."""
    known: dict[Columns, set[tuple[Any, ...]]] = defaultdict(set)
    for name, records in rows.items():
        table = metadata.tables[name]
        unique, foreign = sorted(_unique_keys(table)), list(_foreign_keys(table))
        for number, record in enumerate(records, 1):
            for columns in unique:
                values = tuple(record[column] for column in columns)
                if values in known[name, *columns]:
                    raise _refused(seed, name, number, f"an earlier record has the same {' and '.join(columns)}")
                known[name, *columns].add(values)
            for columns, parent in foreign:
                if tuple(record[column] for column in columns) not in known[parent]:
                    raise _refused(seed, name, number, f"no record of {parent[0]} has its {' and '.join(columns)}")


def _unique_keys(table: Table) -> set[Columns]:
    constraints = {tuple(part.columns.keys()) for part in table.constraints if isinstance(part, UniqueConstraint)}
    indexes = {tuple(index.columns.keys()) for index in table.indexes if index.unique}
    return (constraints | indexes | {tuple(table.primary_key.columns.keys())}) - {("id",)}


def _foreign_keys(table: Table) -> Iterator[tuple[Columns, Columns]]:
    """Yield each foreign key's columns, and its parent as table and columns; the tenant's comes first."""
    for key in sorted(table.foreign_key_constraints, key=lambda key: len(key.columns)):
        yield tuple(key.column_keys), (key.referred_table.name, *(element.column.name for element in key.elements))


def _refused(seed: str, table: str, number: int, rule: str) -> StartRefused:
    return StartRefused(f"{seed}: [[{table.replace('oauth_', 'oauth.')}]] record {number}: {rule}.")


def _refused_by_model(seed: str, error: ErrorDetails) -> StartRefused:
    place = error["loc"]
    numbers = [index for index, part in enumerate(place) if isinstance(part, int)]
    if not numbers:
        return StartRefused(f"{seed}: {_dotted(place)} {_rule(error)}.")
    number, field = place[numbers[0]], _dotted(place[numbers[0] + 1 :])
    return _refused(seed, _dotted(place[: numbers[0]]), int(number) + 1, f"{field or 'it'} {_rule(error)}")


def _dotted(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place)


def _rule(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return f"is not known here, only {', '.join(known_beside(error['loc']))}"
    return f"must be {_EXPECTED.get(error['type'], error['msg'].removeprefix('Input should be '))}"
