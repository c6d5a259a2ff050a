"""Counts rows and makes a hash of their values, the same whichever database they come from."""

from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Table

from .rows import Rows

_BYTES = 16
_ENCODER = msgspec.json.Encoder()


class Digest:
    """Of rows in the order in which they were added, in whatever chunks; equal if and only if the values are."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = blake2b(digest_size=_BYTES)

    def add(self, rows: list[Any]) -> None:
        """Add some rows: texts, numbers, truth values, moments with their microseconds, or nothing."""
        self.rows += len(rows)
        self._hash.update(_ENCODER.encode_lines(rows))

    @property
    def hash(self) -> str:
        """The hash of the values so far."""
        return self._hash.hexdigest()


async def digest_of(source: Rows, table: Table) -> Digest:
    """Return the digest of a table."""
    digest = Digest()
    async for chunk in source.chunks(table):
        digest.add(chunk)
    return digest
