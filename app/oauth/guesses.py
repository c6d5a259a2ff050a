"""Counts what a browser guesses wrong, by its address and by its session (rows SEC-01, SEC-11). It knows no page."""

from ..transaction import Transaction
from .device_flows import hash_of_code
from .exchange import Exchange
from .failures import person_limit
from .registry import Reader
from .sessions import Browser


class Guesses:
    """The wrong user codes or passwords of one browser; one of its two sources locked out locks it out."""

    def __init__(self, exchange: Exchange, browser: Browser, kind: str) -> None:
        self._limit = person_limit(kind, exchange.parts.settings.oauth.wrong_codes)
        self._now = exchange.now
        self._sources = [
            f"{exchange.issuer.name} {source}" for source in (exchange.address, hash_of_code(browser.session))
        ]

    async def seconds_to_wait(self, reader: Reader) -> int:
        """Return how long nothing is tried, not even what is right; 0 means that it is. Raises DatabaseError."""
        return max([await self._limit.seconds_to_wait(reader, source, self._now) for source in self._sources])

    async def note(self, transaction: Transaction) -> None:
        """Count a wrong one, in the transaction that asked for the wait, so that nobody guesses beside it."""
        for source in self._sources:
            await self._limit.note(transaction, source, self._now)
