"""The rotation of an issuer's signing key: both keys verify while tokens of the old one live (row JK-05)."""

import asyncio

import pytest

from tests.control.conftest import wrong
from tests.oauth.driver import BASE, prefix

ROTATE = "/_standin/jwks/rotate"


async def published(standin, issuer=""):
    """Return the ids of an issuer's keys as clients see them."""
    return [key["kid"] for key in (await standin.http.get(f"{prefix(issuer)}/oauth2/jwks")).json()["keys"]]


@pytest.mark.parametrize("issuer", ["", "a"])
async def test_the_old_key_stays_while_its_tokens_live(standin, issuer):
    """New tokens are signed with the new key, old ones still verify, and the old key goes when the last has expired."""
    old = (await standin.tokens(issuer=issuer))["access_token"]
    [old_kid] = await published(standin, issuer)
    answer = await standin.http.post(ROTATE, json={"issuer": issuer} if issuer else {})

    new_kid, *others = await published(standin, issuer)
    told = {"issuer": f"{BASE}{prefix(issuer)}", "kid": new_kid, "published": [new_kid, old_kid]}
    assert (answer.status_code, answer.json(), others) == (200, told, [old_kid])
    new = (await standin.tokens(issuer=issuer))["access_token"]
    assert [(await standin.verified(token, issuer))[0]["kid"] for token in (old, new)] == [old_kid, new_kid]
    assert [(await standin.userinfo(token, issuer=issuer)).status_code for token in (old, new)] == [200, 200]
    standin.advance(3600)
    assert await published(standin, issuer) == [new_kid]


async def test_a_clock_that_stands_still_confuses_no_keys(standin):
    """Of keys made at the same instant the last one signs."""
    kids = [(await standin.http.post(ROTATE)).json()["kid"] for _ in range(3)]
    assert len(set(kids)) == 3
    for kid in kids[:2]:
        assert kid in (await published(standin))[1:]
    assert (await published(standin))[0] == kids[2]
    tokens = await standin.tokens()
    assert (await standin.verified(tokens["id_token"]))[0]["kid"] == kids[2]


@pytest.mark.parametrize(
    ("body", "name"),
    [(None, ""), ({}, ""), ({"issuer": None}, ""), ({"issuer": BASE}, ""), ({"issuer": "a"}, "a")]
    + [({"issuer": f"{host}/issuers/a"}, "a") for host in (BASE, "https://elsewhere:8443", "http://[::1]:3000/base")],
)
async def test_an_issuer_is_named_in_several_ways(standin, body, name):
    """By its name or its URL, or not at all; the other issuer's keys stay."""
    before = {issuer: await published(standin, issuer) for issuer in ("", "a")}
    answer = await standin.http.post(ROTATE, json=body) if body is not None else await standin.http.post(ROTATE)
    after = {issuer: await published(standin, issuer) for issuer in ("", "a")}
    assert answer.json()["issuer"] == BASE + prefix(name)
    assert after == {**before, name: [answer.json()["kid"], *before[name]]}


async def test_rotations_at_once_leave_one_key_in_use(standin):
    """All of them are published, one signs."""
    answers = await asyncio.gather(*(standin.http.post(ROTATE) for _ in range(4)))
    kids = {answer.json()["kid"] for answer in answers}
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(await published(standin)) == 4
    assert kids <= set(await published(standin))


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"issuer": "a/b"}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
        ({"issuer": f"{BASE}/issuers/"}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
        ({"issuer": f"{BASE}/issuers/a%20b"}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
        ({"issuer": ""}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
        ({"issuer": "ftp://standin"}, "issuer", "must be the name of a named issuer, or an issuer's URL"),
        ({"issuer": 5}, "issuer", "must be a valid string"),
        ({"name": "a"}, "name", "is not known here"),
        ([], "body", "must be a JSON object"),
    ],
)
async def test_a_wrong_body_makes_no_key(standin, body, field, detail):
    """The field is named, and the rows stay as they were."""
    before = await standin.rows()
    wrong(await standin.http.post(ROTATE, json=body), field, detail)
    assert await standin.rows() == before
