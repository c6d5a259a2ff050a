"""Delays and the chances of rules: the n-th draw is the same in every run and every process. It waits for nothing."""

import math
from hashlib import blake2b
from statistics import NormalDist

LONGEST_SECONDS = 3600.0
_BITS = 52
_NORMAL = NormalDist()
_P99 = _NORMAL.inv_cdf(0.99)


def draw(seed: int, what: str, number: int) -> float:
    """Return a number between 0 and 1, neither of them, that depends on nothing but the arguments."""
    digest = blake2b(f"{seed} {what} {number}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> (64 - _BITS)) + 0.5) / (1 << _BITS)


def uniform(drawn: float, from_ms: float, to_ms: float) -> float:
    """Return the seconds of a uniform distribution for a draw."""
    return (from_ms + drawn * (to_ms - from_ms)) / 1000


def log_normal(drawn: float, median_ms: float, p99_ms: float) -> float:
    """Return the seconds of a log-normal distribution for a draw, an hour at most."""
    spread = math.log(p99_ms / median_ms) / _P99
    exponent = spread * _NORMAL.inv_cdf(drawn)
    longest = math.log(LONGEST_SECONDS * 1000 / median_ms)
    return median_ms * math.exp(min(exponent, longest)) / 1000
