"""RSA keys for seeded runs, put together from primes that were found once: the n-th is the same in every run.

Everybody can read them. They are for tests alone, and nothing but a seeded chance asks for them.
"""

from base64 import b64decode
from functools import cache
from importlib.resources import files
from itertools import combinations

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

_EXPONENT = 65537


def ready_numbers(bits: int, number: int) -> RSAPrivateNumbers:
    """Return the key of 2048 or 4096 bits with this number; after 120, or 276, they begin again."""
    pairs = _pairs(bits // 2)
    p, q = pairs[number % len(pairs)]
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    crt = (rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q))
    return RSAPrivateNumbers(p, q, d, *crt, RSAPublicNumbers(_EXPONENT, p * q))


def ready_key(bits: int, number: int) -> RSAPrivateKey:
    """Return the same as a key; its primes are known to be some."""
    return ready_numbers(bits, number).private_key(unsafe_skip_rsa_key_validation=True)


@cache
def _pairs(bits: int) -> list[tuple[int, int]]:
    text = files(__package__).joinpath(f"primes_{bits}.txt").read_text("ascii")
    primes = [int.from_bytes(b64decode(line)) for line in text.split()]
    return [(max(pair), min(pair)) for pair in combinations(primes, 2)]
