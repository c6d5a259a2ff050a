"""What counts as one guesser: an address or a session of one issuer."""

from types import SimpleNamespace

from app.oauth.exchange import Exchange
from app.oauth.guesses import Guesses
from app.oauth.issuers import Issuer
from app.oauth.sessions import Browser


def guesses(standin, *, address="192.0.2.1", session="a", issuer="", kind="user_code"):
    """Return the guesses of a browser, at this moment."""
    scope = {"client": (address, 1), "headers": [], "scheme": "http"}
    exchange = Exchange(standin.parts, Issuer(issuer, "http://standin"), scope, SimpleNamespace())
    return Guesses(exchange, Browser(session, "", None), kind)


async def note(standin, times, **who):
    """Count so many wrong guesses."""
    for _ in range(times):
        await standin.parts.store.write(guesses(standin, **who).note)


async def test_who_has_to_wait(standin):
    """Five wrong ones lock out the address and the session, and nobody else."""
    await note(standin, 4)
    assert await guesses(standin).seconds_to_wait(standin.parts.store) == 0
    await note(standin, 1)
    waits = {
        "both": await guesses(standin).seconds_to_wait(standin.parts.store),
        "address": await guesses(standin, session="b").seconds_to_wait(standin.parts.store),
        "session": await guesses(standin, address="192.0.2.2").seconds_to_wait(standin.parts.store),
        "neither": await guesses(standin, address="192.0.2.2", session="b").seconds_to_wait(standin.parts.store),
        "issuer": await guesses(standin, issuer="a").seconds_to_wait(standin.parts.store),
        "kind": await guesses(standin, kind="password").seconds_to_wait(standin.parts.store),
    }
    assert waits == {"both": 301, "address": 301, "session": 301, "neither": 0, "issuer": 0, "kind": 0}


async def test_the_longer_wait_counts(standin):
    """The window begins with a source's own first wrong guess."""
    await note(standin, 1, address="192.0.2.2")
    standin.advance(100)
    await note(standin, 5, session="b")
    await note(standin, 4, address="192.0.2.2")
    assert await guesses(standin).seconds_to_wait(standin.parts.store) == 301


async def test_no_session_is_stored(standin):
    """What is kept of it is a hash, since the session is as good as a login."""
    await note(standin, 1, session="s3cret")
    rows = (await standin.rows())["oauth_failures"]
    assert len(rows) == 2
    assert [row for row in rows if "s3cret" in row.source] == []
