"""No secret, token, code or private key comes back but in the answer that hands it out: everything is sent, then sought.

The database itself is left out: SECURITY.md tells what of it is stored in clear. Known values of the seed are told by
the pages for people on purpose, so that only the log and the journal are searched for those.
"""

import base64
import hashlib
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.leaks import TOLD_AT_START, leaks_in
from tests.oauth import driver
from tests.oauth.driver import Standin
from tests.security.witness import MISPLACED, PUBLISHED, Witness, pairs_of_answer, pairs_of_request, spelled
from tests.servers import STANDARD, running
from tests.tapis import driver as tapis

T = {"x-tms-tenant": "test"}
ADMIN = {**T, "x-tms-admin-id": "~~admin", "x-tms-admin-secret": "adminsecret1"}
OWN = {**T, "x-tms-client-id": "testclient1", "x-tms-client-secret": "secret1"}
KEY = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1}
ON_PURPOSE = {"user_code", "csrf_token"}  # The page and GET device list codes that wait, with their buttons.
VERIFIER = "a-code-verifier-of-forty-three-letters-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Drive:
    """Everything that a client can do, with a witness beside it."""

    def __init__(self, http: httpx.AsyncClient, witness: Witness) -> None:
        self.http = http
        self.witness = witness
        self.standin = Standin(SimpleNamespace(), http, SimpleNamespace())
        self._number = 0

    def secret(self) -> str:
        """Return a new secret in the form of those of TMS, which was sent where none belongs."""
        self._number += 1
        return self.witness.learn(MISPLACED, hashlib.sha512(f"secret {self._number}".encode()).hexdigest()[:48])

    async def tms(self) -> None:
        """Clients, rotation, tenants, keys of each type, and refusals."""
        made = (
            await self.http.post(
                "/v1/tms/client", json={"client_id": "c", "tenant": "test", "app_name": "a", "app_version": "1"}
            )
        ).json()
        own = {**T, "x-tms-client-id": "c", "x-tms-client-secret": made["client_secret"]}
        assert (await self.http.patch("/v1/tms/client/secret/c", headers=own)).status_code == 200
        assert (await self.http.get("/v1/tms/client/c", headers=own)).status_code == 401
        assert (
            await self.http.post("/v1/tms/tenants/t9", headers={**ADMIN, "x-tms-tenant": "default"})
        ).status_code == 201
        for kind in ("ed25519", "ecdsa"):
            body = {**KEY, "ttl_minutes": -1, "key_type": kind}
            assert "PRIVATE KEY" in (await self.http.post("/v1/tms/pubkeys/creds", headers=OWN, json=body)).text
            assert (await self.http.post("/v1/tms/pubkeys/creds", headers=own, json=body)).status_code == 401

    async def oauth(self) -> None:
        """The device flow, the code flow, refreshing, a used token, introspection, revocation, wrong secrets."""
        flow = await self.standin.begin()
        await self.standin.poll(flow)
        wish = {"action": "approve", "username": "testuser1"}
        assert (await self.http.post(f"/_standin/device/{flow['user_code']}", json=wish)).status_code == 200
        await self.http.post("/_standin/clock/advance", json={"seconds": 30})
        tokens = (await self.standin.poll(flow)).json()
        for _ in range(2):
            refreshed = await self.standin.refresh(tokens)
            assert "access_token" in tokens
            await self.standin.userinfo(tokens["access_token"])
        assert refreshed.status_code == 400
        await self.standin.introspect(tokens["access_token"])
        await self.standin.post("/oauth2/revoke", token=tokens["access_token"], client_id="device-public")
        await self._code_flow()
        for headers in (driver.basic("testclient1", self.secret()), {"authorization": f"Basic {self.secret()}"}):
            asked = await self.standin.post("/oauth2/introspect", token=self.secret(), headers=headers)
            assert asked.status_code == 401
        wrong = await self.standin.post(
            "/oauth2/token", grant_type="x", client_id="testclient1", client_secret=self.secret()
        )
        assert wrong.status_code in (400, 401)

    async def _code_flow(self) -> None:
        asked = {
            "client_id": "testclient1",
            "response_type": "code",
            "redirect_uri": "http://127.0.0.1:1/back",
            "state": "s",
        }
        back = await self.standin.authorized(**asked, code_challenge=CHALLENGE, code_challenge_method="S256")
        asked = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": asked["redirect_uri"]}
        for _ in range(2):
            await self.standin.post(
                "/oauth2/token", **asked, code_verifier=VERIFIER, client_id="testclient1", client_secret="secret1"
            )

    async def pages(self) -> None:
        """A wrong password, a right one, a code, a decision, and the simulated device."""
        for password in (self.secret(), "password1"):
            page = await self.http.get("/device/login")
            csrf = dict(pairs_of_answer(page))["csrf_token"]
            await self.http.post(
                "/device/login", data={"csrf_token": csrf, "username": "testuser1", "password": password}
            )
        flow = await self.standin.begin()
        page = await self.http.get("/device", params={"user_code": flow["user_code"]})
        csrf = dict(pairs_of_answer(page))["csrf_token"]
        form = {"csrf_token": csrf, "user_code": flow["user_code"], "decision": "approve"}
        assert (await self.http.post("/device/decision", data=form)).status_code == 200
        page = await self.http.get("/device/simulator")
        csrf = dict(pairs_of_answer(page))["csrf_token"]
        form = {"csrf_token": csrf, "client_id": "device-public", "scope": "openid"}
        moved = await self.http.post("/device/simulator/start", data=form)
        assert (await self.http.get(moved.headers["location"])).status_code == 200

    async def tapis(self) -> None:
        """Password, device code, refresh, code and implicit grants, clients, revocation, wrong passwords and keys."""
        tokens = await tapis.tokens(self.standin)
        made = await tapis.make_client(self.standin, client_id="own", callback_url="https://there.example/back")
        key = tapis.basic("own", made["client_key"])
        again = await tapis.tokens(self.standin, headers=key)
        refresh = {"grant_type": "refresh_token", "refresh_token": again["refresh_token"]["refresh_token"]}
        assert (await tapis.ask(self.standin, headers=key, **refresh)).status_code == 200
        flow = await tapis.begin(self.standin)
        await tapis.log_in(self.standin, client_id=flow["client_id"], client_response_type="device_code")
        await tapis.enter(self.standin, flow)
        await tapis.consent(self.standin, flow)
        assert (await tapis.poll(self.standin, flow)).status_code == 200
        for kind in ("code", "token"):
            await self._web_application(kind, key)
        token = tokens["access_token"]["access_token"]
        assert (await self.http.get("/v3/oauth2/userinfo", headers=tapis.bearing(token))).status_code == 200
        await self.http.post("/v3/oauth2/tokens/revoke", json={"token": token})
        for headers in (tapis.basic("own", self.secret()), tapis.bearing(token), {"authorization": self.secret()}):
            refused = await tapis.ask(
                self.standin, headers=headers, grant_type="password", username="x", password=self.secret()
            )
            assert refused.status_code == 400
        await tapis.log_in(self.standin, password=self.secret())

    async def _web_application(self, kind: str, key: dict[str, str]) -> None:
        form = {"client_id": "own", "client_response_type": kind, "client_state": "s", "approve": "true"}
        back = await self.http.post("/v3/oauth2/authorize", data=form)
        assert back.status_code == 302
        if kind == "code":
            code = dict(parse_qsl(urlsplit(back.headers["location"]).query))["code"]
            asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://there.example/back"}
            assert (await tapis.ask(self.standin, headers=key, **asked)).status_code == 200

    async def misplaced(self) -> None:
        """Secrets where none belongs: in paths, queries, header names' neighbours, broken JSON, wrong types and fields."""
        json_type = {"content-type": "application/json"}
        for path in (
            "/v1/tms/client/{}",
            "/{}",
            "/v3/{}",
            "/device/{}",
            "/issuers/{}/device",
            "/_standin/{}",
            "/v1/tms/pubkeys/id/{}",
        ):
            await self.http.get(path.format(self.secret()), headers=OWN)
        for name in ("client_secret", "password", "access_token", "x-tms-client-secret", "code", "enabled"):
            await self.http.get("/v1/tms/client/testclient1", params={name: self.secret()}, headers=OWN)
            await self.http.get("/device", params={name: self.secret()})
        for body in (
            '{{"client_secret": "{}"',
            '{{"client_id": ["{}"]}}',
            '{{"tenant": {{"password": "{}"}}}}',
            '"{}"',
            "{}",
        ):
            await self.http.post("/v1/tms/client", content=body.format(self.secret()), headers=json_type)
            await self.http.post("/v3/oauth2/tokens", content=body.format(self.secret()), headers=json_type)
            await self.http.post("/oauth2/token", content=body.format(self.secret()), headers=json_type)
            await self.http.post("/_standin/reset", content=body.format(self.secret()), headers=json_type)
        for headers in (
            {"authorization": f"Digest {self.secret()}"},
            {"x-tms-admin-secret": self.secret()},
            {"cookie": f"session={self.secret()}"},
        ):
            await self.http.get("/v1/tms/client/testclient1", headers={**T, **headers})
            await self.http.get("/v3/oauth2/clients", headers=headers)
            await self.http.get("/oauth2/userinfo", headers=headers)


async def shown(http: httpx.AsyncClient) -> dict[str, str]:
    """Return all that a person is shown of what has happened, by its path."""
    tables = (await http.get("/_standin/tables")).json()["tables"]
    below = ["", "device?status=all", "faults", "snapshots", "settings", "clock", "metrics", "tables", "openapi.json"]
    paths = [f"/_standin/{path}" for path in below]
    paths += [f"/_standin/records?table={table['name']}&limit=200" for table in tables]
    paths += ["/", "/spec", "/openapi.json", "/.well-known/openid-configuration", "/oauth2/jwks", "/device"]
    return {path: (await http.get(path)).text for path in paths}


async def test_nothing_secret_is_told(tmp_path):
    """After every kind of request, refused ones too: log, journal, HAR, metrics, pages, records, files, later answers.

    The log is of the form `json`; those of the form `text`, which all other tests leave, are sought after the suite.
    """
    witness = Witness()
    with running(tmp_path, log_format="json", **STANDARD) as server:
        hooks = {"response": [witness.hear]}
        async with httpx.AsyncClient(base_url=server.url, event_hooks=hooks, timeout=60) as http:
            await http.patch("/_standin/settings", json={"journal": True})
            drive = Drive(http, witness)
            for walk in (drive.tms, drive.oauth, drive.pages, drive.tapis, drive.misplaced):
                await walk()
            await http.put("/_standin/snapshots/kept")
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            journal = (await http.get("/_standin/journal?limit=10000")).text
            archive = (await http.get("/_standin/journal.har?limit=10000")).text
            pages = await shown(http)
        beside = {
            path.name: path.read_bytes().decode("latin-1")
            for path in tmp_path.glob("tms.db-*")
            if (path.is_file() and not path.name.endswith(("-wal", "-shm"))) or path.name.startswith("tms.db-requests")
        }
    assert witness.told == []
    kinds = set(witness.secrets.values())
    assert len(witness.secrets) > 60
    assert {
        "client_secret",
        "admin_secret",
        "private_key",
        "access_token",
        "refresh_token",
        "device_code",
        "code",
    } <= kinds
    assert list(leaks_in(server.log())) == []
    assert {name: found for name, text in beside.items() if (found := witness.found_in(text))} == {}
    for text in (journal, archive):
        assert witness.found_in(text) == []
    log = "\n".join(line for line in server.log().splitlines() if not line.endswith(TOLD_AT_START))
    assert witness.found_in(log) == []
    told = {path: witness.found_in(text, ON_PURPOSE | PUBLISHED) for path, text in pages.items()}
    assert {path: found for path, found in told.items() if found} == {}


def test_the_witness_hears_every_kind():
    """Secrets in headers, Basic, queries, forms, JSON and cookies are known, and found again in any spelling."""
    sent = httpx.Request(
        "POST",
        "http://x/y?code=query-code&state=open",
        headers={"X-Tms-Client-Secret": "in-a-header", **driver.basic("id", "in basic")},
        json={"a": [{"password": 'with "quotes"', "username": "open"}], "token": "in-json"},
    )
    values = [value for _, value in pairs_of_request(sent)]
    assert values == ["in-a-header", values[1], "in basic", "query-code", 'with "quotes"', "in-json"]
    where = {
        "location": "http://back?code=back-code&state=open#access_token=back-token",
        "set-cookie": "session=the-session",
    }
    answer = httpx.Response(302, headers=where, json={"private_key": "-----BEGIN"}, request=sent)
    assert [value for _, value in pairs_of_answer(answer)] == ["back-code", "back-token", "the-session", "-----BEGIN"]
    assert spelled('with "quotes"', '{"x": "with \\"quotes\\""}')
    assert not spelled("secret1", "adminsecret12")


async def test_the_witness_objects():
    """An answer that repeats a secret is noted, the one that hands it out is not."""
    witness = Witness()
    sent = httpx.Request("POST", "http://x/y", json={"password": "my-password"})
    await witness.hear(httpx.Response(400, text="no such user: my-password", request=sent))
    await witness.hear(httpx.Response(200, json={"token": "a-new-token"}, request=sent))
    await witness.hear(httpx.Response(200, text="a-new-token", request=sent))
    assert witness.told == ["POST /y tells a password", "POST /y tells a token"]
    assert witness.found_in("GET /a-new-token") == ["token"]
