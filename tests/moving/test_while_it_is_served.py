"""Moving out of and into a database that a real stand-in serves meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.moving.conftest import begun, everything, many_hosts, sqlite
from tests.seeded import CALLER
from tests.servers import STANDARD, running

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

WANTED = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1}
WANTED |= {"ttl_minutes": 60, "key_type": ""}
ASKED = {"user": "testhostaccount1", "user_uid": "1", "host": "testhost1", "key_type": "ssh-ed25519"}


def new_key(client):
    """Make a key and return its fingerprint."""
    answer = client.post("/v1/tms/pubkeys/creds", json=WANTED, headers=CALLER)
    assert answer.status_code == 201, answer.text
    return answer.json()["public_key_fingerprint"]


def is_there(client, fingerprint):
    """Return whether a key is found."""
    asked = {**ASKED, "public_key_fingerprint": fingerprint}
    return client.post("/v1/tms/pubkeys/creds/retrieve", json=asked).status_code == 200


def keys_until(client, done):
    """Make keys until it is done, each of which must be answered."""
    made = []
    while not done.is_set():
        made.append(new_key(client))
    return made


@pytest.mark.parametrize("ends", ["sqlite", "postgresql"])
def test_moving_under_load(empty_postgres, tmp_path, run, ends):
    """Every request is answered; afterwards the server has what was imported and nothing of what was there, and goes on."""
    database = sqlite(tmp_path / "tms.db") if ends == "sqlite" else empty_postgres
    state = tmp_path / "state.sqlite"
    with running(tmp_path, database=database, **STANDARD) as server, httpx.Client(base_url=server.url) as client:
        kept, done = new_key(client), threading.Event()
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(keys_until, client, done)
            assert run("export", "--database", database, state).status == 0
            many_hosts(state, 3_000)
            lost = new_key(client)
            status, _, errors = run("import", "--replace", "--database", database, state)
            done.set()
            made = writing.result()
        assert (status, bool(made)) == (0, True), errors
        assert [is_there(client, key) for key in (kept, lost)] == [True, False]
        assert is_there(client, new_key(client))
        assert run("export", "--database", database, tmp_path / "after.sqlite").status == 0
    before, after = everything(state), everything(tmp_path / "after.sqlite")
    assert after["hosts"] == before["hosts"]
    assert set(before["pubkeys"]) < set(after["pubkeys"])


def test_a_state_that_was_moved_goes_on(empty_postgres, tmp_path, run):
    """Tokens are valid, a flow is redeemed where it was begun elsewhere, and the csrf secret and keys are the same ones."""
    with running(tmp_path, **STANDARD) as server, httpx.Client(base_url=server.url) as client:
        begun_flow = client.post("/oauth2/device_authorization", data={"client_id": "device-public"}).json()
        client.get(begun_flow["verification_uri_complete"])
        jwks, key = client.get("/oauth2/jwks").json(), new_key(client)
        assert client.post("/oauth2/token", data=asked(begun_flow)).json()["error"] == "authorization_pending"
        assert run("export", "--database", server.database, tmp_path / "state.sqlite").status == 0
    assert run("import", "--database", empty_postgres, tmp_path / "state.sqlite").status == 0
    (tmp_path / "there").mkdir()
    arrived = running(tmp_path / "there", database=empty_postgres, **STANDARD)
    with arrived as server, httpx.Client(base_url=server.url) as client:
        assert "existing" in server.log()
        assert (client.get("/oauth2/jwks").json(), is_there(client, key)) == (jwks, True)
        [flow] = client.get("/_standin/device?status=all").json()["flows"]
        assert (flow["user_code"], flow["polls"]) == (begun_flow["user_code"], 1)
        wish = {"action": "approve", "username": "testuser1"}
        assert client.post(f"/_standin/device/{flow['user_code']}", json=wish).status_code == 200
        token = client.post("/oauth2/token", data=asked(begun_flow)).json()["access_token"]
        assert client.get("/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def asked(flow):
    """Return the parameters of a poll."""
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    return {"grant_type": grant_type, "client_id": "device-public", "device_code": flow["device_code"]}


def test_an_export_is_a_snapshot_and_back(tmp_path, run, full):
    """What export has written is taken in and restored by a running stand-in; what that hands out can be imported."""
    assert run("export", "--database", sqlite(full), tmp_path / "state.sqlite").status == 0
    with running(tmp_path, **STANDARD) as server, httpx.Client(base_url=server.url) as client:
        content = (tmp_path / "state.sqlite").read_bytes()
        assert client.put("/_standin/snapshots/moved", content=content).status_code == 200
        assert client.post("/_standin/snapshots/moved/restore").status_code == 200
        client.put("/_standin/snapshots/again")
        (tmp_path / "again.sqlite").write_bytes(client.get("/_standin/snapshots/again").content)
    assert run("import", "--database", sqlite(tmp_path / "new.db"), tmp_path / "again.sqlite").status == 0
    assert everything(tmp_path / "new.db")["oauth_secrets"] == everything(full)["oauth_secrets"]
    assert everything(tmp_path / "new.db")["pubkeys"] == everything(full)["pubkeys"]


def test_killed_while_rows_are_replaced(empty_postgres, tmp_path, run):
    """A server goes on writing after an import was killed over the replacement, with the rows of before."""
    with running(tmp_path, database=empty_postgres, **STANDARD) as server, httpx.Client(base_url=server.url) as client:
        kept = new_key(client)
        assert run("export", "--database", empty_postgres, tmp_path / "state.sqlite").status == 0
        many_hosts(tmp_path / "state.sqlite", 20_000)
        process = begun("import", "--replace", "--database", empty_postgres, tmp_path / "state.sqlite")
        assert process.stderr is not None
        line = next(line for line in process.stderr if "Putting all rows" in line)
        process.kill()
        process.communicate()
        assert (line, process.returncode) == ("Putting all rows in their place at once.\n", -9)
        assert is_there(client, new_key(client))
        status, _, errors = run("import", "--replace", "--database", empty_postgres, tmp_path / "state.sqlite")
        assert (status, "this one goes on there" in errors) == (0, True)
        assert is_there(client, kept)
