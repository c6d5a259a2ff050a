"""Each method against a real stand-in; what the control plane decides is its own tests' business."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.remote.refusals import CallRefused

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INSTANT = datetime(2030, 1, 1, tzinfo=UTC)


def begin(child):
    """Begin a device flow and return its user code."""
    body = b"client_id=device-public&scope=openid profile"
    return json.loads(child.server("POST", "/oauth2/device_authorization", FORM, body).body)["user_code"]


def test_ready_and_reset(control):
    """Readiness is silent; a reset names the seed."""
    assert control.ready() is None
    assert control.reset() == "standard"
    assert control.reset("empty") == "empty"
    with pytest.raises(CallRefused, match="seed cannot be planted"):
        control.reset("nosuch")


def test_clock(control):
    """Frozen where it is or at an instant, moved on, running ahead, right again."""
    still = control.clock.freeze()
    assert control.clock.now() == still
    assert control.clock.freeze(INSTANT) == INSTANT
    assert control.clock.freeze("2030-01-01T00:00:00Z") == INSTANT
    assert control.clock.advance(90) == control.clock.now() == INSTANT + timedelta(seconds=90)
    ahead = control.clock.offset(86_400)
    assert ahead - control.clock.real() > timedelta(hours=23)
    with pytest.raises(CallRefused) as refused:
        control.clock.advance(-1)
    assert (refused.value.status, set(refused.value.fields)) == (422, {"seconds"})


def test_device(control, child):
    """Every decision, in the name of whom and for what was wished."""
    first, second, third = (begin(child) for _ in range(3))
    assert [flow["user_code"] for flow in control.device.list()] == [first, second, third]
    assert control.device.approve(first, username="testuser2", scope="openid")["status"] == "approved"
    assert control.device.deny(second)["status"] == "denied"
    assert control.device.expire(third)["status"] == "expired"
    assert control.device.list() == []
    assert [flow["user_code"] for flow in control.device.list(status="denied")] == [second]
    with pytest.raises(CallRefused) as refused:
        control.device.approve(first)
    assert refused.value.status == 409


def test_snapshots(control):
    """Saved, listed, downloaded, taken in under another name, restored and forgotten."""
    control.snapshots.save("one")
    content = control.snapshots.download("one")
    assert content.startswith(b"SQLite format 3\0")
    control.snapshots.upload("two", content)
    assert [(kept["name"], kept["bytes"]) for kept in control.snapshots.list()] == [
        ("one", len(content)),
        ("two", len(content)),
    ]
    control.snapshots.restore("two")
    control.snapshots.delete("one")
    control.snapshots.delete("two")
    assert control.snapshots.list() == []
    with pytest.raises(CallRefused, match="There is no snapshot called one"):
        control.snapshots.restore("one")


def test_settings(control):
    """Changed ones come back with all others; a reset takes them back on request."""
    changed = control.settings.set(quirks="real", tapis={"race": True})
    assert (changed["quirks"], changed["tapis"], changed["strict"]) == ("real", {"race": True}, False)
    assert control.settings.get() == changed
    control.reset()
    assert control.settings.get() == changed
    control.reset(settings=True)
    assert control.settings.get()["quirks"] == "intended"
    with pytest.raises(CallRefused, match="nosuch"):
        control.settings.set(nosuch=1)


def test_journal(control, child):
    """It notes what happens while it is on; entries are filtered, waited for and forgotten."""
    child.server("GET", "/v1/tms/version", {})
    assert control.journal.entries() == []
    control.journal.on()
    child.server("GET", "/v1/tms/version", {})
    child.server("GET", "/v1/tms/nothing", {})
    assert [entry["status"] for entry in control.journal.entries(wait=2, timeout=5)] == [200, 404]
    assert [entry["path"] for entry in control.journal.entries(status=200)] == ["/v1/tms/version"]
    control.journal.off()
    control.journal.clear()
    child.server("GET", "/v1/tms/version", {})
    assert control.journal.entries() == []


def test_faults(control, child):
    """Rules, then a scenario, then none."""
    rule = {"operation": "GET /v1/tms/version", "do": {"status": 503}}
    assert control.faults.set([rule], seed=1)["seed"] == 1
    assert len(control.faults.get()["rules"]) == 1
    assert child.server("GET", "/v1/tms/version", {}).status == 503
    control.faults.scenario("hang-0.1.0")
    assert child.server("GET", "/v1/tms/version", {}).status == 200
    control.faults.set([rule])
    control.faults.clear()
    assert child.server("GET", "/v1/tms/version", {}).status == 200
    with pytest.raises(CallRefused):
        control.faults.scenario("nosuch")
