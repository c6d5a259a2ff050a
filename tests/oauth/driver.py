"""Drives an authorization server in process from every side: the device's, the person's, the clock's, the database's."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import select

from app.main import create_app
from app.oauth import device_flows
from app.oauth.device_flows import Decision
from app.oauth_tables import metadata
from app.parts import Parts
from app.settings import OAuth, OAuthClient, OAuthIssuer, OAuthUser, Settings
from app.statements import Statement
from tests.clocks import StillClock
from tests.databases import fresh_database
from tests.servers import STANDARD

BASE = "http://standin"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FORM = "application/x-www-form-urlencoded"
PUBLIC, CONFIDENTIAL, SECRET = "device-public", "testclient1", "secret1"
EVERY_SCOPE = "openid profile email offline_access"
TABLES = [name for name, table in metadata.tables.items() if "id" not in table.columns]
UNSEEN = ("oauth_signing_keys", "oauth_failures")  # a refusal may make a key, and counts the guess
_TABLES = {"clients": OAuthClient, "users": OAuthUser, "issuers": OAuthIssuer}


class Standin:
    """A running stand-in, its clock standing still, and a client of it."""

    def __init__(self, parts: Parts, http: httpx.AsyncClient, clock: StillClock) -> None:
        self.parts = parts
        self.http = http
        self.clock = clock

    @property
    def now(self) -> int:
        """Return the instant in whole seconds, as tokens tell it."""
        return int(self.clock.moment)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.moment += seconds

    async def post(self, path: str, *, issuer: str = "", headers: Any = None, **parameters: Any) -> httpx.Response:
        """Post a form; None leaves a parameter out, a list repeats it."""
        form = {name: value for name, value in parameters.items() if value is not None}
        return await self.http.post(f"{prefix(issuer)}{path}", data=form, headers=headers)

    async def raw(self, path: str, body: bytes, content_type: str | None = FORM, **headers: str) -> httpx.Response:
        """Post a body as it stands."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(
            path, content=body, headers=sent | ({"content-type": content_type} if content_type else {})
        )

    async def begin(self, client_id: str = PUBLIC, *, issuer: str = "", **parameters: Any) -> dict[str, Any]:
        """Start a device flow and return the answer's members; a confidential client shows its secret in the body."""
        secret = SECRET if client_id == CONFIDENTIAL else None
        asked = {"client_id": client_id, "client_secret": secret, **parameters}
        answer = await self.post("/oauth2/device_authorization", issuer=issuer, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def poll(
        self, flow: Any, client_id: str | None = PUBLIC, *, issuer: str = "", **changed: Any
    ) -> httpx.Response:
        """Ask for the token of a flow, which may be given by its device code alone."""
        code = flow["device_code"] if isinstance(flow, dict) else flow
        secret = SECRET if client_id == CONFIDENTIAL else None
        asked = {"grant_type": DEVICE_CODE, "device_code": code, "client_id": client_id, "client_secret": secret}
        return await self.post("/oauth2/token", issuer=issuer, **{**asked, **changed})

    async def approve(self, flow: dict[str, Any], username: str = "testuser1", scope: str | None = None) -> bool:
        """Approve a flow, as the page and the control plane do; what was decided before stays."""
        return await self._decide(flow, Decision(True, username, scope))

    async def deny(self, flow: dict[str, Any]) -> bool:
        """Deny a flow."""
        return await self._decide(flow, Decision(False))

    async def _decide(self, flow: dict[str, Any], decision: Decision) -> bool:
        row, now = await self.row(flow), self.parts.clock.now()
        return await self.parts.store.write(lambda write: device_flows.decide(write, row, decision, now))

    async def row(self, flow: dict[str, Any]) -> Any:
        """Return the stored flow."""
        return await self.parts.store.one(device_flows.FIND, user_code=device_flows.normalized(flow["user_code"]))

    async def tokens(self, client_id: str = PUBLIC, *, issuer: str = "", **parameters: Any) -> dict[str, Any]:
        """Walk through a whole flow and return the members of the token answer."""
        flow = await self.begin(client_id, issuer=issuer, **parameters)
        await self.approve(flow)
        answer = await self.poll(flow, client_id, issuer=issuer)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refresh(
        self, tokens: Any, client_id: str | None = PUBLIC, *, issuer: str = "", **changed: Any
    ) -> httpx.Response:
        """Use a refresh token."""
        secret = SECRET if client_id == CONFIDENTIAL else None
        token = tokens["refresh_token"] if isinstance(tokens, dict) else tokens
        asked = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, "client_secret": secret}
        return await self.post("/oauth2/token", issuer=issuer, **{**asked, **changed})

    async def introspect(self, token: str, *, issuer: str = "", **changed: Any) -> dict[str, Any]:
        """Return what a resource server is told of a token."""
        asked = {"token": token, "client_id": CONFIDENTIAL, "client_secret": SECRET, **changed}
        answer = await self.post("/oauth2/introspect", issuer=issuer, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def userinfo(self, token: str, *, issuer: str = "", method: str = "GET") -> httpx.Response:
        """Show an access token to the protected resource."""
        return await self.http.request(
            method, f"{prefix(issuer)}/oauth2/userinfo", headers={"authorization": f"Bearer {token}"}
        )

    async def key_set(self, issuer: str = "") -> KeySet:
        """Return the published keys."""
        return KeySet.import_key_set((await self.http.get(f"{prefix(issuer)}/oauth2/jwks")).json())

    async def verified(self, token: str, issuer: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
        """Return header and claims of a JWT whose signature the published keys confirm, and nothing but they."""
        decoded = jwt.decode(token, await self.key_set(issuer), algorithms=["RS256"])
        return dict(decoded.header), dict(decoded.claims)

    async def authorized(self, *, issuer: str = "", decision: str = "approve", **parameters: Any) -> dict[str, str]:
        """Walk through the pages of the authorization endpoint and return the parameters of the way back."""
        address = f"{prefix(issuer)}/oauth2/authorize?{urlencode(parameters, doseq=True)}"
        answer = await self.http.get(address)
        if 'name="password"' in answer.text:
            answer = await self._submitted(address, answer, username="testuser1", password="password1")
        answer = await self._submitted(address, answer, decision=decision)
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query, strict_parsing=True))

    async def _submitted(self, address: str, page: httpx.Response, **fields: str) -> httpx.Response:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page.text)
        assert found, page.text
        return await self.http.post(address, data={"csrf_token": found[1], **fields})

    async def rows(self, *without: str) -> dict[str, list[Any]]:
        """Return all that the authorization server has stored, but for some tables."""
        names = [name for name in TABLES if name not in without]
        return {name: await self._all(name) for name in names}

    async def _all(self, name: str) -> list[Any]:
        statement = Statement(select(metadata.tables[name]))
        return [row async for page in self.parts.store.pages(statement) for row in page]


@asynccontextmanager
async def steered(**settings: Any) -> AsyncIterator[Standin]:
    """Run a stand-in, in memory unless told otherwise; `oauth` holds the keywords of its [oauth] table."""
    oauth = dict(settings.pop("oauth", {}))
    for name, record in _TABLES.items():
        oauth[name] = tuple(record(**entry) for entry in oauth.get(name, ()))
    database = fresh_database(settings)
    app = create_app(Settings(**{"database": database, **STANDARD, "oauth": OAuth(**oauth), **settings}))
    parts, clock = app.edge._parts, StillClock()
    parts.clock = parts.signing._clock = clock  # Before the start, which sweeps what ended long ago.
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)
    async with app.router.lifespan_context(app), browser as http:
        yield Standin(parts, http, clock)


def prefix(issuer: str) -> str:
    """Return the path in front of a named issuer's endpoints."""
    return f"/issuers/{issuer}" if issuer else ""


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the Authorization header of HTTP Basic as RFC 6749 2.3.1 wants it: both form-encoded before base64."""
    return {"authorization": f"Basic {encoded(f'{quote_plus(client_id)}:{quote_plus(secret)}')}"}


def encoded(text: str) -> str:
    """Return a text in base64."""
    return base64.b64encode(text.encode()).decode()


def refused(answer: httpx.Response, status: int, error: str) -> str:
    """Compare an error with RFC 6749 5.2, all of it, and return its description."""
    body = unique(answer.text)
    assert (answer.status_code, body.get("error")) == (status, error), answer.text
    assert set(body) <= {"error", "error_description"}
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert ("www-authenticate" in answer.headers) == (status == 401)
    description = body.get("error_description", "")
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*", description), description
    return description


def unique(text: str) -> dict[str, Any]:
    """Return a JSON object in which no member stands twice."""

    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs), text
        return dict(pairs)

    found = json.loads(text, object_pairs_hook=checked)
    assert isinstance(found, dict)
    return found
