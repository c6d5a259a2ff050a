"""Finding the token that somebody shows: by its shape, its signature, its issuer; and what it is good for."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from authlib.oauth2.rfc6749 import InvalidRequestError
from joserfc import jws
from joserfc.jwk import RSAKey

from app.oauth.exchange import Exchange, ProtocolRequest
from app.oauth.issuers import Issuer
from app.oauth.parameters import Parameters
from app.oauth.stored_tokens import StoredToken, find_token, require_token
from app.oauth.tokens import Unsigned
from tests.oauth.driver import BASE, CONFIDENTIAL, EVERY_SCOPE, PUBLIC

NAMES = ["access_token", "refresh_token"]


async def found(standin, text, issuer=""):
    """Look for a token."""
    parts = standin.parts
    return await find_token(parts.store, parts.signing, issuer, f"{BASE}/{issuer}", text, parts.clock.now())


async def signed(standin, claims, kind="at+jwt"):
    """Return a JWT that the unnamed issuer has really signed."""
    return (await standin.parts.signing.signed("", {"access_token": Unsigned(kind, claims)}))["access_token"]


def encoded(data):
    """Return bytes in base64url, as JOSE writes them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_an_access_token(standin):
    """With its row, its claims, and the issuer that stands in it, whatever the Host of today is."""
    tokens = await standin.tokens()
    token = await found(standin, tokens["access_token"])
    _, claims = await standin.verified(tokens["access_token"])
    assert (token.kind, token.claims, token.issuer_url) == ("access_token", claims, BASE)
    assert (token.row.jti, token.row.client_id, token.row.username) == (claims["jti"], PUBLIC, "testuser1")
    assert token.get_scope() == EVERY_SCOPE


async def test_a_refresh_token(standin):
    """It names no issuer, so it is of the one that is asked."""
    tokens = await standin.tokens(issuer="a", scope="openid")
    token = await found(standin, tokens["refresh_token"], "a")
    assert (token.kind, token.issuer_url, token.claims) == ("refresh_token", f"{BASE}/a", {"iss": f"{BASE}/a"})
    assert (token.row.client_id, token.row.username, token.get_scope()) == (PUBLIC, "testuser1", "openid")


@pytest.mark.parametrize("name", NAMES)
async def test_a_narrower_one(standin, name):
    """The access token is good for its own scope, the refresh token for the whole one."""
    tokens = (await standin.refresh(await standin.tokens(), scope="email")).json()
    token = await found(standin, tokens[name])
    assert token.get_scope() == {"access_token": "email", "refresh_token": EVERY_SCOPE}[name]


@pytest.mark.parametrize("name", NAMES)
async def test_whose_it_is(standin, name):
    """The client that it was issued to, and no other."""
    token = await found(standin, (await standin.tokens(CONFIDENTIAL))[name])
    clients = await standin.parts.registry.clients(standin.parts.store)
    assert [one.client_id for one in clients if token.check_client(one)] == [CONFIDENTIAL]


@pytest.mark.parametrize(("name", "seconds"), [("access_token", 3600), ("refresh_token", 2_592_000)])
async def test_when_it_ends(standin, name, seconds):
    """In the second of its end, which is told as `exp`, and from then on; one whose time is over is found all the same."""
    text = (await standin.tokens())[name]
    token = await found(standin, text)
    ends = token.row.expires_at.replace(microsecond=0)
    moments = [ends - timedelta(microseconds=1), ends, ends + timedelta(days=1)]
    assert [token._replace(now=now).is_expired() for now in moments] == [False, True, True]
    standin.advance(seconds + 1)
    assert (await found(standin, text)).is_expired()


def end_of_an_access_token(standin, tokens):
    """Revoke it alone."""
    return standin.post("/oauth2/revoke", token=tokens["access_token"], client_id=PUBLIC)


def end_of_a_refresh_token(standin, tokens):
    """Revoke it with its grant."""
    return standin.post("/oauth2/revoke", token=tokens["refresh_token"], client_id=PUBLIC)


def one_use(standin, tokens):
    """Use the refresh token."""
    return standin.refresh(tokens)


@pytest.mark.parametrize(
    ("end", "ended"),
    [
        (end_of_an_access_token, [True, False]),
        (end_of_a_refresh_token, [True, True]),
        (one_use, [False, True]),
    ],
)
async def test_what_ends_it_early(standin, end, ended):
    """Its own revocation, its grant's, its one use; a grant beside it is not touched."""
    tokens, other = await standin.tokens(), await standin.tokens()
    assert (await end(standin, tokens)).status_code == 200
    assert [(await found(standin, tokens[name])).is_revoked() for name in NAMES] == ended
    assert [(await found(standin, other[name])).is_revoked() for name in NAMES] == [False, False]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("begun_at", "asked_at"), [("a", "b"), ("a", ""), ("", "a")])
async def test_a_foreign_one(standin, name, begun_at, asked_at):
    """It is unknown at every other issuer."""
    text = (await standin.tokens(issuer=begun_at))[name]
    assert await found(standin, text, asked_at) is None
    assert (await found(standin, text, begun_at)).kind == name


@pytest.mark.parametrize("text", ["", "x", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "\0", "x" * 100_000])
async def test_what_is_none(standin, text):
    """Nothing is found, and nothing is made up."""
    await standin.tokens()
    assert await found(standin, text) is None


async def test_an_oversized_one(standin):
    """No signature is worked out for what is far longer than any token of ours, though it were a right one."""
    _, claims = await standin.verified((await standin.tokens())["access_token"])
    sizes = {size: await signed(standin, {**claims, "filler": "y" * size}) for size in (100, 60_000)}
    assert [size for size, text in sizes.items() if await found(standin, text) is not None] == [100]


async def test_a_signed_one_without_a_row(standin):
    """The signature alone is not enough: another stand-in's rows, or none, or no id at all."""
    _, claims = await standin.verified((await standin.tokens())["access_token"])
    assert (await found(standin, await signed(standin, claims))).claims == claims
    without = {name: value for name, value in claims.items() if name != "jti"}
    for other in ({**claims, "jti": "unknown"}, {**claims, "jti": None}, {**claims, "jti": [claims["jti"]]}, without):
        assert await found(standin, await signed(standin, other)) is None


@pytest.mark.parametrize("kind", ["JWT", "application/at+jwt", "AT+JWT", ""])
async def test_a_signed_one_of_another_type(standin, kind):
    """Only what is an access token by its header is one (row AT-07)."""
    _, claims = await standin.verified((await standin.tokens())["access_token"])
    assert await found(standin, await signed(standin, claims, kind)) is None


async def test_a_forged_signature(standin):
    """No algorithm but ours, no key but the one that the id names, none that the token brings along (RFC 8725 3.1)."""
    _, claims = await standin.verified((await standin.tokens())["access_token"])
    ours, theirs = await standin.parts.signing.current(""), await standin.parts.signing.current("other")
    right, payload = {"alg": "RS256", "typ": "at+jwt", "kid": ours.kid}, json.dumps(claims)

    def made(key, **changed):
        header = {name: value for name, value in {**right, **changed}.items() if value is not None}
        return jws.serialize_compact(header, payload, key, ["RS256", "RS512"])

    def by_hand(sign, **changed):
        signed_part = f"{encoded(json.dumps({**right, **changed}).encode())}.{encoded(payload.encode())}"
        return f"{signed_part}.{encoded(sign(signed_part.encode()))}"

    public_key = ours.as_pem(private=False)
    forged = [
        made(theirs),
        made(theirs, kid=theirs.kid),
        made(theirs, jwk=theirs.as_dict(private=False)),
        made(theirs, jwk=theirs.as_dict(private=False), kid=None),
        made(RSAKey.import_key(ours.as_pem(private=True)), alg="RS512"),
        made(ours, kid=None),
        by_hand(lambda _: b"", alg="none"),
        by_hand(lambda part: hmac.digest(public_key, part, hashlib.sha256), alg="HS256"),
    ]
    assert [text for text in forged if await found(standin, text) is not None] == []
    assert (await found(standin, made(ours))).claims == claims


async def test_it_changes_nothing(standin):
    """Looking is free, also for a token that was used."""
    tokens = await standin.tokens()
    await standin.refresh(tokens)
    before = await standin.rows()
    for text in (*tokens.values(), "unknown", "a.b.c"):
        await found(standin, str(text))
    assert await standin.rows() == before


async def test_inside_a_transaction(standin):
    """It sees what was written there and is not yet on disk."""
    tokens, parts = await standin.tokens(), standin.parts
    now = parts.clock.now()

    async def look(transaction):
        told = []
        for name in NAMES:
            token: StoredToken = await find_token(transaction, parts.signing, "", BASE, tokens[name], now)
            told.append(token.kind)
        return told

    assert await parts.store.write(look) == NAMES


def asked(standin, *pairs):
    """Return a request with these parameters."""
    scope = {"method": "POST", "headers": []}
    return ProtocolRequest(Exchange(standin.parts, Issuer("", BASE), scope, None), Parameters(list(pairs)))


@pytest.mark.parametrize("pairs", [[], [("token", "")], [("tokens", "x")], [("token_type_hint", "access_token")]])
async def test_a_request_without_a_token(standin, pairs):
    """A parameter without a value counts as absent (RFC 6749 3.2, RFC 7009 2.1, RFC 7662 2.1)."""
    with pytest.raises(InvalidRequestError, match=r"^invalid_request: The parameter token is missing$"):
        require_token(asked(standin, *pairs))


async def test_a_request_with_a_token(standin):
    """Whatever it looks like."""
    require_token(asked(standin, ("token", "x")))
    require_token(asked(standin, ("token_type_hint", "nonsense"), ("token", " ")))
