"""Back to the seed by one call, whatever the state, without disturbing who is being served (design 2.7)."""

import asyncio
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from app.oauth_tables import metadata
from app.reset import reset
from tests.control.conftest import problem
from tests.oauth.driver import BASE
from tests.seeded import ADMIN
from tests.seeded import CALLER as CREDENTIALS

RESET = "/_standin/reset"
KEY = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1}
WANTED = {**KEY, "ttl_minutes": 60, "key_type": ""}


def everything(path):
    """Return all rows of a database file by table."""
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in metadata.tables}


def undated(rows):
    """Return rows without their moments."""
    return {
        name: [re.sub(r"\d{4}-\d\d-\d\d[T ][0-9:.+]+", "", repr(row)) for row in found] for name, found in rows.items()
    }


@pytest.fixture
async def standin(location, client_for):
    """Return a client of a stand-in on a file, in memory or on PostgreSQL."""
    return await client_for(database=location)


async def create_key(client, **wanted):
    """Make a key and return the answer."""
    return await client.post("/v1/tms/pubkeys/creds", json=WANTED | wanted, headers=CREDENTIALS)


async def test_what_a_reset_takes_away(standin):
    """Keys, flows, the clock's position; the seeded client works as before."""
    made = await create_key(standin)
    assert made.status_code == 201, made.text
    await standin.post("/oauth2/device_authorization", data={"client_id": "device-public"})
    await standin.put("/_standin/clock", json={"mode": "frozen", "now": "2030-01-01T00:00:00Z"})
    answer = await standin.post(RESET)
    assert (answer.status_code, answer.json()) == (200, {"seed": "standard"})
    assert (await standin.get("/_standin/device?status=all")).json() == {"flows": []}
    assert (await standin.get("/_standin/clock")).json()["mode"] == "real"
    asked = {"user": "testhostaccount1", "user_uid": "1", "host": "testhost1", "key_type": "ssh-ed25519"}
    asked["public_key_fingerprint"] = made.json()["public_key_fingerprint"]
    gone = await standin.post("/v1/tms/pubkeys/creds/retrieve", json=asked)
    assert gone.status_code == 404, gone.text
    assert (await create_key(standin)).status_code == 201


async def test_the_rows_are_those_of_a_start(client_for, tmp_path):
    """All tables, ids and sequences included; only the moments are newer."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    begun = datetime.now(UTC)
    before = everything(tmp_path / "tms.db")
    for _ in range(2):
        first = (await create_key(client)).json()
        assert (await client.post(RESET, json={})).status_code == 200
    after = everything(tmp_path / "tms.db")
    assert undated(after) == undated(before)
    [client_row] = after["clients"]
    moments = [datetime.fromisoformat(str(value)) for value in client_row if str(value).startswith("20")]
    assert all(moment >= begun for moment in moments)
    assert (await create_key(client)).json().keys() == first.keys()
    with closing(sqlite3.connect(tmp_path / "tms.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


async def test_whole_seconds_of_0_1_0(client_for):
    """What a reset plants is dated as at a start: without a fraction (contract 1.6)."""
    client = await client_for(wire_version="0.1.0")
    told = []
    for _ in range(2):
        tenant = (await client.get("/v1/tms/tenants/test", headers=ADMIN)).json()
        told.append((tenant["created"], tenant["updated"]))
        assert (await client.post(RESET)).status_code == 200
    for created, updated in told:
        assert created == updated
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)


async def test_another_seed(standin, tmp_path):
    """It may be named; the next reset without a name comes back to that of the start."""
    seed = tmp_path / "own.toml"
    seed.write_text('[[oauth.users]]\nusername = "alice"\npassword = "secret"\n')
    for body, name, clients in (
        ({"seed": "empty"}, "empty", 401),
        ({"seed": str(seed)}, str(seed), 401),
        ({}, "standard", 200),
    ):
        assert (await standin.post(RESET, json=body)).json() == {"seed": name}
        answer = await standin.get("/v1/tms/client/testclient1", headers=CREDENTIALS)
        assert answer.status_code == clients, answer.text


async def test_a_seed_file_that_was_edited(standin, tmp_path):
    """The next reset reads it again."""
    seed = tmp_path / "own.toml"
    for name in ("alice", "robert"):
        seed.write_text(
            f'[[oauth.clients]]\nclient_id = "device-public"\n[[oauth.users]]\nusername = "{name}"\npassword = "p"\n'
        )
        await standin.post(RESET, json={"seed": str(seed)})
        flow = (await standin.post("/oauth2/device_authorization", data={"client_id": "device-public"})).json()
        for username, status in (("alice", 200), ("robert", 200)):
            wish = {"action": "approve", "username": username}
            answer = await standin.post(f"/_standin/device/{flow['user_code']}", json=wish)
            assert answer.status_code == (status if username == name else 422) or answer.status_code == 409


async def test_modes_stay(standin):
    """They are no part of the seed; `settings` takes them back too."""
    await standin.patch("/_standin/settings", json={"strict": True, "enable_test_tenant": False})
    await standin.post(RESET)
    told = (await standin.get("/_standin/settings")).json()
    assert (told["strict"], told["enable_test_tenant"]) == (True, False)
    assert (await standin.get("/v1/tms/client/testclient1", headers=CREDENTIALS)).status_code == 400
    await standin.post(RESET, json={"settings": True})
    told = (await standin.get("/_standin/settings")).json()
    assert (told["strict"], told["enable_test_tenant"]) == (False, True)
    assert (await standin.get("/v1/tms/client/testclient1", headers=CREDENTIALS)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"seed": "nowhere.toml"}, 422, "seed cannot be planted: The seed file nowhere.toml cannot be read"),
        ({"seed": ""}, 422, "seed must be a text, neither empty nor with a NUL."),
        ({"seed": 5}, 422, "seed must be a valid string."),
        ({"sed": "empty"}, 422, "sed is not known here."),
        ({"settings": "yes"}, 422, "settings must be a valid boolean."),
    ],
)
async def test_a_reset_that_cannot_be(client, body, status, detail):
    """It says what is wrong, and rows and clock stay."""
    made = (await create_key(client)).json()
    await client.put("/_standin/clock", json={"mode": "frozen", "now": "2026-11-24T00:00:00Z"})
    answer = await client.post(RESET, json=body)
    assert (answer.status_code, answer.json()["detail"][: len(detail)]) == (status, detail)
    assert (await client.get("/_standin/clock")).json()["mode"] == "frozen"
    again = await client.get(f"/v1/tms/pubkeys/{made['public_key_fingerprint']}", headers=CREDENTIALS)
    assert again.status_code != 401


async def test_a_seed_with_a_mistake(standin, tmp_path):
    """The sentence is that of a start: file, table, number and rule."""
    seed = tmp_path / "own.toml"
    seed.write_text('[[oauth.users]]\nusername = "alice"\n')
    answer = await standin.post(RESET, json={"seed": str(seed)})
    sentence = f"cannot be planted: {seed}: [[oauth.users]] record 1: password is missing"
    errors = [{"field": "seed", "detail": sentence}]
    problem(answer, 422, "Unprocessable Entity", f"seed {sentence}.", errors=errors)


async def test_requests_under_way(client_for, tmp_path):
    """Each of many that write while resets come is served by the state before or by the one after, never by half of one."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")

    async def user(number):
        answers = []
        for _ in range(25):
            answers.append(await create_key(client))
            flow = await client.post("/oauth2/device_authorization", data={"client_id": "device-public"})
            answers.append(flow)
            code = await client.post("/v3/oauth2/device/code", json={"client_id": "tapis_cli"})
            answers.append(code)
            await asyncio.sleep(0.001 * number)
        return [answer.status_code for answer in answers]

    async def resets():
        for _ in range(30):
            assert (await client.post(RESET)).status_code == 200
            await asyncio.sleep(0.002)

    found = await asyncio.gather(*(user(number) for number in range(6)), resets())
    assert {status for statuses in found[:-1] for status in statuses} == {200, 201}
    with closing(sqlite3.connect(tmp_path / "tms.db")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_what_mvp_mode_adds_is_replaced_behind_it(client_for):
    """The key's request begins anew, and is not refused for want of what it has just added itself."""
    client = await client_for(database="sqlite://", enable_mvp=True)
    parts = client._transport.app.edge._parts
    await reset(parts)
    for turns in range(40):
        adding = asyncio.create_task(create_key(client, client_user_id=f"user{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await reset(parts)
        made = await adding
        assert made.status_code == 201, (turns, made.text)


async def test_a_write_whose_client_is_gone_begins_anew(client_for):
    """What has passed the gate before a reset is judged again after it: the client that it knew is not there any more."""
    client = await client_for(database="sqlite://", seed="standard")
    app = client._transport.app
    store, waiting = app.steering.board, asyncio.Event()
    keys = app.edge._parts.keys
    made = keys.make

    async def late(requested):
        await waiting.wait()
        return await made(requested)

    keys.make = late
    asked = asyncio.create_task(create_key(client))
    await asyncio.sleep(0.05)
    before = store.words[1]
    assert (await client.post(RESET, json={"seed": "empty"})).status_code == 200
    assert store.words[1] == before + 2
    waiting.set()
    answer = await asked
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json; charset=utf-8"), answer.text


async def test_a_read_whose_client_is_gone_begins_anew(client_for):
    """What has passed the gate before a reset is not shown the rows of after it."""
    client = await client_for()
    app = client._transport.app
    store, begun, waiting = app.edge._parts.store, asyncio.Event(), asyncio.Event()
    pages = store.pages

    async def late(*question, **parameters):
        begun.set()
        await waiting.wait()
        async for page in pages(*question, **parameters):
            yield page

    wish = {"client_id": "own", "app_name": "own", "app_version": "1", "description": "", "tenant": "test"}
    made = (await client.post("/v1/tms/client", json=wish)).json()
    credentials = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "own", "X-TMS-CLIENT-SECRET": made["client_secret"]}
    store.pages = late
    asked = asyncio.create_task(client.get("/v1/tms/client/list", headers=credentials))
    await begun.wait()
    assert (await client.post(RESET)).status_code == 200
    waiting.set()
    answer = await asked
    assert answer.status_code == 401, answer.text


async def test_an_issuer_after_a_reset(client_for):
    """Keys and tokens of before are gone, new ones work."""
    client = await client_for()
    kids = []
    for _ in range(2):
        kids.append((await client.get("/oauth2/jwks")).json()["keys"][0]["kid"])
        await client.post(RESET)
    assert kids[0] != kids[1]
    assert str(client.base_url) == BASE
