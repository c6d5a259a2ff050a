"""The modes that change while the stand-in runs (design 2.7)."""

import asyncio

import pytest

from tests.control.conftest import wrong
from tests.seeded import CALLER as CREDENTIALS

SETTINGS = "/_standin/settings"
STANDARD = {
    "enable_mvp": False,
    "enable_test_tenant": True,
    "new_clients": "allow",
    "quirks": "intended",
    "strict": False,
    "wire_version": "0.3.0",
    "journal": False,
    "tapis": {"race": False},
}


async def test_two_changes_at_once(client_for, tmp_path):
    """The mode and the tenant agree afterwards, whichever of the calls comes first to the database."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    store = client._transport.app.edge._parts.store
    write, begun, passed = store.write_whatever_was_read, asyncio.Event(), asyncio.Event()

    async def late(work):
        if asyncio.current_task() is first:
            begun.set()
            await passed.wait()
        return await write(work)

    store.write_whatever_was_read = late
    first = asyncio.create_task(client.patch(SETTINGS, json={"enable_test_tenant": False}))
    await begun.wait()
    second = await client.patch(SETTINGS, json={"enable_test_tenant": True})
    passed.set()
    assert [answer.json()["enable_test_tenant"] for answer in (second, await first)] == [True, True]
    assert (await client.get("/v1/tms/client/testclient1", headers=CREDENTIALS)).status_code == 200


async def test_the_settings_of_the_start(client):
    """All of them, in the order of the design."""
    answer = await client.get(SETTINGS)
    assert answer.json() == STANDARD
    assert list(answer.json()) == list(STANDARD)


@pytest.mark.parametrize(
    "change",
    [
        {"enable_mvp": True},
        {"enable_test_tenant": False},
        {"new_clients": "disallow"},
        {"quirks": "real"},
        {"strict": True},
        {"wire_version": "0.1.0"},
        {"journal": True},
        {"tapis": {"race": True}},
        {"enable_mvp": True, "strict": True},
        {},
    ],
)
async def test_a_change(client, change):
    """It is answered with all of them, the others as they were, and lasts."""
    assert (await client.patch(SETTINGS, json=change)).json() == {**STANDARD, **change}
    assert (await client.get(SETTINGS)).json() == {**STANDARD, **change}
    back = {name: STANDARD[name] for name in change}
    assert (await client.patch(SETTINGS, json=back)).json() == STANDARD


async def test_the_wire_changes(client):
    """The version that is told is the one in force."""
    await client.patch(SETTINGS, json={"wire_version": "0.1.0"})
    assert (await client.get("/v1/tms/version")).json()["tms_version"] == "0.1.0"
    await client.patch(SETTINGS, json={"wire_version": "0.3.0"})
    assert (await client.get("/v1/tms/version")).json()["tms_version"] == "0.3.0"


async def test_the_test_tenant(client):
    """It is disabled and enabled as a start does it (contract 1.10)."""
    for enabled, status in ((False, 400), (True, 200), (True, 200)):
        await client.patch(SETTINGS, json={"enable_test_tenant": enabled})
        answer = await client.get("/v1/tms/client/testclient1", headers=CREDENTIALS)
        assert answer.status_code == status, answer.text


async def test_new_clients(client):
    """Creating clients is open, closed, and open again."""
    body = {"client_id": "new", "tenant": "test", "app_name": "app", "app_version": "1.0"}
    await client.patch(SETTINGS, json={"new_clients": "disallow"})
    refused = await client.post("/v1/tms/client", json=body, headers={"X-TMS-TENANT": "test"})
    await client.patch(SETTINGS, json={"new_clients": "allow"})
    made = await client.post("/v1/tms/client", json=body, headers={"X-TMS-TENANT": "test"})
    assert refused.status_code != made.status_code
    assert made.status_code in (200, 201), made.text


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"enable_mvp": "yes"}, "enable_mvp", "must be a valid boolean"),
        ({"enable_mvp": 1}, "enable_mvp", "must be a valid boolean"),
        ({"new_clients": "some"}, "new_clients", "must be 'allow' or 'disallow'"),
        ({"quirks": "none"}, "quirks", "must be 'intended' or 'real'"),
        ({"wire_version": "0.2.0"}, "wire_version", "must be '0.3.0' or '0.1.0'"),
        ({"tapis": {}}, "race", "is missing"),
        ({"tapis": {"race": None}}, "race", "must be a valid boolean"),
        ({"tapis": {"race": True, "tenant": "x"}}, "tenant", "is not known here"),
        ({"database": "sqlite://"}, "database", "is not known here"),
        ({"strict": True, "seed": "empty"}, "seed", "is not known here"),
        ([], "body", "must be a JSON object"),
    ],
)
async def test_what_cannot_be_set(client, body, field, detail):
    """The refusal names the field and what is accepted; nothing has changed, what was right beside it neither."""
    wrong(await client.patch(SETTINGS, json=body), field, detail)
    assert (await client.get(SETTINGS)).json() == STANDARD
