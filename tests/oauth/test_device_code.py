"""The device access token request (RFC 8628 3.4, 3.5): polls, their pace, and the one that gets the token."""

import asyncio
import random

import pytest

from app.oauth import device_flows
from app.oauth.device_code import DeviceCode
from app.oauth.exchange import Exchange
from app.oauth.issuers import Issuer
from app.oauth.server import in_transaction
from tests.oauth.driver import (
    BASE,
    CONFIDENTIAL,
    DEVICE_CODE,
    EVERY_SCOPE,
    SECRET,
    UNSEEN,
    basic,
    refused,
    steered,
    unique,
)

UNKNOWN = "x" * 43


async def statuses(standin, flow, *gaps, **changed):
    """Poll after each of these gaps and return what was answered."""
    told = []
    for gap in gaps:
        standin.advance(gap)
        body = (await standin.poll(flow, **changed)).json()
        told.append(body.get("error", "token"))
    return told


async def test_a_pending_flow(standin):
    """Status 400 with the error alone (rows TK-05, OA-01, X-05)."""
    answer = await standin.poll(await standin.begin())
    refused(answer, 400, "authorization_pending")


async def test_an_approved_flow(standin):
    """The members of RFC 6749 5.1, with scope and token_type always (rows TK-13, TK-18, TK-19, OA-02 to OA-04, X-02, X-04)."""
    flow = await standin.begin()
    await standin.approve(flow)
    answer = await standin.poll(flow)
    body = unique(answer.text)
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": body["refresh_token"],
        "scope": EVERY_SCOPE,
        "id_token": body["id_token"],
    }
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert type(body["expires_in"]) is int


async def test_without_the_scope_openid_there_is_no_id_token(standin):
    """And without the grant no refresh token (rows ID-01, TK-18)."""
    assert "id_token" not in await standin.tokens(scope="profile")


async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(standin_for):
    """Every other member is there (row TK-18)."""
    standin = await standin_for(oauth={"clients": [{"client_id": "other", "grant_types": (DEVICE_CODE,)}]})
    assert set(await standin.tokens("other")) == {"access_token", "token_type", "expires_in", "scope", "id_token"}


async def test_a_reduced_consent_shows_in_the_scope(standin):
    """The answer says what was granted, also nothing of it (row TK-19)."""
    for granted in ("profile", ""):
        flow = await standin.begin(scope="openid profile")
        await standin.approve(flow, scope=granted)
        body = (await standin.poll(flow)).json()
        assert (body["scope"], "id_token" in body) == (granted, False)


@pytest.mark.parametrize(
    "grant_type", ["device_code", "urn:ietf:params:oauth:grant-type:Device_code", "password", "é\n"]
)
async def test_another_grant_type(standin, grant_type):
    """Nothing but the URN (rows TK-01, OA-10), and the sentence keeps to the characters that are allowed (row OA-01)."""
    flow = await standin.begin()
    before = await standin.rows()
    refused(await standin.poll(flow, grant_type=grant_type), 400, "unsupported_grant_type")
    assert await standin.rows() == before


@pytest.mark.parametrize("left_out", ["grant_type", "device_code", "client_id"])
@pytest.mark.parametrize("value", [None, ""])
async def test_a_parameter_that_is_missing(standin, left_out, value):
    """Absent or without a value (rows TK-02, TK-03, OA-10, OA-15)."""
    flow = await standin.begin()
    await standin.approve(flow)
    before = await standin.rows()
    refused(await standin.poll(flow, **{left_out: value}), 400, "invalid_request")
    assert await standin.rows() == before


async def test_unknown_parameters_are_ignored(standin):
    """MSAL sends the device code as `code` too, and more (rows TK-20, X-09, OA-15)."""
    flow = await standin.begin()
    await standin.approve(flow)
    more = {"code": flow["device_code"], "client_info": "1", "claims": "{}", "x-client-SKU": ["a", "b"], "foo": ""}
    assert (await standin.poll(flow, **more)).status_code == 200


async def test_a_confidential_client_authenticates_on_each_poll(standin):
    """Without secret or with a wrong one: 401, and the flow is unharmed (row TK-04)."""
    flow = await standin.begin(CONFIDENTIAL)
    await standin.approve(flow)
    before = await standin.rows(*UNSEEN)
    refused(await standin.poll(flow, CONFIDENTIAL, client_secret=None), 401, "invalid_client")
    refused(await standin.poll(flow, CONFIDENTIAL, client_secret="wrong"), 401, "invalid_client")
    refused(await standin.poll(flow, None, headers=basic(CONFIDENTIAL, "wrong")), 401, "invalid_client")
    assert await standin.rows(*UNSEEN) == before
    assert (await standin.poll(flow, None, headers=basic(CONFIDENTIAL, SECRET))).status_code == 200


async def test_an_unknown_code(standin):
    """A code that was never issued, and one that is no code at all (row TK-14)."""
    flow = await standin.begin()
    before = await standin.rows(*UNSEEN)
    for code in (UNKNOWN, flow["device_code"].swapcase(), flow["user_code"], "é", "x" * 5000):
        refused(await standin.poll(code), 400, "invalid_grant")
    assert await standin.rows(*UNSEEN) == before


async def test_the_code_of_another_client(standin):
    """It is refused, and the first client's flow is unharmed: it gets its token (row TK-15)."""
    flow = await standin.begin()
    await standin.approve(flow)
    before = await standin.rows()
    for other in ("tapis_cli", CONFIDENTIAL):
        refused(await standin.poll(flow, other), 400, "invalid_grant")
    assert await standin.rows() == before
    assert (await standin.poll(flow)).status_code == 200


@pytest.mark.parametrize(("begun_at", "polled_at"), [("a", "b"), ("a", ""), ("", "a")])
async def test_the_code_of_another_issuer(standin, begun_at, polled_at):
    """Issuers share nothing, so that parallel tests never meet (design 2.5)."""
    flow = await standin.begin(issuer=begun_at)
    await standin.approve(flow)
    before = await standin.rows(*UNSEEN)
    refused(await standin.poll(flow, issuer=polled_at), 400, "invalid_grant")
    assert await standin.rows(*UNSEEN) == before
    assert (await standin.poll(flow, issuer=begun_at)).status_code == 200


async def test_a_client_without_this_grant(standin_for):
    """It cannot have begun the flow, so that nothing is told of it (row OA-11)."""
    standin = await standin_for(oauth={"clients": [{"client_id": "other", "grant_types": ("refresh_token",)}]})
    flow = await standin.begin()
    refused(await standin.poll(flow, "other"), 400, "unauthorized_client")


async def test_a_denied_flow(standin):
    """The error reaches the device, and stays: no flow returns to pending (rows TK-10, TK-12, UI-21)."""
    flow = await standin.begin()
    await statuses(standin, flow, 0)
    await standin.deny(flow)
    told = await statuses(standin, flow, 0, 0, 5, 3600)
    assert told == ["access_denied"] * 4
    assert await standin.approve(flow) is False
    assert await statuses(standin, flow, 0) == ["access_denied"]
    assert (await standin.rows())["oauth_grants"] == []


async def test_a_code_is_good_for_one_token(standin):
    """The second exchange is refused, and what the first one got stays alive (row TK-16)."""
    flow = await standin.begin()
    await standin.approve(flow)
    tokens = (await standin.poll(flow)).json()
    refused(await standin.poll(flow), 400, "invalid_grant")
    standin.advance(700)
    refused(await standin.poll(flow), 400, "invalid_grant")
    assert len((await standin.rows())["oauth_grants"]) == 1
    assert (await standin.introspect(tokens["access_token"]))["active"] is True


async def test_an_expired_flow(standin):
    """At `expires_in`, not before, and still so an hour later (rows TK-11, TK-12, DA-17, DA-24, X-07)."""
    flow = await standin.begin()
    assert await statuses(standin, flow, 599.999) == ["authorization_pending"]
    assert await statuses(standin, flow, 0.001, 0, 5, 300, 3300) == ["expired_token"] * 5
    assert (await standin.rows())["oauth_grants"] == []


async def test_an_approval_that_nobody_fetches_expires(standin):
    """Both codes end at the same time (row DA-17)."""
    flow = await standin.begin()
    await standin.approve(flow)
    assert await statuses(standin, flow, 600, 60) == ["expired_token"] * 2


async def test_a_denial_is_told_after_the_expiry_too(standin):
    """What was decided holds (row TK-12)."""
    flow = await standin.begin()
    await standin.deny(flow)
    assert await statuses(standin, flow, 700) == ["access_denied"]


async def test_the_first_poll_at_once(standin):
    """Octokit and MSAL do this (rows TK-09, X-06; Abblix#281, #293)."""
    assert await statuses(standin, await standin.begin(), 0) == ["authorization_pending"]


async def test_two_polls_at_once(standin):
    """The second one is told to slow down, with status 400 (rows TK-06, X-05)."""
    flow = await standin.begin()
    await standin.poll(flow)
    answer = await standin.poll(flow)
    refused(answer, 400, "slow_down")


async def test_slow_down_adds_five_seconds_for_good(standin):
    """After one, the interval is 10: 5 seconds later is too early, and it is never taken back (row TK-07)."""
    flow = await standin.begin()
    assert await statuses(standin, flow, 0, 0, 5) == ["authorization_pending", "slow_down", "slow_down"]
    assert (await standin.row(flow)).interval == 15
    assert await statuses(standin, flow, 15, 15, 15) == ["authorization_pending"] * 3
    assert await statuses(standin, flow, 10) == ["slow_down"]
    assert (await standin.row(flow)).interval == 20
    assert await statuses(standin, flow, 20, 20) == ["authorization_pending"] * 2


async def test_a_client_that_obeys_is_never_told_twice(standin):
    """It waits the interval plus five seconds after each `slow_down` (RFC 8628 3.5)."""
    flow = await standin.begin()
    assert await statuses(standin, flow, 0, 1, 10, 10, 10) == [
        *("authorization_pending", "slow_down"),
        *["authorization_pending"] * 3,
    ]


async def test_a_refused_poll_is_remembered(standin):
    """Though it is answered by an error, which undoes nothing here (thephpleague#1410)."""
    flow = await standin.begin()
    assert await statuses(standin, flow, 0, 1) == ["authorization_pending", "slow_down"]
    polls = [(poll.number, poll.answer, poll.gap_milliseconds) for poll in (await standin.rows())["device_polls"]]
    assert polls == [(0, "authorization_pending", None), (1, "slow_down", 1000)]
    row = await standin.row(flow)
    assert (row.polls, row.interval, row.last_poll_at) == (2, 10, standin.parts.clock.now())


@pytest.mark.parametrize("interval", [1, 5, 30])
async def test_a_steady_client_with_jitter(standin_for, interval):
    """Fifty polls at the interval, each up to 3 % early or late: never too early (row TK-09b; cli/cli#9370)."""
    standin = await standin_for(oauth={"interval": interval})
    flow, chance = await standin.begin(), random.Random(interval)
    gaps = [0, *[interval * chance.uniform(0.97, 1.03) for _ in range(15)]]
    assert await statuses(standin, flow, *gaps) == ["authorization_pending"] * 16
    row = await standin.row(flow)
    assert (row.interval, row.polls) == (interval, 16)


async def test_fifty_polls_at_the_interval(standin_for):
    """3 % early each time, so that the error adds up (row TK-09b)."""
    standin = await standin_for(oauth={"device_code_ttl": 3600})
    flow = await standin.begin()
    assert await statuses(standin, flow, *[4.85] * 50) == ["authorization_pending"] * 50
    assert (await standin.row(flow)).interval == 5


async def test_a_steady_fast_client_comes_through(standin_for):
    """It is told to slow down again and again, yet not for ever (H2CK/oidc#716)."""
    standin = await standin_for(oauth={"device_code_ttl": 3600})
    flow = await standin.begin()
    told = await statuses(standin, flow, *[2.5] * 60)
    assert set(told) == {"authorization_pending", "slow_down"}
    assert "authorization_pending" in told[-30:]
    await standin.approve(flow)
    assert await statuses(standin, flow, 0) == ["token"]


@pytest.mark.parametrize(("decision", "told"), [("approve", "token"), ("deny", "access_denied")])
async def test_a_decided_flow_is_never_too_fast(standin, decision, told):
    """`slow_down` means still pending, as Keycloak does not know (row TK-08)."""
    flow = await standin.begin()
    await statuses(standin, flow, 0, 0)
    await getattr(standin, decision)(flow)
    assert await statuses(standin, flow, 0) == [told]


async def test_an_expired_flow_is_never_too_fast(standin):
    """Two polls at once after the end are both told so (row TK-08)."""
    flow = await standin.begin()
    await statuses(standin, flow, 0)
    assert await statuses(standin, flow, 600, 0) == ["expired_token"] * 2


async def test_twenty_polls_race_for_an_approved_code(standin_for, tmp_path):
    """Exactly one wins; the others are told that the code is used (row TK-17)."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    flow = await standin.begin()
    await standin.approve(flow)
    answers = await asyncio.gather(*[standin.poll(flow) for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 19]
    for answer in answers:
        if answer.status_code == 400:
            refused(answer, 400, "invalid_grant")
    rows = await standin.rows()
    assert (len(rows["oauth_grants"]), len(rows["oauth_access_tokens"]), len(rows["oauth_refresh_tokens"])) == (1, 1, 1)


async def test_two_servers_on_one_database(standin_for, tmp_path):
    """Flow, pace and decision are in the database: either server goes on where the other was; one poll wins (TK-17)."""
    database = f"sqlite:///{tmp_path / 'tms.db'}"
    one, other = await standin_for(database=database), await standin_for(database=database)
    other.clock.moment = one.clock.moment
    flow = await one.begin()
    refused(await other.poll(flow), 400, "authorization_pending")
    refused(await one.poll(flow), 400, "slow_down")
    assert (await other.row(flow)).interval == 10
    await other.approve(flow)
    answers = await asyncio.gather(*[server.poll(flow) for server in (one, other) * 10])
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 19]


async def test_a_restart_in_the_middle_of_a_flow(tmp_path):
    """The interval that was raised stays raised, and the approved code is still good for one token."""
    database, moment = f"sqlite:///{tmp_path / 'tms.db'}", None
    told, flow = [], None
    for step in range(3):
        async with steered(database=database) as standin:
            standin.clock.moment = moment or standin.clock.moment
            flow = flow or await standin.begin()
            if step == 2:
                await standin.approve(flow)
            told += await statuses(standin, flow, 4)
            moment = standin.clock.moment
    assert told == ["authorization_pending", "slow_down", "token"]


async def test_a_named_issuer_plays_its_script(standin_for):
    """One step for each poll, in place of the clock; the pace is what the script says (issue 4, item 5)."""
    script = ("pending", "slow_down", "pending*2", "approve testuser1")
    standin = await standin_for(oauth={"issuers": [{"name": "a", "script": script}]})
    flow = await standin.begin(issuer="a")
    told = await statuses(standin, flow, 0, 0, 0, 0, 0, 0, issuer="a")
    assert told == [*("authorization_pending", "slow_down"), *["authorization_pending"] * 2, "token", "invalid_grant"]
    assert (await standin.row(flow)).interval == 10
    plain = await standin.begin(issuer="b")
    assert await statuses(standin, plain, 0, 0, issuer="b") == ["authorization_pending", "slow_down"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (("deny",), ["access_denied", "access_denied"]),
        (("expire",), ["expired_token", "expired_token"]),
        (("approve testuser2 openid",), ["token", "invalid_grant"]),
        (("pending*2",), ["authorization_pending", "authorization_pending", "slow_down"]),
        (("slow_down",), ["slow_down", "authorization_pending", "slow_down"]),
    ],
)
async def test_a_client_plays_its_script(standin_for, script, told):
    """It goes before the issuer's; what comes after its end is for the clock to judge."""
    oauth = {
        "clients": [{"client_id": "robot", "script": script}],
        "issuers": [{"name": "a", "script": ("pending*9",)}],
    }
    standin = await standin_for(oauth=oauth)
    flow = await standin.begin("robot", issuer="a")
    assert await statuses(standin, flow, *[0] * len(told), client_id="robot", issuer="a") == told


async def test_a_script_approves_in_a_name_and_with_a_scope(standin_for):
    """Both stand in the token."""
    oauth = {"clients": [{"client_id": "robot", "script": ("approve testuser2 openid profile",)}]}
    standin = await standin_for(oauth=oauth)
    tokens = (await standin.poll(await standin.begin("robot"), "robot")).json()
    _, claims = await standin.verified(tokens["access_token"])
    assert (tokens["scope"], claims["scope"], claims["sub"]) == ("openid profile", "openid profile", "testuser2")


async def test_a_script_gives_no_more_than_was_asked_for(standin_for):
    """What it names beyond that is left out, as if a person could have granted it."""
    oauth = {"clients": [{"client_id": "robot", "script": ("approve testuser2 email admin openid",)}]}
    standin = await standin_for(oauth=oauth)
    tokens = (await standin.poll(await standin.begin("robot", scope="openid profile"), "robot")).json()
    assert tokens["scope"] == "openid"


async def test_the_script_of_a_seeded_client(standin_for, tmp_path):
    """It comes back from the database as it was written."""
    (tmp_path / "seed.toml").write_text('[[oauth.clients]]\nclient_id = "robot"\nscript = ["pending", "deny"]\n')
    standin = await standin_for(seed=str(tmp_path / "seed.toml"))
    flow = await standin.begin("robot")
    assert await statuses(standin, flow, 0, 0, client_id="robot") == ["authorization_pending", "access_denied"]


async def test_a_person_is_faster_than_the_script(standin_for):
    """What was decided holds; the rest of the script is not played."""
    standin = await standin_for(oauth={"issuers": [{"name": "a", "script": ("pending", "approve testuser1")}]})
    flow = await standin.begin(issuer="a")
    await standin.deny(flow)
    assert await statuses(standin, flow, 0, 0, issuer="a") == ["access_denied"] * 2


@pytest.mark.parametrize("polls", [0, 2])
async def test_auto_approve(standin_for, polls):
    """In the name of the user that is set, at the poll after so many others; the pace of those is judged as ever."""
    standin = await standin_for(oauth={"auto_approve": "testuser2", "auto_approve_polls": polls})
    flow = await standin.begin()
    assert await statuses(standin, flow, *[0] * polls) == ["authorization_pending", "slow_down"][:polls]
    tokens = (await standin.poll(flow)).json()
    _, claims = await standin.verified(tokens["id_token"])
    assert (claims["sub"], tokens["scope"]) == ("testuser2", EVERY_SCOPE)


async def test_a_script_goes_before_auto_approve(standin_for):
    """Until it is over."""
    oauth = {"auto_approve": "testuser2", "issuers": [{"name": "a", "script": ("pending", "slow_down")}]}
    standin = await standin_for(oauth=oauth)
    flow = await standin.begin(issuer="a")
    assert await statuses(standin, flow, 0, 0, 0, issuer="a") == ["authorization_pending", "slow_down", "token"]


async def test_guessing_device_codes_is_limited(standin):
    """After twenty unknown codes the address waits; codes that were issued are polled as ever (row SEC-04)."""
    flow, approved = await standin.begin(), await standin.begin()
    await standin.approve(approved)
    for number in range(20):
        refused(await standin.poll(f"{UNKNOWN}{number}"), 400, "invalid_grant")
    limited = await standin.poll(UNKNOWN)
    refused(limited, 429, "invalid_grant")
    assert int(limited.headers["retry-after"]) in (60, 61)
    refused(await standin.poll(flow), 400, "authorization_pending")
    assert (await standin.poll(approved)).status_code == 200
    refused(await standin.poll(UNKNOWN), 429, "invalid_grant")
    standin.advance(61)
    refused(await standin.poll(UNKNOWN), 400, "invalid_grant")


async def test_only_so_many_polls_are_listed(standin, monkeypatch):
    """The flow counts on, and is answered as before."""
    monkeypatch.setattr(device_flows, "MOST_POLLS_LISTED", 2)
    flow = await standin.begin()
    await statuses(standin, flow, 0, 5, 5)
    assert ((await standin.row(flow)).polls, len((await standin.rows())["device_polls"])) == (3, 2)


async def test_a_flow_that_somebody_else_has_taken_meanwhile(standin):
    """What a poll has read may be old: the database decides who is first, and the second one begins no grant."""
    flow = await standin.begin()
    await standin.approve(flow)
    row = await standin.row(flow)

    def work(server):
        grant = DeviceCode(None, server)
        return [grant._redeem(row) for _ in range(2)]

    exchange = Exchange(standin.parts, Issuer("", BASE), {"headers": []}, None)
    assert await in_transaction(exchange, work) == [True, False]
    assert len((await standin.rows())["oauth_grants"]) == 1
