"""Device codes: how they look, both state machines, the trap, scripts (contract tapis 2.2, 2.4.3, 4)."""

import asyncio
import re

import pytest

from app.oauth import device_flows
from app.oauth.sweeper import sweep
from app.tapis.signatures import claims_of
from tests.control.conftest import decide
from tests.oauth.driver import BASE, steered
from tests.tapis.driver import (
    CLI,
    GONE,
    NOT_READY,
    NOT_VALID,
    OTHERS,
    TENANTS,
    access,
    ask,
    bearing,
    begin,
    body,
    consent,
    enter,
    log_in,
    make_client,
    poll,
    refused,
    result_of,
    told,
)  # fmt: skip

MISMATCH = "Client IDs do not match between device code and passed in client_id"
MONTH = 2_592_000


def redeemed(answer, seconds=MONTH, username="testuser1"):
    """Compare a token answer and return its claims."""
    result = result_of(answer, "Token created successfully.")
    assert list(result) == ["access_token", "refresh_token"]
    claims = claims_of(result["access_token"]["access_token"])
    assert (result["access_token"]["expires_in"], claims["tapis/username"]) == (seconds, username)
    assert (claims["tapis/grant_type"], claims["tapis/refresh_count"]) == ("device_code", 0)
    return claims


async def entered(standin, base=""):
    """Return a flow whose code testuser1 has entered."""
    flow = await begin(standin, base=base)
    await log_in(standin, base)
    assert (await enter(standin, flow, base)).status_code == 302
    return flow


async def authorized(standin):
    """Return a flow that is approved."""
    flow = await entered(standin)
    assert (await consent(standin, flow)).status_code == 200
    return flow


async def test_a_device_code(standin):
    """The whole answer; the expiry is a text in HTTP's form, and there is no interval."""
    answer = await standin.http.post("/v3/oauth2/device/code", json={"client_id": CLI, "ttl": 1})
    found = answer.json()["result"]
    told(
        answer,
        "Token created successfully.",
        {
            "client_id": CLI,
            "device_code": found["device_code"],
            "expires_in": "Mon, 23 Nov 2026 19:03:33 GMT",
            "user_code": found["user_code"],
            "verification_uri": f"{BASE}/v3/oauth2/device?client_id={CLI}",
        },
    )
    assert re.fullmatch("[A-Za-z0-9]{40}", found["device_code"])
    assert re.fullmatch("[A-Za-z]{8}", found["user_code"])


async def test_a_user_code_that_is_taken(standin):
    """Another one is made."""
    first = await begin(standin)
    letters, given = standin.parts.chance.letters, iter([first["user_code"], "aaaaBBBB"])
    standin.parts.chance.letters = lambda alphabet, length: next(given) if length == 8 else letters(alphabet, length)
    assert (await begin(standin))["user_code"] == "aaaaBBBB"


@pytest.mark.parametrize("client_id", ["nosuch", "", "TAPIS_CLI"])
async def test_an_unknown_client(standin, client_id):
    """The id comes back as it was sent; nothing is stored."""
    before = await standin.rows()
    answer = await standin.http.post("/v3/oauth2/device/code", json={"client_id": client_id})
    refused(answer, f"Invalid client: {client_id}")
    assert await standin.rows() == before


async def test_an_inactive_client_gets_a_code(standin):
    """The flag is not looked at."""
    await make_client(standin, client_id="mycid", active=False)
    assert (await begin(standin, "mycid"))["client_id"] == "mycid"


async def test_the_walk(standin):
    """Created, entered, authorized, redeemed, gone (contract tapis 4.2, newest)."""
    flow = await begin(standin)
    refused(await poll(standin, flow), NOT_READY)
    await log_in(standin)
    await enter(standin, flow)
    refused(await poll(standin, flow), NOT_READY)
    await consent(standin, flow, ttl="5")
    before = await standin.rows("device_flows", "device_polls")
    refused(await poll(standin, flow, "device-public"), MISMATCH)
    assert await standin.rows("device_flows", "device_polls") == before
    redeemed(await poll(standin, flow), 5 * 86_400)
    for _ in range(2):
        refused(await poll(standin, flow), NOT_VALID)
        refused(await poll(standin, flow, "device-public"), NOT_VALID)


async def test_the_race(standin_for):
    """Release 26Q1.0: between the entry of the code and the consent a poll wins, with 30 days; the consent fails."""
    from app.settings_tables import Tapis

    standin = await standin_for(tapis=Tapis(race=True))
    flow = await begin(standin)
    refused(await poll(standin, flow), NOT_READY)
    await log_in(standin)
    await enter(standin, flow)
    redeemed(await poll(standin, flow))
    refused(await consent(standin, flow, ttl="5"), "The device code is not waiting for a consent any more.")
    slower = await entered(standin)
    await consent(standin, slower, ttl="5")
    redeemed(await poll(standin, slower), 5 * 86_400)


async def test_the_race_can_be_switched_while_it_runs(standin):
    """`tapis.race` is looked at by each poll."""
    flow = await entered(standin)
    refused(await poll(standin, flow), NOT_READY)
    standin.parts.modes.race = True
    refused(await poll(standin, flow, "device-public"), MISMATCH)
    redeemed(await poll(standin, flow))


@pytest.mark.parametrize("race", [False, True])
async def test_the_expiry(standin, race):
    """Six seconds of grace behind the whole second that was told; then the code is deleted, and not valid."""
    standin.parts.modes.race = race
    make = entered if race else authorized
    good, late = await make(standin), await make(standin)
    standin.clock.moment = standin.now + 606
    redeemed(await poll(standin, good))
    standin.advance(0.001)
    before = await standin.rows("device_flows", "device_polls")
    refused(await poll(standin, late, "device-public"), GONE)
    refused(await poll(standin, late), NOT_VALID)
    assert await standin.rows("device_flows", "device_polls") == before


@pytest.mark.parametrize("is_entered", [False, True])
async def test_the_trap(capfd, is_entered):
    """What nobody has authorized never expires: `device code not ready.` for ever; a hint stands in the log."""
    async with steered() as standin:
        flow = await (entered if is_entered else begin)(standin)
        standin.advance(605)
        refused(await poll(standin, flow), NOT_READY)
        silent = standin.parts.hints.is_new(("device code never ready", CLI))
        standin.parts.hints._given.clear()
        for hours in (1, 24, 8_760):
            standin.advance(3_600 * hours)
            await sweep(standin.parts)
            refused(await poll(standin, flow), NOT_READY)
    assert silent
    hints = [line for line in "".join(capfd.readouterr()).splitlines() if "hint" in line]
    assert hints == [
        (
            f"  hint: a device code of client {CLI} expired before anybody authorized it, and is answered "
            "`device code not ready.` for ever, as by the real service; standin.strict mends it"
        )
    ]


@pytest.mark.parametrize("is_entered", [False, True])
async def test_strict_mends_the_trap(standin_for, is_entered):
    """The expiry is told, once."""
    standin = await standin_for(strict=True)
    flow = await (entered if is_entered else begin)(standin)
    standin.advance(605)
    refused(await poll(standin, flow), NOT_READY)
    standin.advance(2)
    refused(await poll(standin, flow), GONE)
    refused(await poll(standin, flow), NOT_VALID)


async def test_an_abandoned_code_is_not_swept(standin):
    """The real service has no clean-up: an hour later an authorized code tells that it has expired."""
    flow = await authorized(standin)
    standin.advance(7_200)
    await sweep(standin.parts)
    refused(await poll(standin, flow), GONE)
    await sweep(standin.parts)
    assert await standin.row({"user_code": "none"}) is None
    assert (await standin.rows())["device_flows"] == []


async def test_no_poll_comes_too_early(standin):
    """There is no limit of the rate: fifty polls at one instant."""
    flow = await begin(standin)
    for _ in range(50):
        refused(await poll(standin, flow), NOT_READY)


async def test_of_racing_polls_one_wins(standin_for, tmp_path):
    """Twenty at once, on disk: one token."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    flow = await authorized(standin)
    answers = await asyncio.gather(*(poll(standin, flow) for _ in range(20)))
    [won] = [answer for answer in answers if answer.status_code == 200]
    redeemed(won)
    assert {answer.text for answer in answers if answer is not won} == {body(NOT_VALID, None, "error")}


async def test_a_poll_that_comes_second(standin, monkeypatch):
    """Between its reading and its writing another process was faster: no token, and no other poll's is touched."""
    flow = await authorized(standin)
    end = device_flows.end

    async def end_after_another(transaction, row, status):
        assert await end(transaction, row, status)
        return await end(transaction, row, status)

    before = await standin.rows("device_flows", "device_polls")
    monkeypatch.setattr(device_flows, "end", end_after_another)
    refused(await poll(standin, flow), NOT_VALID)
    assert await standin.rows("device_flows", "device_polls") == before


async def test_a_code_of_another_tenants_client(standin_for):
    """It is made, and fails at its redemption, which consumes it; no key is told."""
    standin = await standin_for(**TENANTS)
    flow = await begin(standin, "othercli")
    await log_in(standin)
    await enter(standin, flow)
    wish = {"action": "approve", "username": "testuser1"}
    assert (await decide(standin, flow, **wish)).status_code == 200
    refused(
        await poll(standin, flow, "othercli"),
        "Invalid client credentials: othercli, ***. session: <SecureCookieSession {}>",
    )
    refused(await poll(standin, flow, "othercli"), NOT_VALID)


async def test_a_code_of_another_tenant(standin_for):
    """Its tenant is looked at when it is consumed already (contract tapis 2.4.3, h)."""
    standin = await standin_for(**TENANTS)
    flow = await begin(standin)
    await decide(standin, flow, action="approve", username="testuser1")
    refused(
        await poll(standin, flow, base=OTHERS),
        f"Invalid client credentials: {CLI}, ***. session: <SecureCookieSession {{}}>",
    )
    refused(await poll(standin, flow), NOT_VALID)


async def test_a_flow_in_another_tenant(standin_for):
    """Its own client, user, key and URL."""
    standin = await standin_for(**TENANTS)
    flow = await begin(standin, "othercli", OTHERS)
    assert flow["verification_uri"] == f"{BASE}/tenants/other/v3/oauth2/device?client_id=othercli"
    await log_in(standin, OTHERS, "carol", "carolpass")
    await enter(standin, flow, OTHERS)
    await consent(standin, flow, OTHERS)
    claims = redeemed(await poll(standin, flow, "othercli", OTHERS), username="carol")
    assert (claims["iss"], claims["sub"]) == (f"{BASE}/tenants/other/v3/tokens", "carol@other")


@pytest.mark.parametrize(("after", "polls"), [(0, 0), (2, 2)])
async def test_auto_approve(standin_for, after, polls):
    """The person of the settings, after as many polls as they say."""
    standin = await standin_for(oauth={"auto_approve": "testuser2", "auto_approve_polls": after})
    flow = await begin(standin)
    for _ in range(polls):
        refused(await poll(standin, flow), NOT_READY)
    redeemed(await poll(standin, flow), username="testuser2")


async def test_auto_approve_is_for_ones_own_users(standin_for):
    """Another tenant, which does not know the person of the settings, goes on waiting for its own."""
    standin = await standin_for(oauth={"auto_approve": "testuser2"}, **TENANTS)
    flow = await begin(standin, "othercli", OTHERS)
    refused(await poll(standin, flow, "othercli", OTHERS), NOT_READY)
    assert (await decide(standin, flow, action="approve", username="carol")).status_code == 200
    redeemed(await poll(standin, flow, "othercli", OTHERS), username="carol")


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        (["pending*2", "slow_down", "approve testuser2"], [NOT_READY, NOT_READY, NOT_READY, None, NOT_VALID]),
        (["deny"], [NOT_VALID, NOT_VALID]),
        (["pending", "deny"], [NOT_READY, NOT_VALID]),
        (["pending", "expire"], [NOT_READY, NOT_READY, NOT_READY]),
    ],
)
async def test_a_script(standin_for, script, answers):
    """One step for each poll; a denied code is gone, an expired one falls into the trap."""
    standin = await standin_for(oauth={"clients": [{"client_id": "mine", "script": script}]})
    flow = await begin(standin, "mine")
    for message in answers:
        answer = await poll(standin, flow, "mine")
        if message is None:
            redeemed(answer, username="testuser2")
        else:
            refused(answer, message)


async def test_a_script_of_another_tenants_client(standin_for):
    """`[[tapis.tenants.clients]]` have scripts too; under strict the expiry is told."""
    from app.settings_tables import Tapis, TapisClient, TapisTenant

    client = TapisClient(client_id="cli", client_key="k", script=("pending", "expire"))
    standin = await standin_for(strict=True, tapis=Tapis(tenants=(TapisTenant(tenant_id="b", clients=(client,)),)))
    flow = await begin(standin, "cli", "/tenants/b")
    refused(await poll(standin, flow, "cli", "/tenants/b"), NOT_READY)
    refused(await poll(standin, flow, "cli", "/tenants/b"), GONE)


async def test_a_token_of_a_device_lives_its_days(standin):
    """And its refresh gets the tenant's default."""
    await make_client(standin, client_id="mycid", client_key="mykey")
    flow = await begin(standin, "mycid")
    await decide(standin, flow, action="approve", username="testuser1")
    made = result_of(await poll(standin, flow, "mycid"), "Token created successfully.")
    standin.advance(29 * 86_400)
    headers = bearing(made["access_token"]["access_token"])
    assert (await standin.http.get("/v3/oauth2/userinfo", headers=headers)).status_code == 200
    members = {"client_id": "mycid", "client_key": "mykey", "refresh_token": made["refresh_token"]["refresh_token"]}
    again = result_of(await ask(standin, grant_type="refresh_token", **members), "Token created successfully.")
    assert again["access_token"]["expires_in"] == 14_400


async def test_nothing_secret_is_logged(capfd):
    """No password, code, key or token in any line."""
    async with steered(oauth={"users": [{"username": "eve", "password": "evespass"}]}) as standin:
        await make_client(standin, client_id="mycid", client_key="s3cr3t-key")
        await access(standin, username="eve", password="evespass")
        await log_in(standin, username="eve", password="evespass")
        flow = await authorized(standin)
        made = result_of(await poll(standin, flow), "Token created successfully.")
        token = await access(standin)
        await standin.http.post(
            "/v3/oauth2/tokens", content=b'{"password": "evespass"', headers={"content-type": "application/json"}
        )
    text = "".join(capfd.readouterr())
    assert "/v3/oauth2/tokens" in text
    secrets = [
        "s3cr3t-key",
        "evespass",
        flow["device_code"],
        flow["user_code"],
        token,
        made["access_token"]["access_token"],
    ]
    assert [secret for secret in secrets if secret in text] == []
