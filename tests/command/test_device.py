"""`device`: decisions on real flows of a real server."""

import json
from http import HTTPStatus

import pytest

from app.remote.calls import Server as Target

UNUSABLE = f"422 {HTTPStatus(422).phrase}"  # Its name has changed between versions of Python.
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def flow(server):
    """Begin a device flow and return its answer."""
    answer = Target(server.url)(
        "POST", "/oauth2/device_authorization", FORM, b"client_id=device-public&scope=openid profile"
    )
    return json.loads(answer.body)


def line(control, status, scope="openid profile"):
    """Return the line for the one flow that there is, whose status must be this."""
    (shown,) = control.device.list(status=status)
    return f"{shown['user_code']:<10} {status:<9} device-public (rfc8628), scope {scope}, until {shown['expires_at']}\n"


def test_list(flow, run, control):
    """Waiting flows are printed, or those of the status that is named."""
    waiting = line(control, "pending")
    assert run("device", "list") == (0, waiting, "")
    assert run("device", "list", "--status", "approved") == (0, "", "")
    assert waiting.startswith(flow["user_code"])


def test_approve(flow, server, run, control):
    """The device gets its tokens, in the name of the user that is named, for the scope that is named."""
    done = run("device", "approve", flow["user_code"].lower(), "--user", "testuser2", "--scope", "openid")
    assert done == (0, line(control, "approved"), "")
    body = f"client_id=device-public&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={flow['device_code']}"
    tokens = json.loads(Target(server.url)("POST", "/oauth2/token", FORM, body.encode()).body)
    assert tokens["scope"] == "openid"


@pytest.mark.parametrize(("action", "status"), [("approve", "approved"), ("deny", "denied"), ("expire", "expired")])
def test_decide_once(flow, run, control, action, status):
    """Each decision shows the flow; a second one is refused with the control plane's sentence and changes nothing."""
    assert run("device", action, flow["user_code"]) == (0, line(control, status), "")
    assert run("device", "deny", flow["user_code"]) == (2, "", f"409 Conflict: The flow is {status} already.\n")
    assert line(control, status)


@pytest.mark.usefixtures("server")
def test_an_unknown_code(run):
    """It is named as such."""
    sentence = "404 Not Found: No device flow has this user code, or it expired more than an hour ago.\n"
    assert run("device", "approve", "AB?") == (2, "", sentence)


def test_an_unknown_user(flow, run, control):
    """Nobody is logged in, and the flow waits on."""
    sentence = f"{UNUSABLE}: username names nobody who can log in here.\n"
    assert run("device", "approve", flow["user_code"], "--user", "nobody") == (2, "", sentence)
    assert line(control, "pending")


def test_a_flow_without_scope(server, run, control):
    """That it has none is said."""
    Target(server.url)("POST", "/oauth2/device_authorization", FORM, b"client_id=device-public")
    status, output, _ = run("device", "list")
    assert status == 0
    assert output == line(control, "pending", control.device.list()[0]["scope"] or "none")
