"""Where clients find a stand-in, and which hosts are this machine's own."""

import pytest

from app.addresses import is_loopback, local_url
from app.settings import Settings


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
        ("2001:db8::1", "http://[2001:db8::1]:3000"),
        ("localhost", "http://127.0.0.1:3000"),
        ("standin.example.org", "http://standin.example.org:3000"),
    ],
)
def test_local_url(host, url):
    """What is bound to every address is met on loopback; TLS changes the scheme alone."""
    assert local_url(Settings(host=host)) == url
    assert local_url(Settings(host=host, tls=True)) == url.replace("http:", "https:")


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example.org", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback(host, own):
    """Only this machine's own addresses, and the one name that always means them."""
    assert is_loopback(host) is own
