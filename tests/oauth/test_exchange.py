"""One request as the endpoints see it: who asks, from where, with what body."""

import pytest
from authlib.oauth2.rfc6749 import InvalidRequestError

from app.oauth.exchange import Exchange, ProtocolRequest
from app.oauth.issuers import Issuer
from app.oauth.parameters import LARGEST_BODY, Parameters

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


def exchange_of(standin, *messages, headers=FORM, **scope):
    """Return an exchange whose `receive` gives these messages."""
    coming = iter(messages)

    async def receive():
        return next(coming)

    whole = {"method": "POST", "scheme": "http", "query_string": b"", "headers": headers, **scope}
    return Exchange(standin.parts, Issuer("", "http://standin"), whole, receive)


def piece(body, more=False):
    """Return a message with a part of the body."""
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces(standin):
    """They are joined; a message may have none."""
    messages = [piece(b"a=1", True), {"type": "http.request", "more_body": True}, piece(b"&b=2")]
    assert (await exchange_of(standin, *messages).parameters()).data == {"a": "1", "b": "2"}


async def test_a_body_that_is_too_large_is_not_kept(standin):
    """It is read to its end, and one byte too many is enough to know."""
    messages = [piece(b"x" * 40_000, True) for _ in range(50)]
    assert await exchange_of(standin, *messages, piece(b"end")).body() == b"x" * (LARGEST_BODY + 1)


@pytest.mark.parametrize("sent", [b"", b"client_id=device-public"])
async def test_half_a_body(standin, sent):
    """Whose caller is gone is not acted on."""
    exchange = exchange_of(standin, piece(sent, True), {"type": "http.disconnect"})
    with pytest.raises(InvalidRequestError):
        await exchange.protocol_request()


async def test_a_body_that_comes_slowly(standin):
    """The request is of the instant of its end, or it would be answered for a flow that has expired meanwhile."""
    before = standin.now

    async def receive():
        standin.advance(600)
        return piece(b"a=1")

    scope = {"method": "POST", "scheme": "http", "query_string": b"", "headers": FORM}
    exchange = Exchange(standin.parts, Issuer("", "http://standin"), scope, receive)
    assert int(exchange.now.timestamp()) == before
    await exchange.protocol_request()
    assert int(exchange.now.timestamp()) == before + 600


async def test_half_a_request_changes_nothing(standin):
    """Though what arrived of it would do."""
    from tests.raw import ask

    edge = standin.http._transport.app
    messages = [piece(b"client_id=device-public", True), {"type": "http.disconnect"}]

    async def application(scope, receive, send):
        await edge({**scope, "scheme": "http"}, receive, send)

    headers = [(b"host", b"standin"), *FORM]
    answer = await ask(application, "POST", b"/oauth2/device_authorization", headers, messages=messages)
    assert (answer.status, (await standin.rows())["device_flows"]) == (400, [])


@pytest.mark.parametrize(("client", "address"), [(("10.0.0.1", 5), "10.0.0.1"), (None, "unknown")])
async def test_the_address(standin, client, address):
    """Of the connection; over a Unix socket there is none."""
    assert exchange_of(standin, client=client).address == address
    assert exchange_of(standin).address == "unknown"


async def test_headers(standin):
    """One, none, one that is there twice, and a user agent of any length."""
    headers = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"user-agent", b"\xe9" * 500)]
    exchange = exchange_of(standin, headers=headers)
    assert (exchange.header(b"a"), exchange.header(b"b"), exchange.header(b"c")) == ("1, 3", "2", "")
    assert exchange.user_agent == "é" * 200


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"", ""),
        (b"x=1", "1"),
        (b"other=2; x=1; more", "1"),
        (b'broken="; x=1', "1"),
        (b"xx=1", ""),
        (b";;=;", ""),
        (b"x", ""),
        (b"{json: 1}; x=1", "1"),
    ],
)
async def test_a_cookie(standin, sent, found):
    """What other programs on this host have set does not hide it."""
    assert exchange_of(standin, headers=[(b"cookie", sent)]).cookie("x") == found


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
async def test_the_transport(standin, scheme, secure):
    """As the server saw it."""
    exchange = exchange_of(standin, scheme=scheme)
    assert (exchange.secure, exchange.method) == (secure, "POST")


async def test_the_request_as_authlib_wants_it(standin):
    """The same parameters from every side, none of them from the query, and over plain http too (row DA-05)."""
    exchange = exchange_of(standin, headers=[(b"authorization", b"Basic x")], query_string=b"scope=hidden")
    request = ProtocolRequest(exchange, Parameters([("scope", "openid"), ("empty", "")]))
    assert (request.form, request.args, request.payload.scope) == ({"scope": "openid"}, {"scope": "openid"}, "openid")
    assert (request.authorization, request.method) == ("Basic x", "POST")
