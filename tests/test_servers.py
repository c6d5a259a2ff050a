"""The helper that starts server processes, on the real server."""

import http.client
import ssl
from urllib.request import urlopen

import pytest

from tests.servers import StartError, by_two_workers, by_uvicorn, running


def status(port: int, path: str) -> int:
    """Return the status of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("command", [by_uvicorn, by_two_workers])
def test_uvicorn_serves_with_nothing_prepared(tmp_path, command):
    """The database is made at the first start, and the process is gone afterwards."""
    with running(tmp_path, command) as server:
        assert status(server.port, "/v1/tms/client/testclient1") == 400
        assert server.database_path == tmp_path / "tms.db"
        assert server.database_path.is_file()
    assert server.process.poll() is not None


def test_a_second_run_in_the_same_folder_is_a_restart(tmp_path):
    """The same file serves both, and the same port where it is asked for."""
    with running(tmp_path) as first:
        pass
    with running(tmp_path, http_port=first.port) as second:
        assert (second.database, second.url) == (first.database, first.url)
        assert status(second.port, "/v1/tms/tenants/test") == 200


def test_a_server_with_tls(tmp_path):
    """Its URL is https, and whoever trusts its authority can talk to it; without TLS it has none."""
    with running(tmp_path, tls=True) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        assert server.authority == tmp_path / "tls/ca.pem"
        trusting = ssl.create_default_context(cafile=server.authority)
        with urlopen(f"{server.url}/v1/tms/hello", context=trusting) as answer:
            assert answer.read() == b"hello!"
    with running(tmp_path) as server:
        assert (server.url, server.authority) == (f"http://127.0.0.1:{server.port}", None)


def test_a_server_that_does_not_start_is_an_error_with_what_it_printed(tmp_path):
    """The exit status and the sentence reach the test."""
    with pytest.raises(StartError) as failure, running(tmp_path, wire_version="9.9.9"):
        pass
    assert failure.value.status == 2
    assert failure.value.text == 'TMS_STANDIN_WIRE_VERSION must be "0.3.0" or "0.1.0", not "9.9.9".\n'


def test_something_left_open_fails_the_test(tmp_path):
    """A sign of it in the log is enough."""
    with pytest.raises(AssertionError, match="left something open"), running(tmp_path) as server:
        server.log_path.write_text("ResourceWarning: unclosed file\n")
