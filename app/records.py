"""Facts about records that the seed, the checks and the endpoints share. No table, no request."""

import hmac
from hashlib import sha512

ADMINISTRATOR_ID = "~~admin"
ADMINISTRATOR_PRIVILEGE = "PERM_ADMIN"
UNLIMITED = 2**31 - 1
# Under this the seed stores a key of its own: the load suite's published settings ask for it.
STANDARD_FINGERPRINT = "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"


def hash_of(secret: str) -> str:
    """Return what is stored of a secret: the SHA-512 of its text as 128 lower-case hex digits (contract 1.4)."""
    return sha512(secret.encode()).hexdigest()


def same_secret(secret: str, stored_hash: str) -> bool:
    """Return whether a secret is the one whose hash is stored, in constant time."""
    return hmac.compare_digest(hash_of(secret), stored_hash)
