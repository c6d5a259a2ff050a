"""A stand-in inside this process, asked from this thread and from other event loops."""

import asyncio
import os
import threading

import httpx
import pytest

from app.errors import StartRefused
from app.remote.refusals import CallRefused, Unreachable
from app.testing.inprocess import Inside, Loop, Transport, inside


@pytest.fixture(autouse=True)
def _no_thread_left():
    """The threads of the stand-in below live as long as the module; test_no_thread_is_left looks after them."""


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """A stand-in for the tests of this module, with a control token."""
    kept = {name: value for name, value in os.environ.items() if "TMS_" not in name}
    # What is for a port has no effect here.
    given = {**kept, "TMS_STANDIN_CONTROL_TOKEN": "t", "TMS_STANDIN_TLS": "true", "TMS_STANDIN_HTTP_PORT": "1"}
    with inside(given, tmp_path_factory.mktemp("inside")) as found:
        yield found


def test_clients_and_control(make):
    """Both kinds of clients get the answers of the API, and the control shows the token."""
    tms = make()
    assert tms.control.reset() == "standard"
    assert tms.client.get("/v1/tms/version").json()["tms_version"] == "0.3.0"
    assert tms.client.post("/_standin/reset").status_code == 401
    assert tms.env["TMS_URL"] == tms.url == "http://tms-standin"
    assert "SSL_CERT_FILE" not in tms.env
    tms.close()


async def test_from_another_loop(make):
    """A test's own event loop awaits without being held."""
    async with make().async_client() as client:
        answers = await asyncio.gather(*(client.get("/v1/tms/version") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


def test_bodies_both_ways(make):
    """Forms, JSON and what a stream yields arrive whole."""
    tms = make()
    flow = tms.client.post("/oauth2/device_authorization", data={"client_id": "device-public"}).json()
    body = b'{"action": "approve", "username": "testuser1"}'
    headers = {"authorization": "Bearer t", "content-type": "application/json"}
    pieces = (body[start : start + 10] for start in range(0, len(body), 10))
    answer = tms.client.post(f"/_standin/device/{flow['user_code']}", content=pieces, headers=headers)
    assert answer.json()["status"] == "approved"
    tms.close()


def test_refusals(make):
    """The control plane's sentences are those of any stand-in."""
    with pytest.raises(CallRefused, match="No device flow has this user code"):
        make().control.device.deny("nosuch")


def test_threads_may_share_it(make):
    """Requests of several threads are answered side by side."""
    tms, statuses = make(), []
    threads = [
        threading.Thread(target=lambda: statuses.append(tms.client.get("/v1/tms/version").status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tms.close()
    assert statuses == [200] * 8


def test_no_thread_is_left(tmp_path):
    """Its loop, its log and its pools end with it."""
    before = set(threading.enumerate())
    with inside({"TMS_STANDIN_SEED": "empty"}, tmp_path) as make:
        assert make().control.reset() == "empty"
    assert set(threading.enumerate()) == before


async def mute(_scope, _receive, _send):
    """Never answer."""
    await asyncio.Event().wait()


def test_no_answer():
    """A request that hangs ends by the client's own limit, and the control says that nobody answers."""
    with Loop() as loop:
        transport = Transport(loop, mute)
        with httpx.Client(transport=transport, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
            client.get("http://tms-standin/")
        with pytest.raises(Unreachable, match=r"^The stand-in in this process does not answer: "):
            Inside(transport, None)("GET", "/_standin/clock", {}, b"", 0.05)


def test_a_wrong_setting(tmp_path):
    """The sentence is that of any start, and no thread is left."""
    before = threading.active_count()
    with pytest.raises(StartRefused, match="TMS_STANDIN_STRICT"), inside({"TMS_STANDIN_STRICT": "x"}, tmp_path):
        pass
    with (
        pytest.raises(StartRefused, match=r"nosuch\.toml"),
        inside({"TMS_STANDIN_SEED": str(tmp_path / "nosuch.toml")}, tmp_path),
    ):
        pass
    assert threading.active_count() == before
