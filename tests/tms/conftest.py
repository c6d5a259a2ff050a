"""Small words for the tests of the TMS endpoints: who calls, records to make, whole bodies to compare."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest

from app.clock import Clock
from tests.servers import ADMIN_SECRET

V030, V010 = "0.3.0", "0.1.0"
both = pytest.mark.parametrize("wire", [V030, V010])

LARGEST = 2147483647
STANDARD_FINGERPRINT = "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"
DATABASE = "ERROR: error returned from database: "
NUL_TEXT = 'error returned from database: invalid byte sequence for encoding "UTF8": 0x00'
NOT_A_TEXT = f'{DATABASE}column "updated" is of type timestamp with time zone but expression is of type text'

_SECOND = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_SPOKEN = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_FRACTION = r"(?:\.\d{3}(?:\d{3})?)?"
_FORMS = {
    "secret": r"[0-9a-f]{48}",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "fingerprint": r"SHA256:[A-Za-z0-9+/]{43}",
    "public": r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}",
    "private": r"-----BEGIN OPENSSH PRIVATE KEY-----\\n(?:[A-Za-z0-9+/=]{70}\\n)*[A-Za-z0-9+/=]{1,70}\\n"
    r"-----END OPENSSH PRIVATE KEY-----\\n",
}
_FORMS_OF = {
    V030: {
        "stamp": rf"{_SECOND}{_FRACTION}\+00:00",
        "seeded": rf"{_SECOND}{_FRACTION}\+00:00",
        "expiry": rf"{_SECOND}{_FRACTION}\+00:00",
        "fresh": rf"{_SECOND}(?:\.\d{{3}}(?:\d{{3}}){{0,2}})?\+00:00",
        "spoken": rf"{_SPOKEN}{_FRACTION} UTC",
        "never": re.escape("9999-12-31T23:59:59+00:00"),
        "true": "true",
        "false": "false",
    },
    V010: {
        "stamp": rf"{_SECOND}\.\d{{6}}Z",
        "seeded": rf"{_SECOND}Z",
        "expiry": rf"{_SECOND}Z",
        "fresh": rf"{_SECOND}Z",
        "spoken": rf"{_SECOND}Z",
        "never": "9999-12-31T23:59:59Z",
        "true": "1",
        "false": "0",
    },
}


def same(answer: httpx.Response, status: int, text: str, wire: str = V030) -> dict:
    """Compare status, content type and raw body, and return the body.

    In `text`, <form> stands for any value of that form, and <form1> for the same one wherever it stands.
    """
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json; charset=utf-8")
    assert re.fullmatch(_pattern(text, _FORMS | _FORMS_OF[wire]), answer.text), f"\n{answer.text}\n{text}"
    return answer.json()


def _pattern(text: str, forms: dict[str, str]) -> str:
    pattern, seen = "", set()
    for index, part in enumerate(re.split(r"<([a-z]+\d?)>", text)):
        if index % 2 == 0:
            pattern += re.escape(part)
        elif part in seen:
            pattern += f"(?P={part})"
        elif part[-1].isdigit():
            pattern += f"(?P<{part}>{forms[part[:-1]]})"
            seen.add(part)
        else:
            pattern += forms[part]
    return pattern


def refused(answer: httpx.Response, status: int, message: str, wire: str = V030) -> None:
    """Compare a refusal, whole; `message` may hold forms as in `same`."""
    same(answer, status, compact({"result_code": str(status), "result_msg": message}), wire)


def database_refused(answer: httpx.Response, wire: str, postgresql: str, sqlite: str) -> None:
    """Compare a refusal of the database in the words of the version's own database."""
    refused(answer, 500, DATABASE + (postgresql if wire == V030 else sqlite))


def not_found(answer: httpx.Response) -> None:
    """Compare with NF."""
    refused(answer, 404, "NOT_FOUND")


def compact(value: object) -> str:
    """Return JSON as TMS writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def outcome(answer: httpx.Response) -> tuple[int, str]:
    """Return status and message, for tables of many answers."""
    return answer.status_code, answer.json()["result_msg"]


def admin(tenant: str = "test", secret: str = ADMIN_SECRET) -> dict[str, str]:
    """Return the headers of a tenant's administrator."""
    return {"X-TMS-TENANT": tenant, "X-TMS-ADMIN-ID": "~~admin", "X-TMS-ADMIN-SECRET": secret}


def caller(client_id: str, secret: str, tenant: str = "test") -> dict[str, str]:
    """Return the headers of a client."""
    return {"X-TMS-TENANT": tenant, "X-TMS-CLIENT-ID": client_id, "X-TMS-CLIENT-SECRET": secret}


ADMIN = admin()
CLIENT = caller("testclient1", "secret1")


async def made(client: httpx.AsyncClient, path: str, headers: dict[str, str], **body: object) -> dict:
    """Post a body, insist on 201 and return the answer."""
    answer = await client.post(f"/v1/tms/{path}", headers=headers, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def make_client(client, client_id, tenant="test", app_name=None, app_version="1.0"):
    """Register a client and return its headers."""
    body = {"client_id": client_id, "tenant": tenant, "app_name": app_name or f"app of {client_id}"}
    answer = await made(client, "client", {}, **body, app_version=app_version)
    return caller(client_id, answer["client_secret"], tenant)


async def make_tenant(client, tenant):
    """Create a tenant and return its administrator's headers."""
    return admin(tenant, (await made(client, f"tenants/{quote(tenant)}", admin("default")))["admin_secret"])


async def make_user(client, user, ttl=-1, headers=ADMIN):
    """Add a user with MFA and return the answer."""
    return await made(client, "usermfa", headers, tenant=headers["X-TMS-TENANT"], tms_user_id=user, ttl_minutes=ttl)


async def make_mapping(client, user="testuser1", host="testhost1", account="testhostaccount1", ttl=-1, headers=ADMIN):
    """Map a user to an account on a host and return the answer."""
    body = {"tenant": headers["X-TMS-TENANT"], "tms_user_id": user, "host": host, "host_account": account}
    return await made(client, "userhosts", headers, **body, ttl_minutes=ttl)


async def make_delegation(client, user="testuser1", client_id="testclient1", ttl=-1, headers=ADMIN):
    """Let a client act for a user and return the answer."""
    body = {"tenant": headers["X-TMS-TENANT"], "client_id": client_id, "client_user_id": user}
    return await made(client, "delegations", headers, **body, ttl_minutes=ttl)


async def make_host(client, host, addr="10.0.0.1", headers=ADMIN):
    """Map a host to an address and return the answer."""
    return await made(client, "hosts", headers, tenant=headers["X-TMS-TENANT"], host=host, addr=addr)


def key_body(user="testuser1", host="testhost1", account="testhostaccount1", uses=-1, ttl=-1):
    """Return the body of a createkey."""
    return {"client_user_id": user, "host": host, "host_account": account, "num_uses": uses, "ttl_minutes": ttl}


async def make_key(client, headers=CLIENT, **fields):
    """Make a key and return its fingerprint."""
    return (await made(client, "pubkeys/creds", headers, **key_body(**fields)))["public_key_fingerprint"]


async def make_login(client, user, client_headers=CLIENT, host="testhost1", account="testhostaccount1"):
    """Make a user with everything that a key of this client needs, and return the key's fingerprint."""
    tenant_admin = ADMIN
    await make_user(client, user, headers=tenant_admin)
    await make_mapping(client, user, host, account)
    await make_delegation(client, user, client_headers["X-TMS-CLIENT-ID"])
    return await make_key(client, client_headers, user=user, host=host, account=account)


async def make_reservation(
    client, fingerprint=STANDARD_FINGERPRINT, headers=CLIENT, user="testuser1", host="testhost1", ttl=10
):
    """Reserve a key and return the reservation's id."""
    body = {"client_user_id": user, "host": host, "public_key_fingerprint": fingerprint, "ttl_minutes": ttl}
    return (await made(client, "reservations", headers, **body))["resid"]


async def extend(client, parent, headers=CLIENT, **changed):
    """Post an extension of a reservation and return the whole answer."""
    body = {"client_user_id": "testuser1", "host": "testhost1", "public_key_fingerprint": STANDARD_FINGERPRINT}
    body |= {"parent_resid": parent, **changed}
    return await client.post("/v1/tms/reservations/extend", headers=headers, json=body)


async def retrieve(client, fingerprint=STANDARD_FINGERPRINT, user="testhostaccount1", host="testhost1"):
    """Ask for a key as sshd does and return the whole answer."""
    body = {"user": user, "host": host, "public_key_fingerprint": fingerprint}
    return await client.post("/v1/tms/pubkeys/creds/retrieve", json=body)


async def delete(client, path, headers=ADMIN, **body):
    """Send a DELETE with a JSON body and return the whole answer."""
    return await client.request("DELETE", f"/v1/tms/{path}", headers=headers, json=body)


async def patch(client, path, headers=ADMIN, **body):
    """Send a PATCH with a JSON body and return the whole answer."""
    return await client.patch(f"/v1/tms/{path}", headers=headers, json=body)


async def listed(client, resource, headers=ADMIN):
    """Return the elements of a resource's list."""
    answer = await client.get(f"/v1/tms/{resource}/list", headers=headers)
    assert answer.status_code == 200, answer.text
    return next(value for value in answer.json().values() if isinstance(value, list))


async def everything(client, *more_headers):
    """Return all that can be listed, of the tenants test and default and of those of `more_headers`."""
    resources = ("client", "usermfa", "userhosts", "delegations", "pubkeys", "hosts")
    callers = (ADMIN, admin("default"), *more_headers)
    lists = {
        (headers["X-TMS-TENANT"], name): await listed(client, name, headers)
        for headers in callers
        for name in resources
    }
    return {**lists, "tenants": await listed(client, "tenants")}


async def counts(client, headers=ADMIN):
    """Return how many records of each listable kind a tenant has."""
    resources = ("client", "usermfa", "userhosts", "delegations", "pubkeys", "hosts")
    return {name: len(await listed(client, name, headers)) for name in resources}


class Hand:
    """The hand of a clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 18, 0, 0, 123456, tzinfo=UTC)
        self.nanosecond = 789

    def forward(self, **delta: float) -> None:
        """Move on."""
        self.moment += timedelta(**delta)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Hand:
    """Stop the clock at 18:00:00.123456789; ask for it before the client, so that the seed is of that moment too."""
    hand = Hand()
    monkeypatch.setattr(Clock, "seconds", lambda _clock: hand.moment.timestamp())
    monkeypatch.setattr(Clock, "nanosecond", lambda _clock: hand.nanosecond)
    return hand


@pytest.fixture
def wire() -> str:
    """The wire version of `client`; `both` runs a test with each."""
    return V030


@pytest.fixture
async def client(client_for, wire: str) -> httpx.AsyncClient:
    """Return a client of an app in the standard setup that answers as `wire`."""
    return await client_for(wire_version=wire)
