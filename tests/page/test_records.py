"""Rows of every table, a few at a time, without what is secret."""

import json

import pytest

from app.oauth_tables import oauth_clients
from tests.control.conftest import wrong
from tests.page.conftest import CLIENT

RECORDS, TABLES = "/_standin/records", "/_standin/tables"
CREATE = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1"}
SECRETS = ("secret1", "adminsecret1", "password1")


async def listed(standin, **query):
    """Return rows as they are served."""
    answer = await standin.http.get(RECORDS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("is_file", [False, True])
async def test_the_tables(standin_for, tmp_path, is_file):
    """Every table of the schema with the number of its rows, in memory and in a file."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}" if is_file else "sqlite://")
    found = (await standin.http.get(TABLES)).json()["tables"]
    counted = {table["name"]: table["records"] for table in found}
    assert set(counted) == set(oauth_clients.metadata.tables)
    assert (counted["tenants"], counted["pubkeys"], counted["oauth_users"], counted["reservations"]) == (2, 1, 2, 0)


async def test_the_rows_of_a_table(standin):
    """The newest first, each with its columns."""
    tenants = await listed(standin, table="tenants")
    assert [(row["id"], row["tenant"], row["enabled"]) for row in tenants.pop("records")] == [
        (2, "test", True),
        (1, "default", True),
    ]
    assert tenants == {"table": "tenants", "columns": ["id", "tenant", "enabled", "created", "updated"], "more": False}


async def test_no_secret_is_shown(standin):
    """Neither in clear nor as a hash: not of the seed, not of a whole device flow."""
    tokens = await standin.tokens()
    flow = await standin.begin("testclient1")
    stored = [
        await standin._all(name) for name in ("oauth_users", "oauth_secrets", "oauth_signing_keys", "device_flows")
    ]
    secret = {value for rows in stored for row in rows for name, value in row._asdict().items() if "hash" in name}
    secret |= {row.secret for row in stored[1]} | {row.private_key for row in stored[2]}
    secret |= {*SECRETS, tokens["access_token"], tokens["refresh_token"], flow["device_code"]}
    assert len(secret) > 7
    for name in oauth_clients.metadata.tables:
        text = json.dumps(await listed(standin, table=name, limit=200))
        assert [value for value in secret if value is not None and f'"{value}"' in text] == []
        for column in ("client_secret", "admin_secret", "password_hash", "private_key", "secret", "device_code_hash"):
            assert f'"{column}"' not in text


async def test_pages(standin):
    """Limit and offset lead through all rows."""
    for _ in range(2):
        await standin.http.post(
            "/v1/tms/pubkeys/creds", json={**CREATE, "num_uses": 1, "ttl_minutes": 1}, headers=CLIENT
        )
    pages = [await listed(standin, table="pubkeys", limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[row["id"] for row in page["records"]] for page in pages] == [[3, 2], [1], []]
    assert [page["more"] for page in pages] == [True, False, False]


@pytest.mark.parametrize(
    ("search", "usernames"),
    [
        ("USER2", ["testuser2"]),
        ("testuser", ["testuser1", "testuser2"]),
        ("test%2", []),
        ("t_stuser1", []),
        ("\\", []),
        ("'; DROP TABLE oauth_users; --", []),
        ("", ["testuser1", "testuser2"]),
    ],
)
async def test_a_search(standin, search, usernames):
    """A piece of any column in any letter case; what SQL takes for a pattern is a letter."""
    found = await listed(standin, table="oauth_users", search=search)
    assert sorted(row["username"] for row in found["records"]) == usernames


async def test_a_search_finds_numbers_and_times_and_no_secret(standin):
    """The shown columns as they are stored, and no other."""
    assert len((await listed(standin, table="pubkeys", search="2147483647"))["records"]) == 1
    assert len((await listed(standin, table="pubkeys", search="2026-11"))["records"]) == 1
    assert (await listed(standin, table="oauth_clients", search="secret1"))["records"] == []


async def test_what_is_refused(standin):
    """Named, with what is accepted; nothing has changed."""
    before = await standin.rows()
    tables = [f"'{name}'" for name in oauth_clients.metadata.tables]
    for name in ("sqlite_master", "alembic_version"):
        answer = await standin.http.get(RECORDS, params={"table": name})
        wrong(answer, "table", f"must be {', '.join(tables[:-1])} or {tables[-1]}")
    wrong(await standin.http.get(RECORDS), "table", "is missing")
    for field, value in (("limit", "0"), ("limit", "201"), ("offset", "-1"), ("search", "a\0"), ("search", "x" * 201)):
        answer = await standin.http.get(RECORDS, params={"table": "tenants", field: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await standin.rows() == before
