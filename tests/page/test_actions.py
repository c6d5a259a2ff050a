"""The page's forms do what the calls of the control plane do, and show what those refuse."""

from types import SimpleNamespace

import pytest

from tests.control.conftest import DEVICE
from tests.page.conftest import alerts, control, do, done, section

SNAPSHOT_NAME = "name must be up to 64 letters, digits, dots, dashes and underscores, the first a letter or a digit."


async def refused(standin, form, place, sentence, status=422, /, **fields):
    """Post a form that is refused: its section tells the sentence, and the page is there as before."""
    answer = await do(standin, form, **fields)
    assert (answer.status_code, alerts(answer)) == (status, [sentence])
    assert sentence.split()[0] in section(answer, place)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_modes(standin):
    """Each of them, as PATCH settings."""
    for name, value in (("strict", "true"), ("enable_mvp", "true"), ("quirks", "real"), ("wire_version", "0.1.0")):
        done(await do(standin, "mode", name=name, value=value), f"{name} is {value} now.", "modes")
    done(await do(standin, "mode", name="tapis.race", value="true"), "tapis.race is true now.", "modes")
    modes = standin.parts.modes
    assert (modes.strict, modes.enable_mvp, modes.quirks, modes.wire_version, modes.race) == (
        *(True, True, "real", "0.1.0", True),
    )
    before = await control(standin, "/settings")
    await refused(standin, "mode", "modes", "wire_version must be '0.3.0' or '0.1.0'.", name="wire_version", value="9")
    await refused(standin, "mode", "modes", "nope is not known here.", name="nope", value="true")
    assert await control(standin, "/settings") == before


async def test_the_clock(client):
    """Freeze, advance, run; the fields that were typed stay where they are refused."""
    standin = SimpleNamespace(http=client)
    done(await do(standin, "clock", action="freeze", now="2026-12-01T08:00"), "The clock stands still.", "clock")
    assert await control(standin, "/clock") == {
        "mode": "frozen",
        "now": "2026-12-01T08:00:00+00:00",
        "offset_seconds": 0,
    }
    done(await do(standin, "clock", action="advance", amount="1.5", unit="60"), "The clock has moved on.", "clock")
    assert (await control(standin, "/clock"))["now"] == "2026-12-01T08:01:30+00:00"
    for amount in ("", "abc", "1.2.3", "\u00b2"):
        await refused(
            standin, "clock", "clock", "seconds must be a valid number.", action="advance", amount=amount, unit="60"
        )
    await refused(standin, "clock", "clock", "mode must be real, frozen or offset.", action="stop")
    assert (await control(standin, "/clock"))["now"] == "2026-12-01T08:01:30+00:00"
    done(await do(standin, "clock", action="freeze", now=""), "The clock stands still.", "clock")
    done(await do(standin, "clock", action="real"), "The clock runs with the system's.", "clock")
    assert (await control(standin, "/clock"))["mode"] == "real"


async def test_device_codes(standin):
    """Approve as somebody, deny, expire; a second decision is refused."""
    flows = {action: await standin.begin() for action in ("approve", "deny", "expire")}
    for action, flow in flows.items():
        code = flow["user_code"]
        words = {"approve": "approved", "deny": "denied", "expire": "expired"}[action]
        answer = await do(standin, "device", user_code=code, action=action, username="testuser2")
        done(answer, f"{code} is {words}.", "device")
    row = await standin.row(flows["approve"])
    assert (row.status, row.username) == ("approved", "testuser2")
    code = flows["deny"]["user_code"]
    sentence = "The flow is denied already."
    await refused(standin, "device", "device", sentence, 409, user_code=code, action="approve", username="testuser1")
    left = await standin.begin()
    sentence = "username names nobody who can log in here."
    await refused(standin, "device", "device", sentence, user_code=left["user_code"], action="approve", username="x")
    sentence = "No device flow has this user code, or it expired more than an hour ago."
    await refused(standin, "device", "device", sentence, 404, user_code="a/report?x=#", action="deny")
    assert [flow["user_code"] for flow in (await standin.http.get(DEVICE)).json()["flows"]] == [left["user_code"]]


async def test_snapshots(standin):
    """Save, restore, delete; a name that is none is refused."""
    done(await do(standin, "snapshot", action="save", name="one"), "one is saved.", "snapshots")
    await standin.begin()
    done(await do(standin, "snapshot", action="restore", name="one"), "one is restored.", "snapshots")
    assert (await standin.http.get(DEVICE)).json() == {"flows": []}
    for name in ("", "../one", "a b"):
        await refused(standin, "snapshot", "snapshots", SNAPSHOT_NAME, action="save", name=name)
    sentence = "There is no snapshot called two; GET snapshots lists all of them."
    await refused(standin, "snapshot", "snapshots", sentence, 404, action="restore", name="two")
    assert [each["name"] for each in (await control(standin, "/snapshots"))["snapshots"]] == ["one"]
    done(await do(standin, "snapshot", action="delete", name="one"), "one is deleted.", "snapshots")
    assert await control(standin, "/snapshots") == {"snapshots": []}


async def test_faults(standin):
    """Rules are added to those that are there, seed and all; a scenario takes their place, a rule the scenario's."""
    await standin.http.put("/_standin/faults", json={"seed": 7, "rules": [{"do": {"delay_ms": 1}}]})
    answer = await do(standin, "rule", operation="get_version", deed="status", value="503", every="2")
    done(answer, "The rule is set.", "faults")
    done(await do(standin, "rule", operation="", deed="hang", value="503", every=""), "The rule is set.", "faults")
    rules = [
        {"do": {"delay_ms": 1}},
        {"operation": "get_version", "every": 2, "do": {"status": 503}},
        {"do": {"hang": True}},
    ]
    expected = {"seed": 7, "rules": [{**rule, "matched": 0, "struck": 0} for rule in rules]}
    assert await control(standin, "/faults") == expected
    sentence = "rules.3.do.delay_ms must be milliseconds, above 0, 3600000 at most."
    await refused(standin, "rule", "faults", sentence, deed="delay_ms", value="soon")
    assert await control(standin, "/faults") == expected
    done(await do(standin, "scenario", scenario="dev-server"), "The scenario dev-server is on.", "faults")
    sentence = 'scenario must be "hang-0.1.0" or "dev-server".'
    await refused(standin, "scenario", "faults", sentence, scenario="none")
    assert (await control(standin, "/faults"))["scenario"] == "dev-server"
    done(await do(standin, "rule", deed="close"), "The rule is set.", "faults")
    assert [rule["do"] for rule in (await control(standin, "/faults"))["rules"]] == [{"close": True}]
    done(await do(standin, "clear-faults"), "No fault is set.", "faults")
    assert await control(standin, "/faults") == {"rules": []}


async def test_the_journal(standin):
    """On, emptied, off."""
    done(await do(standin, "journal", value="true"), "The journal is on now.", "requests")
    await standin.http.get("/v1/tms/version")
    assert len((await control(standin, "/journal"))["entries"]) == 1
    done(await do(standin, "empty-journal"), "The journal is empty.", "requests")
    assert (await control(standin, "/journal"))["entries"] == []
    await refused(standin, "journal", "requests", "journal must be a valid boolean.", value="maybe")
    assert standin.parts.steering.state.journal
    done(await do(standin, "journal", value="false"), "The journal is off now.", "requests")
    assert not standin.parts.steering.state.journal


@pytest.mark.parametrize(("fields", "strict"), [({}, True), ({"settings": "on"}, False)])
async def test_a_reset(standin, fields, strict):
    """Rows, and the modes where they are asked for."""
    await standin.begin()
    await do(standin, "mode", name="strict", value="true")
    done(await do(standin, "reset", **fields), "Everything is back to the seed.", "traffic")
    assert (await standin.http.get(DEVICE)).json() == {"flows": []}
    assert standin.parts.modes.strict is strict
