"""`python -m app` up to the point where the application is made: refused starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import StartRefused
from app.serving import connection_options, listening_socket
from app.settings import Settings

REPOSITORY = Path(__file__).parent.parent
ANOTHER = (
    "another port is chosen with http_port or TMS_STANDIN_HTTP_PORT, "
    "another host with standin.host or TMS_STANDIN_HOST."
)


def run(directory: Path, **environment: str) -> tuple[int, str, str]:
    """Run the command in `directory`; return exit status, standard output and standard error."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TMS_")}
    done = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=directory,
        env=inherited | {"PYTHONPATH": str(REPOSITORY)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def names(directory: Path) -> list[str]:
    """Return what is in a directory."""
    return [path.name for path in directory.iterdir()]


def test_a_broken_file(tmp_path):
    """A file that is not TOML ends the start with its one sentence and status 2."""
    (tmp_path / "tms.toml").write_text("http_port 3000")
    sentence = (
        f"The configuration file {tmp_path}/tms.toml cannot be parsed as TOML: "
        "Expected '=' after a key in a key/value pair (at line 1, column 11).\n"
    )
    assert run(tmp_path) == (2, "", sentence)
    assert names(tmp_path) == ["tms.toml"]


def test_an_unknown_key(tmp_path):
    """A key that the stand-in does not know ends the start with status 2."""
    (tmp_path / "tms.toml").write_text('databse = "x"')
    sentence = f"{tmp_path}/tms.toml: databse is not a known key; the nearest one is standin.database.\n"
    assert run(tmp_path) == (2, "", sentence)


def test_a_bad_variable(tmp_path):
    """A variable with a wrong value ends the start with status 2."""
    sentence = 'TMS_STANDIN_HTTP_PORT must be a whole number, not "abc".\n'
    assert run(tmp_path, TMS_STANDIN_HTTP_PORT="abc") == (2, "", sentence)


def test_a_port_in_use(tmp_path):
    """A port that something listens on ends the start with status 2, and no database is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = f"Cannot listen on host 127.0.0.1, port {port}: address already in use; {ANOTHER}\n"
        assert run(tmp_path, TMS_STANDIN_HTTP_PORT=str(port)) == (2, "", sentence)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        # An address of the documentation's network is no machine's own.
        ("192.0.2.1", "cannot assign requested address"),
        ("2001:db8::1", "cannot assign requested address"),
        ("x" * 64, "name or service not known"),
    ],
)
def test_a_host_that_cannot_be_bound(host, reason):
    """The sentence names the host, the port and the system's reason."""
    with pytest.raises(StartRefused) as refused:
        listening_socket(host, 3000)
    assert str(refused.value) == f"Cannot listen on host {host}, port 3000: {reason}; {ANOTHER}"


def test_a_free_port_is_listened_on():
    """Port 0 takes a free one, and a client can connect before anything is served."""
    with listening_socket("127.0.0.1", 0) as listener:
        socket.create_connection(listener.getsockname()).close()


def test_idle_connections(tmp_path, monkeypatch):
    """Like the real server's (contract 1.1) they are closed after 50 seconds with TLS, and otherwise stay open."""
    monkeypatch.chdir(tmp_path)
    assert connection_options(Settings()) == {"timeout_keep_alive": 3600}
    assert names(tmp_path) == []
    server = tmp_path / "tls/server.pem"
    assert connection_options(Settings(tls=True)) == {
        "timeout_keep_alive": 50,
        "ssl_certfile": server,
        "ssl_keyfile": server,
    }
    assert server.is_file()
