"""What a test holds in its hands, over a real server process."""

import pytest

from app.remote.launching import launched
from app.testing.standin import Tms
from tests.remote.conftest import settings


@pytest.fixture
def https(tmp_path):
    """A stand-in that serves https with an authority of its own."""
    with launched(tmp_path, settings(tls="true"), tmp_path, tmp_path / "log") as child:
        server = child.server
        yield Tms(server.url, child.variables, server, authority=server.authority, log=child.log)


async def test_https(https):
    """Both clients trust the authority, and proxies of the environment are not asked."""
    assert https.client.get("/v1/tms/version").status_code == 200
    async with https.async_client() as client:
        assert (await client.get("/v1/tms/version")).status_code == 200
    https.close()


def test_the_log_from_here_on(https):
    """Lines of before are not shown."""
    https.client.get("/v1/tms/before")
    assert "/v1/tms/before 404" in https.logged()
    again = Tms(https.url, https.env, https.control._exchange, log=https._log)
    https.client.get("/v1/tms/after")
    assert "/v1/tms/after 404" in again.logged()
    assert "/v1/tms/before" not in again.logged()
    https.close()


def test_closing_what_was_never_used(https):
    """No client is made for it."""
    https.close()
    assert "client" not in vars(https)
