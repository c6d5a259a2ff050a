"""The state machine of a device flow alone: who decides, who is first, what is remembered."""

from datetime import timedelta

import pytest

from app.oauth import device_flows
from app.oauth.device_flows import Decision, displayed, hash_of_code, normalized, status_of


async def changed(standin, flow, name, *arguments):
    """Run one of the module's writes on a flow."""
    row, now = await standin.row(flow), standin.parts.clock.now()
    work = getattr(device_flows, name)
    return await standin.parts.store.write(
        lambda write: work(write, row, *arguments, *([] if name == "redeem" else [now]))
    )


async def state(standin, flow):
    """Return the state of a flow."""
    return status_of(await standin.row(flow), standin.parts.clock.now())


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("WDJB-MJHT", "WDJBMJHT"),
        ("wdjbmjht", "WDJBMJHT"),
        (" wdjb.mjht ", "WDJBMJHT"),
        ("W D J B M J H T", "WDJBMJHT"),
        ("w\u200bdjb\u2014mjht\n", "WDJBMJHT"),
        ("", ""),
        ("0OIAEU1-", ""),
    ],
)
def test_a_code_as_people_type_it(typed, stored):
    """Upper case, without punctuation, blanks and what is outside the alphabet (rows UI-13 to UI-15)."""
    assert normalized(typed) == stored


def test_a_code_as_people_read_it():
    """Two groups of four letters, and what is typed from it is the same."""
    assert (displayed("WDJBMJHT"), normalized(displayed("WDJBMJHT"))) == ("WDJB-MJHT", "WDJBMJHT")


def test_the_alphabet():
    """RFC 8628 6.1's twenty letters: no vowel, no look-alike, 34.6 bits in eight of them (rows UI-16, SEC-02)."""
    assert device_flows.ALPHABET == "BCDFGHJKLMNPQRSTVWXZ"
    assert len(device_flows.ALPHABET) ** device_flows.CODE_LENGTH > 2**34


def test_what_is_stored_of_a_code():
    """Its SHA-256 (FIPS 180-4's example)."""
    assert hash_of_code("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


async def test_the_first_decision_holds(standin):
    """Approve and deny, in either order (row TK-12)."""
    for first, second, status in ((True, False, "approved"), (False, True, "denied")):
        flow = await standin.begin()
        assert await changed(standin, flow, "decide", Decision(first, "testuser1")) is True
        before = await standin.row(flow)
        assert await changed(standin, flow, "decide", Decision(second, "testuser2")) is False
        assert await changed(standin, flow, "expire") is False
        assert (await standin.row(flow), await state(standin, flow)) == (before, status)


async def test_what_a_decision_stores(standin):
    """Who, what, when; what was granted is what was asked for unless less was."""
    flow = await standin.begin(scope="openid profile")
    standin.advance(3)
    now = standin.parts.clock.now()
    earlier = now - timedelta(seconds=2)
    before = await standin.row(flow)
    await changed(standin, flow, "decide", Decision(True, "testuser2", "openid", earlier))
    assert await standin.row(flow) == before._replace(
        status="approved", username="testuser2", granted_scope="openid", authenticated_at=earlier, decided_at=now
    )
    other = await standin.begin(scope="openid profile")
    await changed(standin, other, "decide", Decision(True, "testuser2"))
    row = await standin.row(other)
    assert (row.granted_scope, row.authenticated_at) == ("openid profile", now)


async def test_expiry_by_decision(standin):
    """The flow ends now; nobody can decide it into a token any more."""
    flow = await standin.begin()
    before = await standin.row(flow)
    assert await changed(standin, flow, "expire") is True
    assert await standin.row(flow) == before._replace(expires_at=standin.parts.clock.now())
    assert await state(standin, flow) == "expired"
    await changed(standin, flow, "decide", Decision(True, "testuser1"))
    assert await state(standin, flow) == "expired"


async def test_only_an_approved_flow_is_redeemed(standin):
    """Once."""
    pending, denied, approved = [await standin.begin() for _ in range(3)]
    await standin.deny(denied)
    await standin.approve(approved)
    assert [await changed(standin, flow, "redeem", "g") for flow in (pending, denied, approved, approved)] == [
        *(False, False, True, False)
    ]
    assert [await state(standin, flow) for flow in (pending, denied, approved)] == ["pending", "denied", "redeemed"]


async def test_the_state_follows_the_clock(standin):
    """At its end a flow that is pending or approved is expired; what ended otherwise stays so (rows DA-17, TK-11)."""
    flows = {name: await standin.begin() for name in ("pending", "approved", "denied", "redeemed")}
    await standin.deny(flows["denied"])
    for name in ("approved", "redeemed"):
        await standin.approve(flows[name])
    await standin.poll(flows["redeemed"])
    standin.advance(599.9)
    assert {name: await state(standin, flow) for name, flow in flows.items()} == {name: name for name in flows}
    standin.advance(0.1)
    assert {name: await state(standin, flow) for name, flow in flows.items()} == {
        "pending": "expired",
        "approved": "expired",
        "denied": "denied",
        "redeemed": "redeemed",
    }


async def test_the_polls_of_a_flow(standin):
    """Each with its gap and what was allowed, which is what the client had been told (row TK-21)."""
    flow = await standin.begin()
    for gap in (3, 5, 2.5, 600):
        standin.advance(gap)
        await standin.poll(flow)
    polls = [
        (poll.number, poll.gap_milliseconds, poll.allowed_milliseconds, poll.answer, poll.remarks)
        for poll in (await standin.rows())["device_polls"]
    ]
    assert polls == [
        (0, None, None, "authorization_pending", ""),
        (1, 5000, 5000, "authorization_pending", ""),
        (2, 2500, 5000, "slow_down", ""),
        (3, 600_000, 10_000, "expired_token", ""),
    ]


async def test_a_taken_code(standin):
    """The flow that has it stays as it is, and the second one is not stored."""
    flow = await standin.begin()
    row = await standin.row(flow)
    names = ("issuer", "dialect", "client_id", "scope", "resource", "nonce", "address", "user_agent", "interval")
    values = {name: getattr(row, name) for name in (*names, "created", "expires_at", "script", "simulator_hash")}
    begun = await standin.parts.store.write(lambda write: device_flows.begin(write, row.user_code, "other", **values))
    assert (begun, (await standin.rows())["device_flows"]) == (False, [row])
