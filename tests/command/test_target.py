"""Which stand-in a command is for."""

import pytest

from app.command.target import server_at
from app.errors import StartRefused
from app.remote.calls import Server


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("TMS_STANDIN_CONFIG", "TMS_ROOT_DIR", "TMS_STANDIN_CONTROL_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_url_is_taken_as_it_is():
    """The settings are not even read."""
    assert server_at("http://h", None) == Server("http://h")
    assert server_at("http://h", "t") == Server("http://h", "t")


def test_without_one_the_settings_say_it(tmp_path):
    """Host, port and token are those of tms.toml; a given token holds."""
    (tmp_path / "tms.toml").write_text('http_port = 4000\n[standin]\nhost = "::"\ncontrol_token = "t"\n')
    assert server_at(None, None) == Server("http://[::1]:4000", "t")
    assert server_at(None, "other") == Server("http://[::1]:4000", "other")


@pytest.mark.parametrize(
    ("line", "authority"),
    [("tls = true", "tls/ca.pem"), ('tls_certificate = "own.pem"\ntls_key = "own.key"', "own.pem")],
)
def test_https_is_trusted_by_the_settings(tmp_path, line, authority):
    """The authority that the stand-in made, or its own certificate."""
    (tmp_path / "tms.toml").write_text(f"[standin]\n{line}\n")
    found = server_at(None, None)
    assert (found.url, found.authority.absolute()) == ("https://127.0.0.1:3000", tmp_path / authority)


def test_broken_settings(tmp_path):
    """They are refused as at a start."""
    (tmp_path / "tms.toml").write_text("nosuch = 1\n")
    with pytest.raises(StartRefused, match="nosuch is not a known key"):
        server_at(None, None)
