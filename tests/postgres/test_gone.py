"""What is answered while PostgreSQL is gone, and afterwards, by a whole stand-in over a server that is really stopped."""

import asyncio
import os
import re
import signal
from contextlib import asynccontextmanager

import httpx
import pytest

from app.main import create_app
from app.postgres import board
from app.settings import Settings
from tests.postgres.conftest import logged
from tests.postgresql import Postgres, running_postgres
from tests.servers import STANDARD
from tests.tms.conftest import CLIENT

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

TRIES = 200
RETRIEVE = {"user": "testhostaccount1", "user_uid": "1", "host": "testhost1", "key_type": "ed25519"}
FINGERPRINT = {"public_key_fingerprint": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"}
POLL = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x", "client_id": "device-public"}
AWAY = "pool timed out while waiting for an open connection"
OF_TMS = {
    "getclient": ("GET", "/v1/tms/client/testclient1", CLIENT, {}),
    "getkey": ("POST", "/v1/tms/pubkeys/creds/retrieve", {}, {"json": RETRIEVE | FINGERPRINT}),
    "a list": ("GET", "/v1/tms/tenants/list", {}, {}),
    "a write": ("DELETE", "/v1/tms/pubkeys/del", CLIENT, {"json": {
        "tenant": "test", "client_id": "testclient1", "host": "h", "public_key_fingerprint": "f"}}),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL that this module may stop."""
    with running_postgres(tmp_path_factory.mktemp("stopped")) as server:
        yield server


@asynccontextmanager
async def standing_in(server: Postgres, **settings):
    """Run a stand-in over a new database of the server."""
    app = create_app(Settings(**{"database": server.create(), **STANDARD, **settings}))
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://standin")
    async with app.router.lifespan_context(app), browser as client:
        yield client


async def ask(client, method, path, headers, body):
    """Return status, Retry-After and the text of an answer."""
    answer = await client.request(method, path, headers=headers, **body)
    return answer.status_code, answer.headers.get("retry-after"), answer.text


async def until_ready(client):
    """Ask until the database is back; who asks too often without success has failed."""
    for _ in range(TRIES):
        if (await client.get("/_standin/health/ready")).status_code == 200:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the stand-in has not come back")


async def end(server, client):
    """Stop the database, and ask until nothing is answered from memory any more: the stand-in hears of it in a moment."""
    server.stop(signal.SIGQUIT)
    for _ in range(TRIES):
        if (await ask(client, *OF_TMS["getclient"]))[0] != 200:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the stand-in has not noticed")


@pytest.fixture
async def gone(server):
    """A stand-in whose database was stopped while it ran, and started again when the test is over."""
    async with standing_in(server) as client:
        for request in OF_TMS.values():
            assert (await ask(client, *request))[0] in (200, 404)
        await end(server, client)
        try:
            yield client
        finally:
            server.start()


@pytest.mark.parametrize("name", OF_TMS)
async def test_tms_says_so(gone, name):
    """503 with Retry-After, in its envelope, whatever the request would have asked first."""
    text = '{"result_code":"503","result_msg":"ERROR: the database does not answer, try again"}'
    assert await ask(gone, *OF_TMS[name]) == (503, "1", text)


async def test_the_others_say_so(gone):
    """The authorization server in RFC 6749's form, Tapis in its envelope, the control plane as a problem."""
    oauth = await gone.post("/oauth2/token", data=POLL)
    assert (oauth.status_code, oauth.headers["retry-after"]) == (503, "1")
    assert oauth.json()["error"] == "temporarily_unavailable"
    tapis = await gone.post("/v3/oauth2/tokens", json={"grant_type": "password", "username": "a", "password": "b"})
    assert (tapis.status_code, tapis.headers["retry-after"]) == (503, "1")
    assert tapis.json()["message"] == "The database does not answer. Please try again later."
    for path in ("/_standin/health/ready", "/_standin/device"):
        answer = await gone.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["detail"] == "The database does not answer, try again."
    for call in (gone.post("/_standin/reset"), gone.patch("/_standin/settings", json={"strict": True})):
        assert (await call).status_code == 503


async def test_what_needs_no_database_goes_on(gone):
    """The version, liveness, and what is set."""
    assert (await gone.get("/v1/tms/version")).status_code == 200
    assert (await gone.get("/_standin/health/live")).json() == {"status": "alive"}
    assert (await gone.get("/_standin/settings")).json()["strict"] is False


async def test_the_real_server_disguises_it(server):
    """Under `quirks = "real"`: 400 from the tenant check, 401 from authorization, 500 where nothing is checked (D9)."""
    async with standing_in(server, quirks="real") as client:
        await end(server, client)
        try:
            found = {name: (await ask(client, *request))[::2] for name, request in OF_TMS.items()}
            ready = (await client.get("/_standin/health/ready")).status_code
        finally:
            server.start()
    error = '{{"result_code":"{}","result_msg":"{}"}}'.format
    assert found == {
        "getclient": (400, error(400, "Tenant not enabled.")),
        "getkey": (500, error(500, f"ERROR: {AWAY}")),
        "a list": (500, error(500, f"ERROR: {AWAY}")),
        "a write": (401, error(401, "ERROR: NOT AUTHORIZED to delete public key testclient1 in tenant test.")),
    }
    assert ready == 503


async def test_it_comes_back_by_itself(server):
    """Requests, writes and what is set: all of it works again, and nobody has restarted the stand-in."""
    async with standing_in(server) as client:
        assert (await client.patch("/_standin/settings", json={"strict": True})).status_code == 200
        for _ in range(2):
            await end(server, client)
            server.start()
            await until_ready(client)
            for name in ("getclient", "getkey", "a list", "a write"):
                assert (await ask(client, *OF_TMS[name]))[0] == 200, name
        assert (await client.patch("/_standin/settings", json={"journal": True})).json()["strict"] is True


async def test_a_silent_database_keeps_nobody_from_stopping(server):
    """Its host is paused, say: the stand-in waits for a goodbye no longer than a moment, and ends."""
    paused = []
    try:
        async with asyncio.timeout(60), standing_in(server) as client:
            await asyncio.gather(*(ask(client, *request) for request in [*OF_TMS.values()] * 3))
            clients = server.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'tms-standin'").split()
            paused += [server.process.pid, *map(int, clients)]
            for pid in paused:
                os.kill(pid, signal.SIGSTOP)
    finally:
        for pid in paused:
            os.kill(pid, signal.SIGCONT)
    assert len(paused) > 3


async def test_the_log_tells_when_and_until_when(server, caplog):
    """One line each, with the database's name, however often the stand-in looks for it meanwhile."""
    async with standing_in(server) as client:
        for number in (1, 3):
            await end(server, client)
            try:
                await logged(caplog, number)
                await asyncio.sleep(2 * board._RETRY_SECONDS)
            finally:
                server.start()
            lines = await logged(caplog, number + 1)
    name = rf"postgresql://standin@127\.0\.0\.1:{server.port}/test_\w+"
    for lost, known in zip(lines[::2], lines[1::2], strict=True):
        assert re.fullmatch(f"{name}: the database does not answer: .+", lost)
        assert re.fullmatch(f"{name}: the database answers, and what is set on it is known again", known)


@pytest.mark.parametrize("wish", [{"rules": [{"do": {"status": 418}}]}, {"scenario": "dev-server"}])
async def test_faults_that_cannot_be_counted_strike_nobody(server, wish):
    """A request is answered once, by its endpoint, while the database that counts is gone."""
    async with standing_in(server) as client:
        assert (await client.put("/_standin/faults", json=wish)).status_code == 200
        await end(server, client)
        try:
            found = await ask(client, "GET", "/v1/tms/version", {}, {})
            refused = await ask(client, *OF_TMS["getclient"])
        finally:
            server.start()
    assert (found[0], refused[0]) == (200, 503)
