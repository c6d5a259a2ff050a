"""The project's own code against the stand-in; both have a package that somebody called app."""

import app
from app.keys import make_key


def test_own_code(tms, monkeypatch):
    """It finds the stand-in by the variables, as a command-line tool does."""
    for name, value in tms.env.items():
        monkeypatch.setenv(name, value)
    assert make_key().startswith("ssh-ed25519 ")


def test_own_package_is_imported():
    """The wheel has brought no package called app."""
    assert app.__doc__.startswith("This project's own package")


def test_device_flow(tms, tms_control):
    """A login, approved by one call, at the pace that the ini file sets."""
    flow = tms.client.post("/oauth2/device_authorization", data={"client_id": "device-public"}).json()
    assert flow["interval"] == 1
    assert tms_control.device.approve(flow["user_code"], username="testuser2")["status"] == "approved"
