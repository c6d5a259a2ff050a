"""Every endpoint as such: which methods it takes, and that a failure of ours is JSON too (row X-03)."""

import logging

import pytest

from app.oauth.endpoints import PROTOCOL
from tests.oauth.driver import BASE, PUBLIC, refused

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"]


@pytest.mark.parametrize("issuer", ["", "/issuers/a"])
@pytest.mark.parametrize("path", PROTOCOL)
async def test_another_method(standin, path, issuer):
    """Status 405 with the methods that are served, never 5xx (rows DA-01, OA-14)."""
    served = set(PROTOCOL[path])
    allowed = ["HEAD", "GET"] if "GET" in served else []
    for method in [method for method in METHODS if method not in served]:
        answer = await standin.http.request(method, f"{issuer}{path}")
        refused(answer, 405, "invalid_request")
        assert answer.headers["allow"] == ", ".join([*allowed, *(served & {"POST"})])


def asked(standin, path):
    """Return a request of an endpoint that gets as far as the database."""
    form = {"client_id": PUBLIC, "grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    if "POST" in PROTOCOL[path] and path != "/oauth2/userinfo":
        return standin.http.post(path, data=form)
    return standin.http.get(path, headers={"authorization": "Bearer x"})


OF_THE_DATABASE = [path for path in PROTOCOL if "well-known" not in path]


@pytest.mark.on_sqlite
@pytest.mark.parametrize("path", OF_THE_DATABASE)
async def test_a_database_that_does_not_answer(standin, path):
    """Status 503 in JSON, to be tried again; no word of the database comes out."""
    for table in ("oauth_clients", "oauth_refresh_tokens", "oauth_signing_keys"):
        standin.parts.store._writer.connection.execute(f"ALTER TABLE {table} RENAME TO away_{table}")
    answer = await asked(standin, path)
    assert refused(answer, 503, "temporarily_unavailable") == "The database does not answer, try again"
    assert answer.headers["retry-after"] == "1"
    for table in ("oauth_clients", "oauth_refresh_tokens", "oauth_signing_keys"):
        standin.parts.store._writer.connection.execute(f"ALTER TABLE away_{table} RENAME TO {table}")
    assert (await asked(standin, path)).status_code < 500


@pytest.mark.parametrize("path", OF_THE_DATABASE)
async def test_a_fault_of_ours(standin, path, caplog):
    """Status 500 in JSON; its cause stands in the log and nowhere else."""
    store = standin.parts.store
    kept = store.write, store.one, store.cached
    store.write = store.one = store.cached = None
    with caplog.at_level(logging.ERROR, "tms_standin.oauth"):
        answer = await asked(standin, path)
    assert refused(answer, 500, "server_error") == "An error of the stand-in, see its log"
    told = [record.getMessage() for record in caplog.records]
    assert [message for message in told if message.startswith("/")] == [f"{path} failed"]
    store.write, store.one, store.cached = kept
    assert (await asked(standin, path)).status_code < 500


async def test_a_fault_in_the_middle_undoes_everything(standin):
    """The code is not used up where its tokens could not be stored; the next poll gets them."""
    flow = await standin.begin()
    await standin.approve(flow)
    before = await standin.rows()
    token = standin.parts.chance.token
    standin.parts.chance.token = lambda: 1 / 0
    refused(await standin.poll(flow), 500, "server_error")
    assert await standin.rows() == before
    standin.parts.chance.token = token
    assert (await standin.poll(flow)).status_code == 200


async def test_every_answer_is_json(standin):
    """Whatever is asked of the protocol's endpoints, wherever it fails (row X-03)."""
    for path in PROTOCOL:
        for method in ("GET", "POST", "PUT"):
            for headers in ({}, {"host": "a b"}, {"authorization": "Basic x"}, {"content-type": "text/plain"}):
                answer = await standin.http.request(method, f"{BASE}{path}", headers=headers, content=b"x")
                assert answer.headers["content-type"] == "application/json"
                assert isinstance(answer.json(), dict)
