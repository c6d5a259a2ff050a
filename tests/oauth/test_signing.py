"""The signing keys: made when needed, one for each issuer, rotated, never two in use."""

import asyncio

import pytest
from joserfc import jws

from app.oauth.signing import SigningKeys
from app.oauth.tokens import Unsigned


def keys_of(standin):
    """Return a second user of the same rows, as another worker would be."""
    return SigningKeys(standin.parts.store, standin.clock, standin.parts.chance, 3600)


async def kids(standin, issuer=""):
    """Return the ids of the published keys."""
    return [key.kid for key in await standin.parts.signing.published(issuer)]


async def test_a_key_is_made_at_the_first_need(standin):
    """And not before; who comes at the same time waits for it."""
    assert (await standin.rows())["oauth_signing_keys"] == []
    found = await asyncio.gather(*[standin.parts.signing.current("") for _ in range(5)])
    assert len({key.kid for key in found}) == 1
    assert len((await standin.rows())["oauth_signing_keys"]) == 1


async def test_each_issuer_has_its_own(standin):
    """A key of one verifies nothing of another."""
    one, other = await standin.parts.signing.current("a"), await standin.parts.signing.current("b")
    assert one.kid != other.kid
    signed = await standin.parts.signing.signed("a", {"access_token": Unsigned("at+jwt", {"sub": "x"})})
    assert await standin.parts.signing.verified("a", signed["access_token"]) == {"sub": "x"}
    assert await standin.parts.signing.verified("b", signed["access_token"]) is None


async def test_what_is_signed(standin):
    """Every JWT of a response, with the access token's hash in the id_token; the rest stays as it is."""
    response = {
        "access_token": Unsigned("at+jwt", {"sub": "x"}),
        "id_token": Unsigned("JWT", {"sub": "y"}),
        "scope": "z",
    }
    signed = await standin.parts.signing.signed("", response)
    key = await standin.parts.signing.current("")
    assert {name: type(value) for name, value in signed.items()} == dict.fromkeys(response, str)
    header = jws.extract_compact(signed["access_token"].encode()).headers()
    assert header == {"alg": "RS256", "kid": key.kid, "typ": "at+jwt"}
    assert (await standin.verified(signed["id_token"]))[1]["sub"] == "y"
    assert await standin.parts.signing.verified("", signed["access_token"]) == {"sub": "x"}
    assert await standin.parts.signing.verified("", signed["id_token"]) is None
    assert signed["scope"] == "z"


async def test_a_rotation(standin):
    """The new key signs, the old one is published while its tokens live (row JK-05)."""
    old = await standin.parts.signing.current("")
    standin.advance(1)
    row = await standin.parts.signing.rotate("")
    new = await standin.parts.signing.current("")
    assert (row.kid, row.issuer, row.retired_at) == (new.kid, "", None)
    assert await kids(standin) == [new.kid, old.kid]
    standin.advance(3599)
    assert await kids(standin) == [new.kid, old.kid]
    standin.advance(1)
    assert await kids(standin) == [new.kid]


async def test_rotations_at_one_instant(standin):
    """The clock may stand still: the key that was made last signs, whatever its id."""
    for _ in range(4):
        row = await standin.parts.signing.rotate("")
        assert (await standin.parts.signing.current("")).kid == row.kid
        assert (await kids(standin))[0] == row.kid
    assert len(await kids(standin)) == 4


async def test_a_rotation_of_another_issuer(standin):
    """It leaves this one's key alone."""
    key = await standin.parts.signing.current("a")
    await standin.parts.signing.rotate("b")
    assert (await standin.parts.signing.current("a")).kid == key.kid


async def test_more_keys_than_are_ready(standin_for):
    """A seeded run has ready ones for 120 issuers; the next ones are made as in any other run."""
    standin = await standin_for(random_seed=1)
    made = {(await standin.parts.signing.current(f"issuer{number}")).kid for number in range(120)}
    fresh = await standin.parts.signing.current("another")
    assert (len(made), fresh.kid in made) == (120, False)


async def test_keys_of_an_earlier_seeded_run(standin_for):
    """They are there when the same seed draws them again: the next one is taken."""
    standin = await standin_for(random_seed=1)
    first = await standin.parts.signing.current("a")
    standin.parts.chance.begin_again()
    assert (await standin.parts.signing.current("b")).kid != first.kid


async def test_another_worker_sees_a_rotation(standin):
    """The keys are in the database."""
    before, other = await standin.parts.signing.current(""), keys_of(standin)
    assert (await other.current("")).kid == before.kid
    row = await other.rotate("")
    assert (await standin.parts.signing.current("")).kid == row.kid


@pytest.mark.parametrize("parsed", [100, 99])
async def test_only_so_many_keys_are_kept_parsed(standin, parsed):
    """Issuers without number must not fill the memory."""
    signing = standin.parts.signing
    signing._parsed = {str(number): None for number in range(parsed)}
    key = await signing.current("")
    assert len(signing._parsed) == (1 if parsed == 100 else 100)
    assert signing._parsed[key.kid] is key
