"""Facts about records that the seed, the checks and the endpoints share. No table, no request."""

import hmac
from hashlib import sha512

ADMINISTRATOR_ID = "~~admin"
PUBLISHED_ADMIN_SECRET = "adminsecret1"  # noqa: S105 - the default of standin.admin_secret, which every document tells
ADMINISTRATOR_PRIVILEGE = "PERM_ADMIN"
UNLIMITED = 2**31 - 1
# Under this the seed stores a key of its own: the load suite's published settings ask for it.
STANDARD_FINGERPRINT = "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"

NOBODYS_HASH = "0" * 128  # No secret is known that has it.


def hash_of(secret: str) -> str:
    """Return what is stored of a secret: the SHA-512 of its text as 128 lower-case hex digits (contract 1.4)."""
    return sha512(secret.encode()).hexdigest()


def same_secret(secret: str, stored_hash: str | None) -> bool:
    """Return whether a secret is the one whose hash is stored, in constant time.

    None is stored of nobody: the same work is done for them, so that time does not tell who is known.
    """
    same = hmac.compare_digest(hash_of(secret), NOBODYS_HASH if stored_hash is None else stored_hash)
    return same and stored_hash is not None


def same_text(shown: str, kept: str) -> bool:
    """Return whether somebody has shown the text that is kept in clear; time tells nothing of it, not even its length."""
    return hmac.compare_digest(hash_of(shown), hash_of(kept))
