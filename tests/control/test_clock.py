"""The clock by calls: it is set and moved, and everything follows it (design 2.7)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.control.conftest import wrong
from tests.servers import STANDARD, by_two_workers, running

CLOCK = "/_standin/clock"
NOON = "2026-11-23T18:00:00+00:00"
FROZEN = {"mode": "frozen", "now": NOON, "offset_seconds": 0}


async def test_the_real_clock(client):
    """It is the system's at first."""
    before = datetime.now(UTC)
    told = (await client.get(CLOCK)).json()
    assert before <= datetime.fromisoformat(told.pop("now")) <= datetime.now(UTC)
    assert told == {"mode": "real", "offset_seconds": 0}


async def test_a_frozen_clock(client):
    """Timestamps, the Date header and the log's time stand still; nothing else has changed."""
    assert (await client.put(CLOCK, json={"mode": "frozen", "now": NOON})).json() == FROZEN
    assert (await client.get(CLOCK)).json() == FROZEN
    answer = await client.get("/v1/tms/version")
    assert answer.headers["date"] == "Mon, 23 Nov 2026 18:00:00 GMT"
    body = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "key_type": "x"}
    headers = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1"}
    made = await client.post("/v1/tms/pubkeys/creds", json={**body, "num_uses": -1, "ttl_minutes": 60}, headers=headers)
    assert made.json()["expires_at"] == "2026-11-23T19:00:00+00:00"


@pytest.mark.parametrize(
    ("given", "now"),
    [
        ("2026-11-23T18:00:00.123456Z", "2026-11-23T18:00:00.123456+00:00"),
        ("2026-11-23T19:00:00+01:00", NOON),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("4999-12-31T23:59:59.999999Z", "4999-12-31T23:59:59.999999+00:00"),
    ],
)
async def test_where_it_can_stand(client, given, now):
    """At any instant from 1970 up to the year 5000, told in UTC."""
    assert (await client.put(CLOCK, json={"mode": "frozen", "now": given})).json() == {**FROZEN, "now": now}


async def test_freezing_where_it_is(client):
    """Without an instant it stands where it was."""
    before = datetime.now(UTC)
    first = (await client.put(CLOCK, json={"mode": "frozen"})).json()
    assert before <= datetime.fromisoformat(first["now"]) <= datetime.now(UTC)
    assert (await client.get(CLOCK)).json() == first


async def test_an_offset(client):
    """It runs beside the system's clock, behind it too."""
    for seconds in (3600, -0.5, 0):
        told = (await client.put(CLOCK, json={"mode": "offset", "offset_seconds": seconds})).json()
        beside = datetime.fromisoformat(told.pop("now")) - datetime.now(UTC)
        assert abs(beside - timedelta(seconds=seconds)) < timedelta(seconds=60)
        assert told == {"mode": "offset", "offset_seconds": seconds}


async def test_advancing(client):
    """A frozen clock is moved on, any other runs with a larger offset."""
    await client.put(CLOCK, json={"mode": "frozen", "now": NOON})
    for _ in range(2):
        told = (await client.post(f"{CLOCK}/advance", json={"seconds": 90.5})).json()
    assert told == {**FROZEN, "now": "2026-11-23T18:03:01+00:00"}
    await client.put(CLOCK, json={"mode": "real"})
    for offset in (60, 120):
        told = (await client.post(f"{CLOCK}/advance", json={"seconds": 60})).json()
        assert (told["mode"], told["offset_seconds"]) == ("offset", offset)


async def test_a_device_flow_expires_in_milliseconds(client):
    """The ten minutes of a user code pass by one call."""
    await client.put(CLOCK, json={"mode": "frozen", "now": NOON})
    flow = (await client.post("/oauth2/device_authorization", data={"client_id": "device-public"})).json()
    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "device-public"}
    poll["device_code"] = flow["device_code"]
    assert (await client.post("/oauth2/token", data=poll)).json()["error"] == "authorization_pending"
    await client.post(f"{CLOCK}/advance", json={"seconds": 599})
    assert (await client.post("/oauth2/token", data=poll)).json()["error"] == "authorization_pending"
    await client.post(f"{CLOCK}/advance", json={"seconds": 1})
    assert (await client.post("/oauth2/token", data=poll)).json()["error"] == "expired_token"


_INSTANT = "must be an instant from 1970-01-01 up to 5000-01-01 UTC"
_LEADS = "must lead to an instant from 1970-01-01 up to 5000-01-01 UTC"


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({}, "mode", "must be real, frozen or offset"),
        ({"mode": "stopped"}, "mode", "must be real, frozen or offset"),
        ({"mode": "frozen", "now": "0001-01-01T00:00:00Z"}, "now", _INSTANT),
        ({"mode": "frozen", "now": "5000-01-01T00:00:00Z"}, "now", _INSTANT),
        ({"mode": "frozen", "now": "1969-12-31T23:59:59Z"}, "now", _INSTANT),
        ({"mode": "frozen", "now": "2026-11-23T18:00:00"}, "now", "must have timezone info"),
        ({"mode": "frozen", "seconds": 1}, "seconds", "is not known here"),
        ({"mode": "offset"}, "offset_seconds", "is missing"),
        ({"mode": "offset", "offset_seconds": "1"}, "offset_seconds", "must be a valid number"),
        ({"mode": "offset", "offset_seconds": 1e11}, "offset_seconds", _LEADS),
        ({"mode": "offset", "offset_seconds": 1e12}, "offset_seconds", "must be less than or equal to 100000000000"),
        ({"mode": "real", "now": NOON}, "now", "is not known here"),
    ],
)
async def test_an_impossible_clock(client, body, field, detail):
    """The refusal names the field and what is accepted; the clock stays."""
    await client.put(CLOCK, json={"mode": "frozen", "now": NOON})
    wrong(await client.put(CLOCK, json=body), field, detail)
    assert (await client.get(CLOCK)).json() == FROZEN


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({}, "seconds", "is missing"),
        ({"seconds": -1}, "seconds", "must be greater than or equal to 0"),
        ({"seconds": True}, "seconds", "must be a valid number"),
        ({"seconds": 1e11}, "seconds", _LEADS),
        ({"seconds": 1, "minutes": 1}, "minutes", "is not known here"),
    ],
)
@pytest.mark.parametrize("mode", ["frozen", "offset"])
async def test_an_impossible_advance(client, mode, body, field, detail):
    """So does it here."""
    wish = {"mode": "frozen", "now": NOON} if mode == "frozen" else {"mode": "offset", "offset_seconds": 5}
    await client.put(CLOCK, json=wish)
    wrong(await client.post(f"{CLOCK}/advance", json=body), field, detail)
    told = (await client.get(CLOCK)).json()
    assert (told["mode"], told["offset_seconds"]) == (mode, 5 if mode == "offset" else 0)


async def test_infinity_is_no_json(client):
    """Nor is it a clock."""
    answer = await client.put(CLOCK, content=b'{"mode":"offset","offset_seconds":Infinity}')
    assert answer.status_code in (400, 415, 422)
    assert (await client.get(CLOCK)).json()["mode"] == "real"


def test_every_worker_obeys(tmp_path):
    """What one process was told holds in the other at its next request."""
    import http.client

    def ask(port, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"content-type": "application/json"} if body else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.headers["date"]

    with running(tmp_path, by_two_workers, **STANDARD) as server:
        for minute in (10, 20, 30):
            body = f'{{"mode":"frozen","now":"2026-11-23T18:{minute}:00Z"}}'
            ask(server.port, "PUT", CLOCK, body)
            dates = {ask(server.port, "GET", "/v1/tms/version") for _ in range(20)}
            assert dates == {f"Mon, 23 Nov 2026 18:{minute}:00 GMT"}
