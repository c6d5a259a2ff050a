"""The device calls over Tapis flows (design 2.6, 2.7): listed, decided by the exact code, reported."""

import pytest

from app.oauth.report import REMARKS
from tests.control.conftest import DEVICE, decide, problem, wrong
from tests.oauth.driver import BASE
from tests.tapis.driver import (
    CLI,
    GONE,
    NOT_READY,
    NOT_VALID,
    OTHERS,
    TENANTS,
    begin,
    consent,
    enter,
    log_in,
    poll,
    refused,
)  # fmt: skip

EXPIRES_AT = "2026-11-23T19:03:33+00:00"


def shown(flow, **changed):
    """Return a flow as the contract's shape has it, its code as it is typed."""
    return {
        "user_code": flow["user_code"],
        "client_id": CLI,
        "scope": "",
        "dialect": "tapis",
        "issuer": f"{BASE}/v3/oauth2",
        "status": "pending",
        "expires_at": EXPIRES_AT,
        "polls": 0,
        **changed,
    }


async def listed(standin, **query):
    """Return what a list holds."""
    answer = await standin.http.get(DEVICE, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["flows"]


async def entered(standin):
    """Return a flow whose code testuser1 has entered."""
    flow = await begin(standin)
    await log_in(standin)
    await enter(standin, flow)
    return flow


async def test_both_dialects_are_listed(standin):
    """One state machine; an entered code is undecided too."""
    rfc = await standin.begin()
    standin.advance(1)
    tapis = await entered(standin)
    await poll(standin, tapis)
    found = await listed(standin)
    later = {"expires_at": "2026-11-23T19:03:34+00:00", "polls": 1, "status": "entered"}
    assert [flow["dialect"] for flow in found] == ["rfc8628", "tapis"]
    assert found[1] == shown(tapis, **later)
    assert await listed(standin, status="entered") == [found[1]]
    assert await listed(standin, status="pending") == [found[0]]
    assert found[0]["user_code"] == rfc["user_code"]


async def test_the_issuer_of_a_tenant(standin_for):
    """Seen and asked for by URL, or by name."""
    standin = await standin_for(**TENANTS, oauth={"issuer": "https://login.example"})
    dev, other = await begin(standin), await begin(standin, "othercli", OTHERS)
    url = f"{BASE}{OTHERS}/v3/oauth2"
    of_other = [shown(other, client_id="othercli", issuer=url)]
    for issuer in (
        url,
        "https://elsewhere:8/tenants/other/v3/oauth2",
        "https://other.example/v3/oauth2",
        "tapis/other",
    ):
        assert await listed(standin, issuer=issuer) == of_other
    for issuer in (f"{BASE}/v3/oauth2", "tapis/dev"):
        assert await listed(standin, issuer=issuer) == [shown(dev)]
    assert await listed(standin, issuer="https://login.example") == []
    answer = await standin.http.get(DEVICE, headers={"host": "other.example"})
    assert {flow["issuer"] for flow in answer.json()["flows"]} == {
        "http://other.example/v3/oauth2",
        "http://other.example/tenants/dev/v3/oauth2",
    }


@pytest.mark.parametrize("make", [begin, entered])
async def test_an_approval(standin, make):
    """The 30 days of the consent page, in the name that is told."""
    flow = await make(standin)
    answer = await decide(standin, flow, action="approve", username="testuser2")
    assert (answer.status_code, answer.json()) == (200, shown(flow, status="approved"))
    made = (await poll(standin, flow)).json()["result"]["access_token"]
    assert made["expires_in"] == 2_592_000
    answer = await standin.http.get("/v3/oauth2/userinfo", headers={"x-tapis-token": made["access_token"]})
    assert answer.json()["result"]["username"] == "testuser2"
    problem(
        await decide(standin, flow, action="deny"),
        409,
        "Conflict",
        "The flow is redeemed already.",
        flow_status="redeemed",
    )


async def test_a_denial(standin):
    """The code is gone."""
    flow = await entered(standin)
    assert (await decide(standin, flow, action="deny")).json() == shown(flow, status="denied")
    refused(await poll(standin, flow), NOT_VALID)
    refused(await consent(standin, flow), "The device code is not waiting for a consent any more.")


@pytest.mark.parametrize(("strict", "message"), [(False, NOT_READY), (True, GONE)])
async def test_an_expiry(standin_for, strict, message):
    """Past its expiry and its grace: the trap, unless strict."""
    standin = await standin_for(strict=strict)
    flow = await begin(standin)
    answer = await decide(standin, flow, action="expire")
    ended = "2026-11-23T18:53:21.248700+00:00"
    assert (answer.status_code, answer.json()) == (200, shown(flow, status="expired", expires_at=ended))
    refused(await poll(standin, flow), message)
    assert await listed(standin) == []


async def test_the_letters_of_a_code_count(standin):
    """Another spelling is another code; nothing changes."""
    flow = await begin(standin)
    before = await standin.rows()
    for typed in (
        flow["user_code"].swapcase(),
        f"{flow['user_code'][:4]}-{flow['user_code'][4:]}",
        flow["user_code"] + ".",
    ):
        assert (await decide(standin, {"user_code": typed}, action="deny")).status_code == 404
    assert await standin.rows() == before


async def test_the_users_of_the_tenant(standin_for):
    """Who can log in there; no scope can be granted, for none was asked for."""
    standin = await standin_for(**TENANTS)
    flow = await begin(standin, "othercli", OTHERS)
    before = await standin.rows()
    wish = {"action": "approve", "username": "testuser1"}
    wrong(await decide(standin, flow, **wish), "username", "names nobody who can log in here")
    wish = {"action": "approve", "username": "carol"}
    assert (await decide(standin, flow, **wish, scope="openid")).status_code == 422
    assert await standin.rows() == before
    assert (await decide(standin, flow, **wish)).json()["status"] == "approved"
    assert (await poll(standin, flow, "othercli", OTHERS)).status_code == 200


async def report(standin, flow):
    """Return the report on a flow."""
    answer = await standin.http.get(f"{DEVICE}/{flow['user_code']}/report")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_report(standin_for):
    """Nobody is told an interval, so nobody is hasty; no device shows a key, so nobody is warned of one."""
    standin = await standin_for(oauth={"clients": [{"client_id": "keyed", "client_secret": "k"}]})
    flow = await begin(standin, "keyed")
    await poll(standin, flow, "keyed")
    standin.advance(3)
    await decide(standin, flow, action="approve", username="testuser1")
    await poll(standin, flow, "keyed")
    answers = [
        (NOT_READY, "2026-11-23T18:53:33.248700+00:00", None),
        ("token", "2026-11-23T18:53:36.248700+00:00", 3.0),
    ]
    assert await report(standin, flow) == {
        "user_code": flow["user_code"],
        "client_id": "keyed",
        "status": "redeemed",
        "verdict": "correct",
        "counts": dict.fromkeys(REMARKS, 0),
        "warnings": [],
        "seconds_after_previous_flow": None,
        "seconds_after_failure": None,
        "polls_made": 2,
        "polls_not_listed": 0,
        "polls": [
            {
                "number": number,
                "at": at,
                "gap_seconds": gap,
                "allowed_seconds": gap and 0.0,
                "answer": text,
                "remarks": [],
            }
            for number, (text, at, gap) in enumerate(answers, 1)
        ],
    }


@pytest.mark.parametrize("action", ["deny", "approve"])
async def test_a_client_that_does_not_stop(standin, action):
    """Every answer but `device code not ready.` is a Tapis client's last."""
    flow = await begin(standin)
    await decide(standin, flow, action=action, **({"username": "testuser1"} if action == "approve" else {}))
    for _ in range(2):
        await poll(standin, flow)
    found = await report(standin, flow)
    assert (found["verdict"], found["counts"]["after a final answer"]) == ("relentless", 1)
