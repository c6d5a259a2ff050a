"""Fills the database of a stopped server by SQL: a million keys, or flows, tokens and sessions by the hundred thousand.

What is made looks like what a server has made over the years. Nothing here starts a server.
"""

import base64
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from app.clock import NEVER
from app.oauth.device_flows import ALPHABET, hash_of_code
from app.oauth_tables import metadata  # It imports those of TMS.
from app.records import UNLIMITED, hash_of
from app.schema import Preparation
from app.seed import plant
from app.sqlite.database import open_sqlite, prepare

SECRET = "secret1"
TENANTS = ("test", *(f"tenant{number}" for number in range(1, 10)))
CLIENTS_PER_KEY, USERS_PER_KEY = 0.02, 0.1
HOSTS = 2_000
SAMPLE = 100_000  # keys that are asked for
CACHE_KIBIBYTES = 600_000  # An index that is filled in random order has to fit.
_BLOB = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ENDING = ("device_flows", "oauth_grants", "oauth_access_tokens", "oauth_refresh_tokens", "oauth_sessions")

Row = tuple[object, ...]


class Key(NamedTuple):
    """What tells a key apart from the others, as getkey is asked for it."""

    host: str
    public_key_fingerprint: str
    user: str


def seeded(database: Path) -> None:
    """Make a database as the first start does."""
    with closing(open_sqlite(str(database))) as connection:
        now = datetime.now(UTC)
        plan = Preparation(lambda begun: plant(begun, "standard", "adminsecret1", now, False), lambda _: None, True)
        prepare(connection, str(database), plan)


@contextmanager
def _filling(database: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that is in a hurry: a machine that fails meanwhile leaves no database behind."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in (
            f"cache_size = -{CACHE_KIBIBYTES}",
            "synchronous = OFF",
            "journal_mode = OFF",
            "foreign_keys = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row], **same: object) -> None:
    """Insert rows whose values stand in the order of the table's columns without `id` and without those of `same`."""
    columns = [column.name for column in metadata.tables[table].columns if column.name not in ("id", *same)]
    names, marks = ", ".join([*columns, *same]), ", ".join("?" * (len(columns) + len(same)))
    last = tuple(same.values())
    connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", ((*row, *last) for row in rows))


@contextmanager
def _indexes_made_afterwards(connection: sqlite3.Connection, table: str) -> Iterator[None]:
    """Do without a table's indexes meanwhile, but for those of its constraints: to sort once takes a third of the time."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    indexes = connection.execute(query, [table]).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, text in indexes:
        connection.execute(text)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def fill_keys(database: Path, count: int) -> list[Key]:
    """Store so many keys, with the clients, users, mappings and delegations that they need; return a sample of them."""
    chance, now, sample = random.Random(7), _text(datetime.now(UTC)), []
    stamps = {"created": now, "updated": now}
    for_ever = {"expires_at": _text(NEVER), **stamps}
    clients, users = max(10, int(count * CLIENTS_PER_KEY)), max(10, int(count * USERS_PER_KEY))
    step = max(1, count // SAMPLE)

    def keys() -> Iterator[Row]:
        for number in range(count):
            user = number % users
            client, host = _client(user, number // users % 2, clients), _host(user, number // users // 2 % 2)
            blob = _BLOB + chance.randbytes(32)
            fingerprint = f"SHA256:{base64.b64encode(sha256(blob).digest()).decode().rstrip('=')}"
            if number % step == 0:
                sample.append(Key(host, fingerprint, f"account{user}"))
            text = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
            yield _tenant(user), client, f"user{user}", host, f"account{user}", fingerprint, text

    with _filling(database) as connection:
        _insert(connection, "tenants", ((tenant,) for tenant in TENANTS[1:]), enabled=1, **stamps)
        made = ((_tenant(one), f"app{one}", "1.0", f"client{one}") for one in range(clients))
        _insert(connection, "clients", made, client_secret=hash_of(SECRET), enabled=1, **stamps)
        _insert(connection, "user_mfa", ((_tenant(one), f"user{one}") for one in range(users)), enabled=1, **for_ever)
        mappings = (
            (_tenant(one), f"user{one}", _host(one, other), f"account{one}")
            for one in range(users)
            for other in range(2)
        )
        _insert(connection, "user_hosts", mappings, **for_ever)
        delegations = (
            (_tenant(one), _client(one, other, clients), f"user{one}") for one in range(users) for other in range(2)
        )
        _insert(connection, "delegations", delegations, **for_ever)
        limits = dict.fromkeys(("max_uses", "remaining_uses", "initial_ttl_minutes"), UNLIMITED)
        with _indexes_made_afterwards(connection, "pubkeys"):
            _insert(connection, "pubkeys", keys(), key_type="ed25519", key_bits=256, **limits, **for_ever)
    chance.shuffle(sample)
    return sample


def _tenant(number: int) -> str:
    return TENANTS[number % len(TENANTS)]


def _client(user: int, other: int, clients: int) -> str:
    """Return one of a user's two clients, which are of the user's tenant."""
    return f"client{(user + other * len(TENANTS)) % (clients - clients % len(TENANTS))}"


def _host(user: int, other: int) -> str:
    """Return one of a user's two hosts."""
    return f"host{(user + other) % HOSTS}.example.org"


def clients_of_test(keys: int) -> list[str]:
    """Return the clients of the tenant `test` among so many keys."""
    return [f"client{number}" for number in range(0, max(10, int(keys * CLIENTS_PER_KEY)), len(TENANTS))]


def fill_flows(database: Path, count: int, *, ended: bool, dialect: str = "rfc8628") -> list[str]:
    """Store so many pending device flows and return their device codes; they ended long ago, or live for a year."""
    chance, moments = random.Random(count + ended), _moments(ended)
    codes = [f"{_user_code(number)}{chance.randbytes(16).hex()}" for number in range(count)]
    if not ended:
        codes = [code[:7] + "Z" + code[8:] for code in codes]  # Ended ones end in another letter.
    optional = (
        "nonce",
        "simulator_hash",
        "script",
        "username",
        "granted_scope",
        "grant_id",
        "wait_started_at",
        "last_poll_at",
    )
    same = {
        "issuer": "",
        "dialect": dialect,
        "client_id": "device-public",
        "scope": "openid",
        "resource": "",
        "address": "127.0.0.1",
        "user_agent": "curl",
        "status": "pending",
        "interval": 1,
        "wait_seconds": 0,
        **dict.fromkeys((*optional, "decided_at", "authenticated_at", "token_seconds")),
        "polls": 0,
        **moments,
    }
    with _filling(database) as connection:
        _insert(connection, "device_flows", ((code[:8], hash_of_code(code)) for code in codes), **same)
    return codes


def _user_code(number: int) -> str:
    """Return the code of a number; it ends in B."""
    letters = []
    for _ in range(7):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters) + "B"


def fill_tokens(database: Path, count: int, *, ended: bool) -> None:
    """Store so many grants, each with an access and a refresh token, and as many logins; ended long ago, or good for a year."""
    moments, chance = _moments(ended), random.Random(count + ended)
    names = [chance.randbytes(32).hex() for _ in range(count)]
    login = {"authenticated_at": moments["created"], "expires_at": moments["expires_at"]}
    granted = {"issuer": "", "client_id": "device-public", "username": "testuser1", "scope": "openid", "resource": ""}
    with _filling(database) as connection:
        alone = [(name,) for name in names]
        _insert(
            connection,
            "oauth_grants",
            alone,
            **granted,
            nonce=None,
            revoked_at=None,
            **login,
            created=moments["created"],
        )
        pairs: Sequence[Row] = [(name, name) for name in names]
        _insert(connection, "oauth_access_tokens", pairs, scope="openid", revoked_at=None, **moments)
        _insert(connection, "oauth_refresh_tokens", pairs, scope="openid", used_at=None, **moments)
        _insert(connection, "oauth_sessions", alone, username="testuser1", **login)


def _moments(ended: bool) -> dict[str, str]:
    created = LONG_AGO if ended else datetime.now(UTC)
    return {"created": _text(created), "expires_at": _text(created + timedelta(days=365))}


def count_ended(database: Path) -> int:
    """Return how many rows there are that ended long ago."""
    before, query = _text(LONG_AGO + timedelta(days=366)), "SELECT count(*) FROM {} WHERE expires_at < ?"
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        return sum(connection.execute(query.format(table), [before]).fetchone()[0] for table in ENDING)


def write_values(file: Path, keys: Sequence[Key]) -> None:
    """Write the members of a getkey's body that tell keys apart, a key on each line."""
    file.write_text("".join(json.dumps(key._asdict(), separators=(",", ":"))[1:-1] + "\n" for key in keys), "utf-8")
