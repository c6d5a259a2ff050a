"""The device calls: what is listed, what a decision does, what is refused and changes nothing, what is reported."""

import asyncio
from datetime import timedelta

import pytest

from app.oauth import device_flows
from app.oauth.report import REMARKS
from tests.control.conftest import DEVICE, decide, problem, wrong
from tests.oauth.driver import BASE, CONFIDENTIAL, DEVICE_CODE, EVERY_SCOPE, PUBLIC, SECRET, basic, refused

EXPIRES_AT = "2026-11-23T19:03:33.248700+00:00"
JSON = "application/json"
UNKNOWN = "No device flow has this user code, or it expired more than an hour ago."
ACTIONS = "must be approve, deny or expire"


def shown(flow, **changed):
    """Return a flow as the contract's shape has it, just begun at the clock's first instant."""
    return {
        "user_code": flow["user_code"],
        "client_id": PUBLIC,
        "scope": EVERY_SCOPE,
        "dialect": "rfc8628",
        "issuer": BASE,
        "status": "pending",
        "expires_at": EXPIRES_AT,
        "polls": 0,
        **changed,
    }


async def listed(standin, **query):
    """Return what a list holds."""
    answer = await standin.http.get(DEVICE, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON), answer.text
    return answer.json()


async def report(standin, flow):
    """Return the report on a flow."""
    answer = await standin.http.get(f"{DEVICE}/{flow['user_code']}/report")
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(**found):
    """Return the counts of a report: the remarks that were found, with underscores, and no others."""
    return {remark: found.get(remark.replace(" ", "_"), 0) for remark in REMARKS}


async def test_a_pending_flow_is_listed(standin):
    """The whole shape of design 2.7."""
    assert await listed(standin) == {"flows": []}
    flow = await standin.begin()
    assert await listed(standin) == {"flows": [shown(flow)]}


async def test_polls_are_counted(standin):
    """Every poll counts, too early or not."""
    flow = await standin.begin()
    for _ in range(3):
        await standin.poll(flow)
    assert await listed(standin) == {"flows": [shown(flow, polls=3)]}


async def test_each_status_has_its_list(standin):
    """The undecided ones are the default; an approval that nobody fetched in time is expired, as the client is told."""
    unfetched = await standin.begin()
    await standin.approve(unfetched)
    gone = await standin.begin()
    standin.advance(600)
    pending, approved, denied, redeemed = [await standin.begin() for _ in range(4)]
    await standin.approve(approved)
    await standin.deny(denied)
    await standin.approve(redeemed)
    await standin.poll(redeemed)
    codes = {"pending": [pending], "approved": [approved], "denied": [denied], "redeemed": [redeemed]}
    codes["expired"] = [unfetched, gone]

    found = {status: (await listed(standin, status=status))["flows"] for status in [*codes, "all"]}

    expected = {status: {flow["user_code"] for flow in flows} for status, flows in codes.items()}
    assert {status: {flow["user_code"] for flow in found[status]} for status in codes} == expected
    assert all(flow["status"] == status for status in codes for flow in found[status])
    assert {flow["user_code"] for flow in found["all"]} == set.union(*expected.values())
    assert (await listed(standin))["flows"] == found["pending"]


async def test_a_list_can_be_narrowed(standin):
    """By client and by issuer, whose URL is the one that the caller sees; the host in it does not matter."""
    plain, named = await standin.begin(), await standin.begin(issuer="a")
    other = await standin.begin(CONFIDENTIAL, issuer="b")
    shown_named = shown(named, issuer=f"{BASE}/issuers/a")
    shown_other = shown(other, issuer=f"{BASE}/issuers/b", client_id=CONFIDENTIAL)

    assert await listed(standin, client_id=CONFIDENTIAL) == {"flows": [shown_other]}
    for issuer in ("a", f"{BASE}/issuers/a", "https://elsewhere:8/issuers/a"):
        assert await listed(standin, issuer=issuer) == {"flows": [shown_named]}
    assert await listed(standin, issuer=BASE) == {"flows": [shown(plain)]}
    assert await listed(standin, issuer="a", client_id=CONFIDENTIAL) == {"flows": []}
    assert await listed(standin, issuer="nobody") == {"flows": []}


async def test_a_configured_issuer_is_shown(standin_for):
    """`oauth.issuer` stands in the list as it stands in tokens."""
    standin = await standin_for(oauth={"issuer": "https://login.example/base"})
    flow = await standin.begin(issuer="a")
    assert await listed(standin, issuer="https://login.example/base/issuers/a") == {
        "flows": [shown(flow, issuer="https://login.example/base/issuers/a")]
    }


@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_list_longer_than_a_page_of_the_store(standin_for, tmp_path, in_memory):
    """The oldest flow is the first, none is missing."""
    standin = await standin_for(database="sqlite://" if in_memory else f"sqlite:///{tmp_path / 'tms.db'}")
    codes = [f"BBBB{a}{b}{c}B" for a in "BCDFGHJK" for b in "BCDFGHJK" for c in "BCDFGHJK"] + ["CCCCCCCC"]
    start = standin.parts.clock.now()

    async def begin_all(transaction):
        for number, code in enumerate(codes):
            values = dict.fromkeys(("nonce", "simulator_hash", "script"))
            values |= dict.fromkeys(("resource", "address", "user_agent", "scope", "issuer"), "")
            created = start + timedelta(microseconds=number)
            expires_at = start + timedelta(seconds=600)
            await device_flows.begin(
                transaction,
                code,
                f"{number}",
                **values,
                client_id=PUBLIC,
                dialect="rfc8628",
                interval=5,
                created=created,
                expires_at=expires_at,
            )

    await standin.parts.store.write(begin_all)

    expected = [shown({"user_code": device_flows.displayed(code)}, scope="") for code in codes]
    assert await listed(standin) == {"flows": expected}


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        (
            {"status": "none"},
            "status",
            "must be 'undecided', 'pending', 'entered', 'approved', 'denied', 'redeemed', 'expired' or 'all'",
        ),
        ({"client_id": "a\0b"}, "client_id", "must be a text, neither empty nor with a NUL"),
        ({"client_id": ""}, "client_id", "must be a text, neither empty nor with a NUL"),
        ({"issuer": "a b"}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
        ({"issuer": "http://["}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
    ],
)
async def test_a_filter_that_means_nothing_is_named(standin, query, field, detail):
    """The parameter is told, its value is not repeated."""
    wrong(await standin.http.get(DEVICE, params=query), field, detail)


async def test_an_approval_logs_the_device_in(standin):
    """The flow comes back, and the next poll, early or not, gets a token in that user's name for all of the scope."""
    flow = await standin.begin()
    await standin.poll(flow)
    answer = await decide(standin, flow, action="approve", username="testuser2")
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert answer.json() == shown(flow, status="approved", polls=1)
    tokens = (await standin.poll(flow)).json()
    assert tokens["scope"] == EVERY_SCOPE
    _, claims = await standin.verified(tokens["id_token"])
    assert (claims["sub"], claims["auth_time"]) == ("testuser2", standin.now)


async def test_an_approval_may_grant_less(standin):
    """Each word of a reduced scope once, in the wished order; the token tells it (row TK-19)."""
    flow = await standin.begin(scope="openid profile email")
    answer = await decide(standin, flow, action="approve", username="testuser1", scope="email openid email")
    assert answer.json() == shown(flow, status="approved", scope="openid profile email")
    assert (await standin.poll(flow)).json()["scope"] == "email openid"


@pytest.mark.parametrize(
    ("action", "status", "error"), [("deny", "denied", "access_denied"), ("expire", "expired", "expired_token")]
)
async def test_the_other_ends_reach_the_device(standin, action, status, error):
    """A denied or expired flow is told at the next poll; username and scope may stand in the body all the same."""
    flow = await standin.begin()
    standin.advance(1)
    answer = await decide(standin, flow, action=action, username="testuser1", scope="openid")
    ended = {"expires_at": "2026-11-23T18:53:34.248700+00:00"} if action == "expire" else {}
    assert (answer.status_code, answer.json()) == (200, shown(flow, status=status, **ended))
    refused(await standin.poll(flow), 400, error)


@pytest.mark.parametrize("spelled", ["{}", " {} ", "{} .", "-{}"])
async def test_a_code_in_any_spelling(standin, spelled):
    """As a person may type it: lower case, without the dash, with spaces and dots (RFC 8628 6.1)."""
    flow = await standin.begin()
    typed = spelled.format(flow["user_code"].replace("-", " ").lower())
    answer = await decide(standin, {"user_code": typed}, action="deny")
    assert (answer.status_code, answer.json()) == (200, shown(flow, status="denied"))


@pytest.mark.parametrize("code", ["BBBB-BBBB", "%20", "aeiou", "BBBBBBBBB", "%00", "%F0%9F%98%80"])
@pytest.mark.parametrize("path", ["", "/report"])
async def test_an_unknown_code(standin, code, path):
    """404, and the flows that are there stay as they were."""
    await standin.begin()
    before = await standin.rows()
    method = "GET" if path else "POST"
    answer = await standin.http.request(method, f"{DEVICE}/{code}{path}", json={"action": "deny"})
    problem(answer, 404, "Not Found", UNKNOWN)
    assert await standin.rows() == before


@pytest.mark.parametrize(
    "wish", [{"action": "approve", "username": "nobody"}, {"action": "deny"}, {"action": "expire"}]
)
@pytest.mark.parametrize("status", ["approved", "denied", "redeemed", "expired"])
async def test_what_is_over_stays(standin, status, wish):
    """409 tells what the flow is already, whatever is wished; nothing changes."""
    flow = await standin.begin()
    if status in ("approved", "redeemed"):
        await standin.approve(flow)
    if status == "redeemed":
        await standin.poll(flow)
    if status == "denied":
        await standin.deny(flow)
    if status == "expired":
        standin.advance(600)
    before = await standin.rows()
    answer = await decide(standin, flow, **wish)
    problem(answer, 409, "Conflict", f"The flow is {status} already.", flow_status=status)
    assert await standin.rows() == before


async def test_an_approval_that_expired_cannot_be_decided_again(standin):
    """Nobody fetched it in time, so the flow is expired."""
    flow = await standin.begin()
    await standin.approve(flow)
    standin.advance(600)
    answer = await decide(standin, flow, action="deny")
    problem(answer, 409, "Conflict", "The flow is expired already.", flow_status="expired")


async def test_of_racing_decisions_one_wins(standin_for, tmp_path):
    """Twenty at once, on disk: one 200, nineteen 409, and the flow is what the winner was told."""
    standin = await standin_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    flow = await standin.begin()
    wishes = [{"action": "approve", "username": "testuser1"}, {"action": "deny"}] * 10
    answers = await asyncio.gather(*(decide(standin, flow, **wish) for wish in wishes))
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    told = {answer.json()["flow_status"] for answer in answers if answer.status_code == 409}
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert told == {won["status"]}
    assert await listed(standin, status="all") == {"flows": [won]}


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ('{"action": "approve"}', "username", "is missing"),
        ('{"action": "approve", "username": null}', "username", "must be a valid string"),
        ('{"action": "approve", "username": 5}', "username", "must be a valid string"),
        ('{"action": "approve", "username": ""}', "username", "must be a text, neither empty nor with a NUL"),
        ('{"action": "approve", "username": "a\\u0000"}', "username", "must be a text, neither empty nor with a NUL"),
        ('{"action": "approve", "username": "\\ud800"}', "username", "must be a text, neither empty nor with a NUL"),
        ('{"action": "approve", "username": "nobody"}', "username", "names nobody who can log in here"),
        (
            '{"action": "approve", "username": "testuser1", "scope": "openid admin"}',
            "scope",
            "must be part of what the device asked for: openid email",
        ),
        (
            '{"action": "approve", "username": "testuser1", "scope": "profile"}',
            "scope",
            "must be part of what the device asked for: openid email",
        ),
        (
            '{"action": "approve", "username": "testuser1", "scope": ""}',
            "scope",
            "must be words separated by one space",
        ),
        ('{"action": "deny", "scope": " openid"}', "scope", "must be words separated by one space"),
        ('{"action": "approve", "username": "testuser1", "scopes": "openid"}', "scopes", "is not known here"),
        ('{"action": "revoke"}', "action", ACTIONS),
        ('{"action": "\\ud800"}', "action", ACTIONS),
        ('{"action": null}', "action", ACTIONS),
        ("{}", "action", ACTIONS),
        ("[]", "body", "must be a JSON object"),
        ("null", "body", "must be a JSON object"),
        ("", "body", "is missing"),
    ],
)
async def test_a_wrong_body_is_named_and_changes_nothing(standin, body, field, detail):
    """422 with the field."""
    flow = await standin.begin(scope="openid email")
    before = await standin.rows()
    answer = await standin.raw(f"{DEVICE}/{flow['user_code']}", body.encode(), JSON)
    wrong(answer, field, detail)
    assert await standin.rows() == before


async def test_a_client_that_keeps_pace_is_correct(standin):
    """The whole report: gaps against the allowed ones (row TK-21)."""
    flow = await standin.begin()
    standin.advance(5)
    await standin.poll(flow)
    standin.advance(5.25)
    await standin.approve(flow)
    await standin.poll(flow)
    assert await report(standin, flow) == {
        "user_code": flow["user_code"],
        "client_id": PUBLIC,
        "status": "redeemed",
        "verdict": "correct",
        "counts": counts(),
        "warnings": [],
        "seconds_after_previous_flow": None,
        "seconds_after_failure": None,
        "polls_made": 2,
        "polls_not_listed": 0,
        "polls": [
            {
                "number": 1,
                "at": "2026-11-23T18:53:38.248700+00:00",
                "gap_seconds": None,
                "allowed_seconds": None,
                "answer": "authorization_pending",
                "remarks": [],
            },
            {
                "number": 2,
                "at": "2026-11-23T18:53:43.498700+00:00",
                "gap_seconds": 5.25,
                "allowed_seconds": 5.0,
                "answer": "token",
                "remarks": [],
            },
        ],
    }


async def test_a_flow_that_nobody_polls_is_silent(standin):
    """So far: the next poll changes it. Reading the report is no poll."""
    flow = await standin.begin()
    before = await standin.rows()
    assert (await report(standin, flow))["verdict"] == "silent"
    assert await standin.rows() == before
    await standin.poll(flow)
    assert (await report(standin, flow))["verdict"] == "correct"


async def test_a_client_that_ignores_slow_down_is_deaf(standin):
    """Each slow_down adds five seconds for good (row TK-21); the report has the interval that the client was told."""
    flow = await standin.begin()
    for wait in (0, 2, 5, 15):
        standin.advance(wait)
        await standin.poll(flow)
    found = await report(standin, flow)
    assert [(poll["allowed_seconds"], poll["answer"], poll["remarks"]) for poll in found["polls"]] == [
        (None, "authorization_pending", []),
        (5, "slow_down", ["too early"]),
        (10, "slow_down", ["too early", "slow_down ignored"]),
        (15, "authorization_pending", []),
    ]
    assert (found["verdict"], found["counts"]) == ("deaf", counts(too_early=2, slow_down_ignored=1))


async def test_a_client_that_does_not_stop_is_relentless(standin):
    """Polls after a final answer are counted (row TK-22)."""
    flow = await standin.begin()
    await standin.deny(flow)
    for _ in range(3):
        standin.advance(5)
        refused(await standin.poll(flow), 400, "access_denied")
    found = await report(standin, flow)
    assert (found["status"], found["verdict"], found["counts"]) == (
        "denied",
        "relentless",
        counts(after_a_final_answer=2),
    )


async def test_a_client_that_learns_of_the_expiry_and_stops_is_correct(standin):
    """expired_token exists to be heard once."""
    flow = await standin.begin()
    await decide(standin, flow, action="expire")
    refused(await standin.poll(flow), 400, "expired_token")
    found = await report(standin, flow)
    assert (found["status"], found["verdict"], found["counts"]) == ("expired", "correct", counts(after_expiry=1))
    standin.advance(5)
    await standin.poll(flow)
    assert (await report(standin, flow))["verdict"] == "relentless"


async def test_parameters_in_the_query_are_told(standin):
    """What oauthlib's prepare_request_uri does (row X-13)."""
    flow = await standin.begin()
    asked = {"grant_type": DEVICE_CODE, "device_code": flow["device_code"], "client_id": PUBLIC}
    refused(await standin.http.post("/oauth2/token", params=asked), 400, "invalid_request")
    found = await report(standin, flow)
    assert (found["verdict"], found["counts"]) == ("malformed", counts(parameters_in_the_query=1))
    assert [(poll["answer"], poll["remarks"]) for poll in found["polls"]] == [
        ("invalid_request", ["parameters in the query"])
    ]


async def test_two_ways_of_authentication_and_a_shipped_secret_are_told(standin):
    """The verdict names the first, a warning the second (row SEC-08)."""
    flow = await standin.begin(CONFIDENTIAL)
    headers = basic(CONFIDENTIAL, SECRET)
    refused(await standin.poll(flow, CONFIDENTIAL, headers=headers), 400, "invalid_request")
    found = await report(standin, flow)
    assert (found["verdict"], found["counts"]) == ("malformed", counts(two_ways_of_authentication=1))
    assert found["warnings"] == [
        f"{CONFIDENTIAL} is a confidential client: a secret that is shipped in a device is no secret (RFC 8628 5.6)."
    ]


async def test_a_flow_right_after_a_failure_is_told(standin):
    """The client's own flows of the same issuer count, the last one before this (rows DA-11, TK-24)."""
    first = await standin.begin()
    standin.advance(60)
    failed = await standin.begin()
    await standin.deny(failed)
    standin.advance(5)
    await standin.poll(failed)
    await standin.begin(CONFIDENTIAL)
    await standin.begin(issuer="a")
    standin.advance(1.5)
    again = await standin.begin()
    standin.advance(1)
    await standin.begin()

    found = await report(standin, again)
    assert (found["seconds_after_previous_flow"], found["seconds_after_failure"]) == (6.5, 1.5)
    warning = (
        "The flow was started 1.5 s after the client's previous one had failed: "
        "only a person's wish should start one (RFC 8628 3.1)."
    )
    assert found["warnings"] == [warning]
    found = await report(standin, first)
    assert (found["seconds_after_previous_flow"], found["seconds_after_failure"], found["warnings"]) == (None, None, [])


async def test_a_client_that_is_gone_is_reported_all_the_same(standin_for):
    """A client of tms.toml whose flow outlived it, as after a restart."""
    standin = await standin_for(oauth={"clients": [{"client_id": "gone"}]})
    flow = await standin.begin("gone")
    standin.parts.registry._clients.clear()
    found = await report(standin, flow)
    assert (found["client_id"], found["warnings"]) == ("gone", [])
