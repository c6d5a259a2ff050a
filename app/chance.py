"""The only module that asks for randomness: secrets, ids, key material. Seeded, it repeats itself (design 3.2.6)."""

import base64
import random
import secrets
import uuid
from collections import Counter
from collections.abc import Callable


class Chance:
    """A source of random bytes: the operating system's, or a seeded one that is the same in every run."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self.begin_again()

    def begin_again(self) -> None:
        """Draw again what was drawn since the start, if this source is a seeded one."""
        seed = self._seed
        self._drawn: Counter[str] = Counter()
        self._first = random.Random(seed).randrange(2**32)  # noqa: S311 - a place in a list that everybody can read
        self.bytes: Callable[[int], bytes] = secrets.token_bytes if seed is None else random.Random(seed).randbytes  # noqa: S311 - repeatable on request

    @property
    def is_seeded(self) -> bool:
        """Return whether what is drawn is the same in every run, and no secret."""
        return self._seed is not None

    def number(self, kind: str) -> int:
        """Return a number for a thing of this kind: where the seed begins, and one more each time."""
        self._drawn[kind] += 1
        return self._first + self._drawn[kind] - 1

    def secret(self) -> str:
        """Return a client or administrator secret: 24 bytes as 48 lower-case hex digits (contract 1.4)."""
        return self.bytes(24).hex()

    def uuid(self) -> str:
        """Return a UUID of version 4, as reservations carry them (contract E40)."""
        return str(uuid.UUID(bytes=self.bytes(16), version=4))

    def token(self, length: int = 32) -> str:
        """Return a code or an opaque token that nobody guesses: `length` bytes, as base64url without padding."""
        return base64.urlsafe_b64encode(self.bytes(length)).rstrip(b"=").decode()

    def letters(self, alphabet: str, length: int) -> str:
        """Return `length` letters of an alphabet of up to 256, each as likely as the others."""
        even = 256 - 256 % len(alphabet)
        found: list[str] = []
        while len(found) < length:
            found += [alphabet[byte % len(alphabet)] for byte in self.bytes(2 * length) if byte < even]
        return "".join(found[:length])
