"""Authlib's server over the store: what a refusal keeps, what a fault undoes, and that nothing is logged."""

import asyncio
import logging

import pytest
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from app.oauth.exchange import Exchange
from app.oauth.failures import program_limit
from app.oauth.issuers import Issuer
from app.oauth.server import AuthorizationServer, in_transaction
from tests.oauth.driver import CONFIDENTIAL, PUBLIC, refused, steered

SECRET = "never-to-be-seen"
CLIENT = {"client_id": "hushed", "client_secret": SECRET}


def exchange_of(standin):
    """Return an exchange with nothing in it."""
    return Exchange(standin.parts, Issuer("", "http://standin"), {"headers": []}, None)


def noting(server):
    """Write something."""
    server.wait(program_limit("x", 1).note(server.transaction, "y", server.now))


async def test_the_work_is_one_transaction(standin):
    """What it returns comes back when it is on disk."""

    def work(server):
        noting(server)
        return server.issuer.url

    assert await in_transaction(exchange_of(standin), work) == "http://standin"
    assert [row.source for row in (await standin.rows())["oauth_failures"]] == ["x y"]


@pytest.mark.parametrize("error", [InvalidRequestError("no"), RuntimeError("no")])
async def test_what_the_work_raises_undoes_it(standin, error):
    """And comes out as it is."""

    def work(server):
        noting(server)
        raise error

    with pytest.raises(type(error)) as raised:
        await in_transaction(exchange_of(standin), work)
    assert raised.value is error
    assert (await standin.rows())["oauth_failures"] == []


async def test_what_authlib_refuses_is_kept(standin):
    """A guess is counted though it is answered by an error (row SEC-04)."""
    refused(await standin.poll("unknown"), 400, "invalid_grant")
    assert len((await standin.rows())["oauth_failures"]) == 1


async def test_a_client_that_is_not_there(standin):
    """None comes back, and the server has no client."""

    def work(server: AuthorizationServer):
        return server.query_client("nobody"), server.query_client(PUBLIC).client_id, server.client.client_id

    assert await in_transaction(exchange_of(standin), work) == (None, PUBLIC, PUBLIC)


async def test_many_at_once(standin):
    """Each request has its own server; none sees another's client."""
    asked = [(PUBLIC, None), (CONFIDENTIAL, "secret1"), ("tapis_cli", None)] * 10
    answers = await asyncio.gather(
        *[standin.post("/oauth2/device_authorization", client_id=name, client_secret=secret) for name, secret in asked]
    )
    rows = [await standin.row(answer.json()) for answer in answers]
    assert [row.client_id for row in rows] == [name for name, _ in asked]


def test_an_error_is_no_value_error():
    """Or a refusal inside a parser would be taken for the parser's."""
    assert not issubclass(OAuth2Error, ValueError)


async def test_nothing_secret_is_logged(capfd, caplog):
    """Neither by us nor by Authlib, at any level: no secret, code, password or token (row SEC-10)."""
    caplog.set_level(logging.DEBUG)
    seen = [SECRET]
    async with steered(oauth={"clients": [CLIENT], "users": [{"username": "u", "password": SECRET}]}) as standin:
        flow = await standin.begin("hushed", client_secret=SECRET)
        asked = {"client_id": "hushed", "client_secret": SECRET}
        await standin.poll(flow, **asked)
        await standin.http.post("/oauth2/token", params={"device_code": flow["device_code"], **asked})
        await standin.http.get("/oauth2/token", params={"device_code": flow["device_code"], **asked})
        await standin.http.get(flow["verification_uri_complete"])
        await standin.poll(flow, **{**asked, "client_secret": f"{SECRET}-wrong"})
        await standin.approve(flow)
        tokens = (await standin.poll(flow, **asked)).json()
        await standin.poll(flow, **asked)
        again = (await standin.refresh(tokens, **asked)).json()
        await standin.refresh(tokens, **asked)
        for token in (tokens["access_token"], again["refresh_token"]):
            await standin.introspect(token)
            await standin.userinfo(token)
            await standin.userinfo(f"{token}%00{SECRET}")
            await standin.post("/oauth2/revoke", token=token, **asked)
        await standin.raw("/oauth2/token", f"client_secret={SECRET}%&code=%ff".encode())
        await standin.raw("/oauth2/token", f"client_secret={SECRET}&client_secret={SECRET}".encode())
        standin.parts.chance.token = lambda: 1 / 0
        refused(await standin.post("/oauth2/device_authorization", **asked), 500, "server_error")
        seen += [
            flow["device_code"],
            flow["user_code"],
            *[one[name] for one in (tokens, again) for name in one if "token" in name and name != "token_type"],
        ]
    told = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]  # not the client's
    printed = "\n".join([*capfd.readouterr(), *told])
    assert "/oauth2/token" in printed
    assert [text for text in seen if text in printed] == []


@pytest.mark.on_sqlite
async def test_what_would_wait_is_refused_inside_a_transaction(standin):
    """A transaction must not stay open while somebody waits for something else; nothing of it is kept."""

    def work(server):
        noting(server)
        server.wait(asyncio.sleep(0))

    before = await standin.rows()
    with pytest.raises(RuntimeError, match="cannot run inside a transaction"):
        await in_transaction(exchange_of(standin), work)
    assert await standin.rows() == before
