"""The device flows that wait, of both dialects, the newest of them."""

from types import SimpleNamespace

from app.page.flows import MOST, undecided, usernames
from app.settings import OAuthUser, Tapis
from app.settings_tables import TapisTenant
from tests.tapis.driver import begin as begin_tapis

ISSUERS = SimpleNamespace(of=lambda name: f"http://standin/{name}")


async def codes(standin):
    """Return the codes that are listed, in any order, and whether there are more."""
    found, more = await undecided(standin.parts, ISSUERS)
    return {flow["user_code"] for flow in found}, more


async def test_what_waits_and_what_does_not(standin):
    """A decided and an expired flow wait no more."""
    denied, late = await standin.begin(), await standin.begin()
    await standin.deny(denied)
    standin.advance(601)
    waiting, tapis = await standin.begin(scope="openid"), await begin_tapis(standin)
    assert await codes(standin) == ({waiting["user_code"], tapis["user_code"]}, False)
    assert late["user_code"] not in (await codes(standin))[0]
    found, _ = await undecided(standin.parts, ISSUERS)
    [flow] = [flow for flow in found if flow["dialect"] == "rfc8628"]
    assert str(flow.pop("expires_at")) == "2026-11-23 19:13:34.248700+00:00"
    assert flow == {
        "user_code": waiting["user_code"],
        "client_id": "device-public",
        "scope": "openid",
        "dialect": "rfc8628",
        "issuer": "http://standin/",
        "status": "pending",
        "polls": 0,
    }


async def test_the_newest(standin):
    """In the middle of a load a few are enough."""
    made = []
    for _ in range(MOST + 2):
        made.append((await standin.begin())["user_code"])
        standin.advance(1)
    assert await codes(standin) == (set(made[2:]), True)


async def test_who_can_approve(standin_for):
    """Users of the seed, of the settings, and of Tapis tenants, each once."""
    tenant = TapisTenant(tenant_id="other", users=(OAuthUser(username="carol", password="p"),))
    own = [{"username": "alice", "password": "p"}, {"username": "testuser1", "password": "p"}]
    standin = await standin_for(oauth={"users": own}, tapis=Tapis(tenants=(tenant,)))
    assert await usernames(standin.parts) == ["testuser1", "testuser2", "alice", "carol"]
