"""/v3/oauth2/clients (contract tapis 2.6)."""

import re

import pytest

from tests.tapis.driver import CLI, OTHERS, TENANTS, access, bearing, log_in, refused, result_of, told

PATH = "/v3/oauth2/clients"
MADE = "Mon, 23 Nov 2026 18:53:33 GMT"


def client(**changed):
    """Return a client as it is shown."""
    return {
        "active": True,
        "callback_url": "",
        "client_id": "mycid",
        "client_key": "mykey",
        "create_time": MADE,
        "description": "",
        "display_name": "mycid",
        "last_update_time": MADE,
        "owner": "testuser1",
        "tenant_id": "dev",
        **changed,
    }


class Owner:
    """Somebody with a token who uses the endpoint."""

    def __init__(self, standin, token, base=""):
        self._http, self._headers, self._base = standin.http, bearing(token), base

    async def __call__(self, method, path="", **options):
        """Send a request."""
        return await self._http.request(method, f"{self._base}{PATH}{path}", headers=self._headers, **options)


@pytest.fixture
async def owner(standin):
    """Return testuser1."""
    return Owner(standin, await access(standin))


async def make(owner, **members):
    """Register a client."""
    return await owner("POST", json={"client_id": "mycid", "client_key": "mykey", **members})


async def test_a_client_that_tells_everything(owner):
    """It comes back as it was sent, an inactive one too."""
    whole = {"callback_url": "https://a/cb", "display_name": "Mine", "description": "d", "active": False}
    told(await make(owner, **whole), "Client created successfully.", client(**whole))
    told(await owner("GET", "/mycid"), "Client object retrieved successfully.", client(**whole))


async def test_the_defaults(owner):
    """Generated id and key; the name is the id's beginning."""
    found = result_of(await owner("POST", json={}), "Client created successfully.")
    for name in ("client_id", "client_key"):
        assert re.fullmatch("[A-Za-z0-9]{12,13}", found[name])
    same = {name: found[name] for name in ("client_id", "client_key")}
    assert found == client(**same, display_name=found["client_id"])
    long = "x" * 80
    assert result_of(await make(owner, client_id=long), "Client created successfully.")["display_name"] == "x" * 50


async def test_lists(owner, standin):
    """One's own, active ones; `show_inactive` adds the others."""
    told(await owner("GET"), "Clients retrieved successfully.", [])
    await make(owner)
    await make(owner, client_id="off", active=False)
    off = client(client_id="off", display_name="off", active=False)
    told(await owner("GET", "?limit=0&offset=9"), "Clients retrieved successfully.", [client()])
    told(await owner("GET", "?show_inactive="), "Clients retrieved successfully.", [client(), off])
    second = Owner(standin, await access(standin, username="testuser2", password="password2"))
    told(await second("GET", "?show_inactive=1"), "Clients retrieved successfully.", [])


@pytest.mark.parametrize("taken", ["mycid", CLI, "configured", "othercli"])
async def test_an_id_that_is_taken(standin_for, taken):
    """By whomever, in whatever tenant, in the database or the settings; nothing changes."""
    standin = await standin_for(**TENANTS, oauth={"clients": [{"client_id": "configured"}]})
    first = Owner(standin, await access(standin))
    carol = Owner(standin, await access(standin, OTHERS, username="carol", password="carolpass"), OTHERS)
    await make(first)
    before = await standin.rows()
    for owner in (first, carol):
        answer = await make(owner, client_id=taken, client_key="s3cr3t")
        refused(
            answer,
            "Invalid POST data; This change would violate uniqueness constraints. "
            f"Details: Key (client_id)=({taken}) already exists.",
        )
        assert "s3cr3t" not in answer.text
    assert await standin.rows() == before


@pytest.mark.parametrize(
    ("name", "longest"),
    [("client_id", 80), ("client_key", 80), ("callback_url", 200), ("display_name", 50), ("description", 70)],
)
async def test_lengths(owner, standin, name, longest):
    """One letter more is refused, at a change too."""
    await make(owner)
    before = await standin.rows()
    message = f"[DataError(value too long for type character varying({longest}))]"
    refused(await make(owner, client_id="b", **{name: "x" * (longest + 1)} if name != "client_id" else {}) if name != "client_id"
            else await make(owner, client_id="x" * 81), f"Invalid POST data: {message}.")  # fmt: skip
    if name in ("callback_url", "display_name"):
        refused(await owner("PUT", "/mycid", json={name: "x" * (longest + 1)}), f"Invalid PUT data: {message}")
    assert await standin.rows() == before
    assert (await make(owner, **{"client_id": "b", name: "x" * longest})).status_code == 200


async def test_a_change(owner, standin):
    """Name and callback; the time of the last update stays (contract tapis 2.6)."""
    await make(owner, description="d")
    standin.advance(60)
    renamed = client(description="d", display_name="My", callback_url="https://b/cb")
    told(
        await owner("PUT", "/mycid", json={"display_name": "My"}),
        "Client updated successfully",
        {**renamed, "callback_url": ""},
    )
    told(await owner("PUT", "/mycid", json={"callback_url": "https://b/cb"}), "Client updated successfully", renamed)


@pytest.mark.parametrize("name", ["client_id", "client_key", "description"])
async def test_what_cannot_be_changed(owner, standin, name):
    """It is told before anybody looks for the client."""
    await make(owner)
    before = await standin.rows()
    for path in ("/mycid", "/zz"):
        refused(await owner("PUT", path, json={name: "new"}), f"Changing {name} not currently supported.")
    refused(
        await owner("PUT", "/mycid"),
        "Invalid PUT data: [MissingRequiredRequestBody(request=<FlaskOpenAPIRequest object at 0x0>)]",
    )
    assert await standin.rows() == before


async def test_a_deletion(owner):
    """The client becomes inactive and stays; it may be repeated."""
    await make(owner)
    gone = client(active=False)
    for _ in range(2):
        told(await owner("DELETE", "/mycid"), "Client status updated to inactive successfully", gone)
    told(await owner("GET", "/mycid"), "Client object retrieved successfully.", gone)
    told(await owner("GET"), "Clients retrieved successfully.", [])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_somebody_elses_client(standin_for, method):
    """Not found, or not one's own; nothing changes, and no key comes back."""
    standin = await standin_for(**TENANTS)
    await make(Owner(standin, await access(standin)))
    second = Owner(standin, await access(standin, username="testuser2", password="password2"))
    carol = Owner(standin, await access(standin, OTHERS, username="carol", password="carolpass"), OTHERS)
    before = await standin.rows()
    refused(await second(method, "/zz", json={}), "No client found with id zz.")
    refused(await carol(method, "/mycid", json={}), "No client found with id mycid.")
    for name in ("mycid", CLI, "testclient1"):
        refused(await second(method, f"/{name}", json={}), "Not authorized for this client.")
    assert await standin.rows() == before


async def test_a_client_of_another_tenant(standin_for):
    """It belongs to the tenant where it was made, and is found there by its pages."""
    standin = await standin_for(**TENANTS)
    carol = Owner(standin, await access(standin, OTHERS, username="carol", password="carolpass"), OTHERS)
    told(await make(carol), "Client created successfully.", client(owner="carol", tenant_id="other"))
    answer = await standin.http.get(f"{OTHERS}/v3/oauth2/login?client_id=mycid")
    assert "to continue to the mycid" in answer.text
    assert (await standin.http.get("/v3/oauth2/login?client_id=mycid")).json()["message"] == "Invalid client."


async def test_basic_is_not_usable(standin):
    """As on the real service (contract tapis 2.6)."""
    auth = ("testuser1", "password1")
    refused(await standin.http.post(PATH, json={}, auth=auth), "Invalid POST data: [InvalidSecurity()].")
    refused(await standin.http.get(PATH, auth=auth), "No Tapis access token found in the request.")


async def test_a_callback_cannot_write_headers(owner, standin):
    """A line break in it stays in its line."""
    await make(owner, callback_url="https://a/\r\nset-cookie:x=y")
    await log_in(standin)
    form = {"client_id": "mycid", "client_response_type": "code", "approve": "true"}
    answer = await standin.http.post("/v3/oauth2/authorize", data=form)
    assert [value for name, value in answer.headers.raw if b"\n" in value or b"\r" in value] == []
