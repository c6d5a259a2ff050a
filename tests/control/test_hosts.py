"""The names that the control plane knows itself by; what comes of them is test_access.py's and security/'s."""

import pytest

from app.control.hosts import OwnNames
from app.settings import OAuth, Settings

OWN = OwnNames(Settings(host="Standin.example", oauth=OAuth(issuer="https://login.example")))


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        *((name, True) for name in ("standin.example", "STANDIN.example:3000", "login.example:1", "localhost.", "a")),
        *((name, True) for name in ("127.0.0.1", "[::1]", "[::1]:3000", "::1", "2130706433")),
        *((name, True) for name in ("a.b.localhost", "a.localdomain", "printer.local", "a.internal", "nas.home.arpa")),
        *((name, False) for name in ("example.com", "evil.standin.example", "test.com", "local.host", "a.testing")),
        *(
            (name, False)
            for name in ("", ".", ".test", "a:b.example.com", "127.0.0.1.example.com", "localhost.evil.com.")
        ),
    ],
)
def test_own_names(host, is_own):
    """With or without a port and a dot at the end, in any letter case."""
    assert OWN.has(host) is is_own
