"""The only module that asks for randomness: secrets, ids, key material. Seeded, it repeats itself (design 3.2.6)."""

import random
import secrets
import uuid
from collections.abc import Callable


class Chance:
    """A source of random bytes: the operating system's, or a seeded one that is the same in every run."""

    def __init__(self, seed: int | None = None) -> None:
        self.bytes: Callable[[int], bytes] = secrets.token_bytes if seed is None else random.Random(seed).randbytes  # noqa: S311 - repeatable on request

    def secret(self) -> str:
        """Return a client or administrator secret: 24 bytes as 48 lower-case hex digits (contract 1.4)."""
        return self.bytes(24).hex()

    def uuid(self) -> str:
        """Return a UUID of version 4, as reservations carry them (contract E40)."""
        return str(uuid.UUID(bytes=self.bytes(16), version=4))
