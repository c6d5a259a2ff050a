"""The cookie of the pages (contract tapis 2.3): signed, one tenant's, nothing stored."""

import base64
import hmac
import json
from hashlib import sha256

import pytest

from app.oauth.exchange import Exchange
from app.oauth.issuers import Issuer
from app.oauth.sessions import server_secret
from tests.tapis.driver import OTHERS, TENANTS, heading, log_in, moved

DEVICE = "/v3/oauth2/device?client_id=tapis_cli"


def encoded(**members):
    """Return a session as the cookie has it, without its signature."""
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode()


async def signed(standin, payload):
    """Return the cookie that the server would make of a payload."""
    secret = await server_secret(Exchange(standin.parts, Issuer("", ""), {}, None))
    return f"{payload}.{hmac.new(secret.encode(), f'session {payload}'.encode(), sha256).hexdigest()}"


async def shown(standin, cookie):
    """Ask for the code page with this cookie alone."""
    standin.http.cookies.clear()
    return await standin.http.get(DEVICE, headers={"cookie": f"session={cookie}"})


async def test_the_cookie(standin):
    """Its name and flags; it lives as long as the browser, and nothing is stored."""
    await standin.http.get(DEVICE)
    before = await standin.rows()
    name, _, rest = (await log_in(standin)).headers["set-cookie"].partition("=")
    assert (name, rest.split("; ")[1:]) == ("session", ["HttpOnly", "Path=/"])
    assert "password1" not in base64.urlsafe_b64decode(rest.partition(".")[0]).decode()
    assert await standin.rows() == before


async def test_a_good_cookie(standin):
    """The counterpart of the forged ones."""
    payload = encoded(username="testuser1", tenant_id="dev")
    assert heading(await shown(standin, await signed(standin, payload))) == "Enter User Code"


@pytest.mark.parametrize("kind", ["empty", "unsigned", "forged", "another's", "tenant", "no base64", "no json", "type"])
async def test_a_bad_cookie(standin, kind):
    """It is nobody's: the way to the login, not an error."""
    payload = encoded(username="testuser1", tenant_id="dev")
    cookies = {
        "empty": "",
        "unsigned": payload,
        "forged": f"{payload}.{'0' * 64}",
        "another's": f"{payload}.{(await signed(standin, encoded(username='x'))).partition('.')[2]}",
        "tenant": await signed(standin, encoded(username="testuser1", tenant_id="other")),
        "no base64": await signed(standin, "A"),
        "no json": await signed(standin, "AAAA"),
        "type": await signed(standin, encoded(username=5)),
    }
    moved(await shown(standin, cookies[kind]), "/v3/oauth2/authorize?client_id=tapis_cli")


async def test_a_login_is_one_tenants(standin_for):
    """Another one asks again."""
    standin = await standin_for(**TENANTS)
    await log_in(standin, OTHERS, "carol", "carolpass")
    assert heading(await standin.http.get(f"{OTHERS}{DEVICE}")) == "Enter User Code"
    moved(await standin.http.get(DEVICE), "/v3/oauth2/authorize?client_id=tapis_cli")
