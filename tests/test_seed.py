"""Tests of app/seed.py and app/seed_records.py: what a new database holds, and what stops the start."""

import hashlib
from contextlib import closing
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from app.errors import StartRefused
from app.keys import fingerprint_of
from app.oauth_tables import metadata  # It imports those of TMS.
from app.schema import Preparation
from app.seed import STANDARD_FINGERPRINT, STANDARD_PUBLIC_KEY, Seeded, plant, plant_oauth
from app.sqlite.database import open_sqlite, prepare

NOW = datetime(2026, 11, 23, 18, 0, 0, 250_000, UTC)
STORED = "2026-11-23T18:00:00.250000+00:00"
STORED_NEVER = "9999-12-31T23:59:59.000000+00:00"
UNLIMITED = 2147483647
EVERY_SCOPE = "openid profile email offline_access"
EVERY_GRANT = "urn:ietf:params:oauth:grant-type:device_code refresh_token authorization_code"
LIBRARY = {"tenant": "library", "client_id": "c1", "client_user_id": "u1", "host": "h1", "host_account": "a1"}
SMALLEST = """
[[clients]]
tenant = "test"
app_name = "app1"
app_version = "1.0"
client_id = "client1"
client_secret = "s3cret"

[[user_mfa]]
tenant = "test"
tms_user_id = "user1"

[[user_hosts]]
tenant = "test"
tms_user_id = "user1"
host = "host1"
host_account = "account1"

[[delegations]]
tenant = "test"
client_id = "client1"
client_user_id = "user1"

[[pubkeys]]
tenant = "test"
client_id = "client1"
client_user_id = "user1"
host = "host1"
host_account = "account1"
public_key = "{public_key}"

[[hosts]]
tenant = "test"
host = "host1"
addr = "10.0.0.1"
"""
FULL = """
[[tenants]]
tenant = "library"
enabled = false
admin_secret = "librarian"

[[tenants]]
tenant = "other"

[[clients]]
tenant = "library"
app_name = "app1"
app_version = ">=1.2, <2"
client_id = "c1"
client_secret = "s1"
enabled = false

[[user_mfa]]
tenant = "library"
tms_user_id = "u1"
enabled = false
expires_at = 2030-01-02T03:04:05.6+02:00

[[user_hosts]]
tenant = "library"
tms_user_id = "u1"
host = "h1"
host_account = "a1"
expires_at = 2030-01-02T03:04:05

[[delegations]]
tenant = "library"
client_id = "c1"
client_user_id = "u1"
expires_at = 2030-01-02 03:04:05Z

[[pubkeys]]
tenant = "library"
client_id = "c1"
client_user_id = "u1"
host = "h1"
host_account = "a1"
public_key = "no key at all"
public_key_fingerprint = "SHA256:given"
key_type = "given"
key_bits = 0
max_uses = 3
remaining_uses = 0
initial_ttl_minutes = 60
expires_at = 2030-01-02T03:04:05Z

[[oauth.clients]]
client_id = "my-cli"
client_secret = "s3cret"
scopes = ["openid", "profile"]

[[oauth.clients]]
client_id = "public"

[[oauth.users]]
username = "alice"
password = "secret"
"""


def sha512(secret):
    """Return what is stored of a secret."""
    return hashlib.sha512(secret.encode()).hexdigest()


@pytest.fixture
def database():
    """Return a connection to a new database in memory."""
    with closing(open_sqlite(":memory:")) as connection:
        yield connection


def planted(database, seed, whole_seconds=False):
    """Plant a seed as a start does."""
    return prepare(
        database,
        ":memory:",
        Preparation(lambda begun: plant(begun, str(seed), "adminsecret1", NOW, whole_seconds), None, True),
    ).planted


def stored(database):
    """Return the rows of every table that has any, as dictionaries without id and stamps."""
    found = {}
    for name, table in metadata.tables.items():
        columns = [column.name for column in table.columns if column.name not in ("id", "created", "updated")]
        cursor = database.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY rowid")
        found[name] = [dict(zip(columns, row, strict=True)) for row in cursor]
    return {name: rows for name, rows in found.items() if rows}


def stamps(database):
    """Return every distinct instant of creation and of change of all tables."""
    named = [(column, name) for name in metadata.tables for column in ("created", "updated")]
    found = [(column, name) for column, name in named if column in metadata.tables[name].columns]
    return {moment for column, name in found for (moment,) in database.execute(f"SELECT {column} FROM {name}")}


def tenant_rows(*tenants):
    """Return the rows of enabled tenants and of their administrators with the settings' secret."""
    secret = sha512("adminsecret1")
    administrator = {"admin_user": "~~admin", "admin_secret": secret, "privilege": "PERM_ADMIN"}
    return {
        "tenants": [{"tenant": tenant, "enabled": 1} for tenant in tenants],
        "admin": [{"tenant": tenant, **administrator} for tenant in tenants],
    }


def oauth_client(client_id, secret=None, scope=EVERY_SCOPE, **changed):
    """Return the row of a client of the authorization server with the defaults."""
    return {
        "client_id": client_id,
        "client_secret": secret,
        "client_name": client_id,
        "scope": scope,
        "grant_types": EVERY_GRANT,
        "auth_methods": "client_secret_basic client_secret_post",
        "redirect_uris": "",
        "script": None,
        "tapis_tenant": "",
        "owner": "",
        "description": "",
        "active": 1,
        **changed,
    }


def oauth_user(username, password):
    """Return the row of a user of the authorization server."""
    return {"username": username, "password_hash": sha512(password)}


STANDARD_OAUTH = {
    "oauth_clients": [oauth_client("device-public"), oauth_client("testclient1", "secret1"), oauth_client("tapis_cli")],
    "oauth_users": [oauth_user("testuser1", "password1"), oauth_user("testuser2", "password2")],
}


FULL_OAUTH = {
    "oauth_clients": [oauth_client("my-cli", "s3cret", "openid profile"), oauth_client("public")],
    "oauth_users": [oauth_user("alice", "secret")],
}


def line_of(private_key):
    """Return a public key as one line."""
    return private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_standard_is_what_the_real_install_makes_and_one_key(database):
    """Every row of the contract's 1.10, and the key under the fingerprint that the load suite asks for."""
    seeded = planted(database, "standard")
    pair = {"client_id": "testclient1", "client_user_id": "testuser1"}
    login = {"host": "testhost1", "host_account": "testhostaccount1"}
    never = {"expires_at": STORED_NEVER}
    names = {"app_name": "testapp1", "app_version": "1.0", "client_id": "testclient1"}
    key = {"public_key": STANDARD_PUBLIC_KEY, "key_type": "ed25519", "key_bits": 256}
    unlimited = dict.fromkeys(("max_uses", "remaining_uses", "initial_ttl_minutes"), UNLIMITED)
    fingerprint = {"public_key_fingerprint": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"}
    assert stored(database) == {
        **tenant_rows("default", "test"),
        "clients": [{"tenant": "test", **names, "client_secret": sha512("secret1"), "enabled": 1}],
        "user_mfa": [{"tenant": "test", "tms_user_id": "testuser1", "enabled": 1, **never}],
        "user_hosts": [{"tenant": "test", "tms_user_id": "testuser1", **login, **never}],
        "delegations": [{"tenant": "test", **pair, **never}],
        "pubkeys": [{"tenant": "test", **pair, **login, **fingerprint, **key, **unlimited, **never}],
        **STANDARD_OAUTH,
    }
    counts = {"tenants": 2, "admin": 2, "clients": 1, "user_mfa": 1, "user_hosts": 1, "delegations": 1, "pubkeys": 1}
    oauth = {"oauth_clients": 3, "oauth_users": 2}
    assert seeded == Seeded(("default", "test"), (("test", "testclient1"),), {**counts, "hosts": 0, **oauth})


def test_the_standard_key_is_a_real_one_of_another_fingerprint():
    """The key behind the published fingerprint is not public, so the row cannot hold it (design 2.3)."""
    line = load_ssh_public_key(STANDARD_PUBLIC_KEY.encode()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert line.decode() == STANDARD_PUBLIC_KEY
    assert fingerprint_of(STANDARD_PUBLIC_KEY) != STANDARD_FINGERPRINT


def test_empty_has_the_two_tenants_and_their_administrators(database):
    """Without them nothing could ever be created through the API."""
    assert planted(database, "empty").tenants == ("default", "test")
    assert stored(database) == tenant_rows("default", "test")


@pytest.mark.parametrize(("whole_seconds", "stamp"), [(False, STORED), (True, "2026-11-23T18:00:00.000000+00:00")])
def test_created_and_updated_are_the_same_instant(database, whole_seconds, stamp):
    """Under wire version 0.1.0 the fraction is missing, as in the real server's own rows (contract 1.6)."""
    planted(database, "standard", whole_seconds)
    assert stamps(database) == {stamp}


def test_a_file_with_what_is_required_gets_the_defaults(database, tmp_path):
    """Enabled, never expiring, unlimited, the two tenants, and a key that describes itself."""
    key = line_of(Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    (tmp_path / "seed.toml").write_text(SMALLEST.format(public_key=key))
    planted(database, tmp_path / "seed.toml")
    pair, login = {"client_id": "client1", "client_user_id": "user1"}, {"host": "host1", "host_account": "account1"}
    names = {"app_name": "app1", "app_version": "1.0", "client_id": "client1"}
    described = {"public_key": key, "public_key_fingerprint": fingerprint_of(key), "key_type": "ed25519"}
    unlimited = dict.fromkeys(("max_uses", "remaining_uses", "initial_ttl_minutes"), UNLIMITED)
    never = {"expires_at": STORED_NEVER}
    assert stored(database) == {
        **tenant_rows("default", "test"),
        "clients": [{"tenant": "test", **names, "client_secret": sha512("s3cret"), "enabled": 1}],
        "user_mfa": [{"tenant": "test", "tms_user_id": "user1", "enabled": 1, **never}],
        "user_hosts": [{"tenant": "test", "tms_user_id": "user1", **login, **never}],
        "delegations": [{"tenant": "test", **pair, **never}],
        "pubkeys": [{"tenant": "test", **pair, **login, **described, "key_bits": 256, **unlimited, **never}],
        "hosts": [{"tenant": "test", "host": "host1", "addr": "10.0.0.1"}],
    }


def test_a_file_with_everything_is_stored_as_it_says(database, tmp_path):
    """Each field may be given; datetimes are stored in UTC; a password as its hash; an OAuth client's secret readable."""
    (tmp_path / "seed.toml").write_text(FULL)
    seeded = planted(database, tmp_path / "seed.toml")
    tenants = tenant_rows("library", "other")
    tenants["tenants"][0]["enabled"] = 0
    tenants["admin"][0]["admin_secret"] = sha512("librarian")
    client = {"app_name": "app1", "app_version": ">=1.2, <2", "client_id": "c1", "client_secret": sha512("s1")}
    login = {"host": "h1", "host_account": "a1"}
    moment = {"expires_at": "2030-01-02T03:04:05.000000+00:00"}
    key = {"public_key": "no key at all", "public_key_fingerprint": "SHA256:given", "key_type": "given", "key_bits": 0}
    assert stored(database) == {
        **tenants,
        "clients": [{"tenant": "library", **client, "enabled": 0}],
        "user_mfa": [
            {"tenant": "library", "tms_user_id": "u1", "enabled": 0, "expires_at": "2030-01-02T01:04:05.600000+00:00"}
        ],
        "user_hosts": [{"tenant": "library", "tms_user_id": "u1", **login, **moment}],
        "delegations": [{"tenant": "library", "client_id": "c1", "client_user_id": "u1", **moment}],
        "pubkeys": [{**LIBRARY, **key, "max_uses": 3, "remaining_uses": 0, "initial_ttl_minutes": 60, **moment}],
        **FULL_OAUTH,
    }
    counts = {"tenants": 2, "admin": 2, "clients": 1, "user_mfa": 1, "user_hosts": 1, "delegations": 1, "pubkeys": 1}
    oauth = {"oauth_clients": 2, "oauth_users": 1}
    assert seeded == Seeded(("library", "other"), (("library", "c1"),), {**counts, "hosts": 0, **oauth})


@pytest.mark.parametrize(("seed", "expected"), [("standard", STANDARD_OAUTH), ("empty", {}), ("file", FULL_OAUTH)])
def test_an_older_database_gets_the_part_of_the_authorization_server(database, tmp_path, seed, expected):
    """Nothing of TMS is planted a second time."""
    (tmp_path / "seed.toml").write_text(FULL)
    name = str(tmp_path / "seed.toml") if seed == "file" else seed
    prepare(database, ":memory:", Preparation(lambda begun: plant_oauth(begun, name, NOW), None, True))
    assert stored(database) == expected
    assert stamps(database) == ({STORED} if expected else set())


def test_the_script_of_a_client_keeps_its_steps(database, tmp_path):
    """A step may hold blanks, so that the list is stored as JSON."""
    (tmp_path / "seed.toml").write_text(
        '[[oauth.clients]]\nclient_id = "a"\nclient_name = "A"\nscript = ["pending*2", "approve testuser1 openid"]\n'
        'redirect_uris = ["http://localhost/a", "http://localhost/b"]\nauth_methods = ["client_secret_post"]\n'
        'grant_types = ["refresh_token"]\nscopes = []\n'
    )
    planted(database, tmp_path / "seed.toml")
    changed = {
        "client_name": "A",
        "grant_types": "refresh_token",
        "auth_methods": "client_secret_post",
        "redirect_uris": "http://localhost/a http://localhost/b",
        "script": '["pending*2", "approve testuser1 openid"]',
    }
    assert stored(database)["oauth_clients"] == [oauth_client("a", scope="", **changed)]


@pytest.mark.parametrize(
    ("private_key", "key_type", "key_bits"),
    [
        (Ed25519PrivateKey.generate(), "ed25519", 256),
        (ec.generate_private_key(ec.SECP521R1()), "ecdsa", 521),
        (ec.generate_private_key(ec.SECP256R1()), "ecdsa", 256),
        (rsa.generate_private_key(65537, 2048), "rsa", 2048),
    ],
    ids=["ed25519", "nistp521", "nistp256", "rsa"],
)
def test_a_key_of_each_type_describes_itself(database, tmp_path, private_key, key_type, key_bits):
    """Type, bits and fingerprint are read from the key; a comment behind it does no harm."""
    line = f"{line_of(private_key)} somebody@somewhere"
    (tmp_path / "seed.toml").write_text(SMALLEST.format(public_key=line))
    planted(database, tmp_path / "seed.toml")
    (row,) = stored(database)["pubkeys"]
    found = row["key_type"], row["key_bits"], row["public_key_fingerprint"], row["public_key"]
    assert found == (key_type, key_bits, fingerprint_of(line), line)


@pytest.mark.parametrize("given", ['public_key_fingerprint = "given"', 'key_type = "given"', "key_bits = 7"])
def test_what_is_given_of_a_key_stands(database, tmp_path, given):
    """Only what is left out is read from the key."""
    line = line_of(Ed25519PrivateKey.generate())
    text = SMALLEST.format(public_key=line).replace("\n[[hosts]]", f"{given}\n[[hosts]]")
    (tmp_path / "seed.toml").write_text(text)
    planted(database, tmp_path / "seed.toml")
    (row,) = stored(database)["pubkeys"]
    name, _, value = given.partition(" = ")
    described = {"public_key_fingerprint": fingerprint_of(line), "key_type": "ed25519", "key_bits": 256}
    expected = {**described, name: 7 if value == "7" else "given"}
    assert {key: row[key] for key in described} == expected


def test_uses_that_remain_follow_the_uses_that_are_allowed(database, tmp_path):
    """A key that says only `max_uses` has all of them left."""
    text = SMALLEST.format(public_key=STANDARD_PUBLIC_KEY).replace("\n[[hosts]]", "max_uses = 0\n[[hosts]]")
    (tmp_path / "seed.toml").write_text(text)
    planted(database, tmp_path / "seed.toml")
    (row,) = stored(database)["pubkeys"]
    assert (row["max_uses"], row["remaining_uses"]) == (0, 0)


def test_a_file_may_begin_with_a_byte_order_mark_and_be_empty(database, tmp_path):
    """Editors on Windows write one; nothing said means what `empty` means."""
    (tmp_path / "seed.toml").write_bytes(b"\xef\xbb\xbf")
    planted(database, tmp_path / "seed.toml")
    assert stored(database) == tenant_rows("default", "test")


def test_a_file_may_say_that_there_is_no_tenant(database, tmp_path):
    """An empty list is an answer, unlike silence."""
    (tmp_path / "seed.toml").write_text("tenants = []")
    planted(database, tmp_path / "seed.toml")
    assert stored(database) == {}


def record(table, **changed):
    """Return a record of a table of SMALLEST as TOML text, with fields replaced, or left out where None."""
    lines = SMALLEST.format(public_key=STANDARD_PUBLIC_KEY).partition(f"[[{table}]]\n")[2].partition("\n\n")[0]
    fields = dict(line.split(" = ", 1) for line in lines.strip().splitlines())
    kept = {name: value for name, value in {**fields, **changed}.items() if value is not None}
    return f"[[{table}]]\n" + "".join(f"{name} = {value}\n" for name, value in kept.items())


STEP = 'a step such as "pending", "pending*3", "slow_down", "deny", "expire", "approve USER"'
PARENTS = "".join(record(table) for table in ("clients", "user_mfa", "user_hosts", "delegations"))
VERSION = "unexpected character 'v' while parsing major version number"
FIELDS = "tenant, app_name, app_version, client_id, client_secret, enabled"
DESCRIBED = "a record with an OpenSSH public_key, or with its fingerprint, type and bits"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[[nodes]]\nx = 1",
            "nodes is not known here, only tenants, clients, user_mfa, user_hosts, delegations, pubkeys, hosts, oauth",
        ),
        ("clients = 1", "clients must be an array of tables"),
        ("[clients]", "clients must be an array of tables"),
        ("clients = [1]", "[[clients]] record 1: it must be a table"),
        (record("clients", nick="1"), f"[[clients]] record 1: nick is not known here, only {FIELDS}"),
        (record("clients", id="1"), f"[[clients]] record 1: id is not known here, only {FIELDS}"),
        (record("clients", client_secret=None), "[[clients]] record 1: client_secret is missing"),
        (
            record("clients", client_secret='""'),
            "[[clients]] record 1: client_secret must be a string that is not empty",
        ),
        (record("clients", app_name="1"), "[[clients]] record 1: app_name must be a string"),
        (record("clients", enabled="1"), "[[clients]] record 1: enabled must be true or false"),
        (
            record("clients") + record("clients", client_id='"c2"', app_version='"v2"'),
            f"[[clients]] record 2: app_version must be a version requirement ({VERSION})",
        ),
        (record("tenants", tenant='"a"') * 2, "[[tenants]] record 2: an earlier record has the same tenant"),
        (
            record("clients") + record("clients", client_id='"c2"'),
            "[[clients]] record 2: an earlier record has the same tenant and app_name and app_version",
        ),
        (
            record("clients") + record("clients", app_name='"a2"'),
            "[[clients]] record 2: an earlier record has the same tenant and client_id",
        ),
        (record("clients", tenant='"none"'), "[[clients]] record 1: no record of tenants has its tenant"),
        (record("hosts", tenant='"none"'), "[[hosts]] record 1: no record of tenants has its tenant"),
        (record("user_mfa") * 2, "[[user_mfa]] record 2: an earlier record has the same tenant and tms_user_id"),
        (
            record("user_mfa", expires_at='"2030-01-01T00:00:00Z"'),
            "[[user_mfa]] record 1: expires_at must be a date and time, not quoted",
        ),
        (
            record("user_mfa", expires_at="2030-01-01"),
            "[[user_mfa]] record 1: expires_at must be a date and time, not quoted",
        ),
        (
            record("user_mfa", expires_at="9999-12-31T23:59:59-01:00"),
            "[[user_mfa]] record 1: expires_at must be a date and time of the years 1 to 9999 in UTC",
        ),
        (record("user_hosts"), "[[user_hosts]] record 1: no record of user_mfa has its tenant and tms_user_id"),
        (
            record("clients") + record("delegations"),
            "[[delegations]] record 1: no record of user_mfa has its tenant and client_user_id",
        ),
        (
            record("user_mfa") + record("delegations"),
            "[[delegations]] record 1: no record of clients has its tenant and client_id",
        ),
        (
            PARENTS + record("pubkeys", host='"h2"'),
            "[[pubkeys]] record 1: no record of user_hosts has its tenant and client_user_id and host and host_account",
        ),
        (
            PARENTS.partition("[[delegations]]")[0] + record("pubkeys"),
            "[[pubkeys]] record 1: no record of delegations has its tenant and client_id and client_user_id",
        ),
        (
            PARENTS + record("pubkeys") * 2,
            "[[pubkeys]] record 2: an earlier record has the same public_key_fingerprint and host",
        ),
        (PARENTS + record("pubkeys", public_key=None), "[[pubkeys]] record 1: public_key is missing"),
        (PARENTS + record("pubkeys", public_key='"ssh-rsa x"'), f"[[pubkeys]] record 1: it must be {DESCRIBED}"),
        (PARENTS + record("pubkeys", public_key='""'), f"[[pubkeys]] record 1: it must be {DESCRIBED}"),
        (
            PARENTS + record("pubkeys", max_uses="-1"),
            "[[pubkeys]] record 1: max_uses must be greater than or equal to 0",
        ),
        (
            PARENTS + record("pubkeys", initial_ttl_minutes="2147483648"),
            "[[pubkeys]] record 1: initial_ttl_minutes must be less than or equal to 2147483647",
        ),
        (
            PARENTS + record("pubkeys", remaining_uses="1.5"),
            "[[pubkeys]] record 1: remaining_uses must be a whole number",
        ),
        ("[[oauth.users]]\nusername = 'a'", "[[oauth.users]] record 1: password is missing"),
        (
            "[[oauth.clients]]\nclient_id = 'a'\n[[oauth.clients]]\nclient_id = 'b'\nscopes = ['a', 1]",
            "[[oauth.clients]] record 2: scopes.1 must be a string",
        ),
        (
            "[[oauth.users]]\nusername = 'a'\npassword = 'b'\n" * 2,
            "[[oauth.users]] record 2: an earlier record has the same username",
        ),
        (
            "[[oauth.clients]]\nclient_id = 'a'\n" * 2,
            "[[oauth.clients]] record 2: an earlier record has the same client_id",
        ),
        (
            "[[oauth.clients]]\nclient_id = 'a'\nscript = ['approve']",
            f"[[oauth.clients]] record 1: script.0 must be {STEP}",
        ),
        ("[oauth]\ninterval = 1", "oauth.interval is not known here, only clients, users"),
        ("oauth = 1", "oauth must be a table"),
    ],
)
def test_a_record_that_breaks_a_rule_stops_the_start(database, tmp_path, text, sentence):
    """The sentence names file, table, record and rule, and nothing is stored, not even the tables."""
    (tmp_path / "seed.toml").write_text(text)
    with pytest.raises(StartRefused) as refused:
        planted(database, tmp_path / "seed.toml")
    assert str(refused.value) == f"{tmp_path / 'seed.toml'}: {sentence}."
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_a_key_of_a_type_that_is_not_served_is_refused(database, tmp_path):
    """A security key's line can be read, but it is none of the three types that the column may hold."""
    blob = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAI" + STANDARD_PUBLIC_KEY[-43:] + "AAAABHNzaDo="
    (tmp_path / "seed.toml").write_text(PARENTS + record("pubkeys", public_key=f'"sk-ssh-ed25519@openssh.com {blob}"'))
    with pytest.raises(StartRefused) as refused:
        planted(database, tmp_path / "seed.toml")
    assert str(refused.value) == f"{tmp_path / 'seed.toml'}: [[pubkeys]] record 1: it must be {DESCRIBED}."


def test_a_refusal_shows_no_secret(database, tmp_path):
    """A secret of the wrong type is not repeated."""
    (tmp_path / "seed.toml").write_text(record("clients", client_secret="12345678"))
    with pytest.raises(StartRefused) as refused:
        planted(database, tmp_path / "seed.toml")
    expected = f"{tmp_path / 'seed.toml'}: [[clients]] record 1: client_secret must be a string."
    assert (str(refused.value), refused.value.__suppress_context__) == (expected, True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.toml", "No such file or directory"), ("", "Is a directory")],
)
def test_a_file_that_cannot_be_read_stops_the_start(database, tmp_path, name, reason):
    """A misspelt `standard` ends here too, so the sentence says what may stand there."""
    with pytest.raises(StartRefused) as refused:
        planted(database, tmp_path / name)
    expected = "standin.seed must be standard, empty or the path of a TOML file"
    assert str(refused.value) == f"The seed file {tmp_path / name} cannot be read ({reason}); {expected}."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[[clients]\n", "Expected ']]' at the end of an array declaration (at line 1, column 10)"),
        (b"x = '\xff'", "'utf-8' codec can't decode byte 0xff in position 5: invalid start byte"),
        (b"x = " + b"[" * 100_000, "maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_is_no_toml_stops_the_start(database, tmp_path, content, reason):
    """Whatever is wrong with the text, it is one sentence."""
    (tmp_path / "seed.toml").write_bytes(content)
    with pytest.raises(StartRefused) as refused:
        planted(database, tmp_path / "seed.toml")
    expected = f"The seed file {tmp_path / 'seed.toml'} cannot be parsed as TOML in UTF-8: {reason}"
    assert str(refused.value).startswith(expected)
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
