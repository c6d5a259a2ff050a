"""The arithmetic by which serde_json 1.0.133 makes a number of digits, its limits and roundings (contract 6.3).

It sees digits and powers only, never the JSON around them.
"""

from math import inf

LARGEST_UNSIGNED = 2**64 - 1
LARGEST_EXPONENT = 2**31 - 1
_POWERS_OF_TEN = tuple(float(f"1e{power}") for power in range(309))


def appended(number: int, digits: bytes, largest: int) -> tuple[int, int]:
    """Append decimal digits to a number while it stays within `largest`; return it and how many were dropped."""
    for used, digit in enumerate(digits):
        longer = number * 10 + digit - ord("0")
        if longer > largest:
            return number, len(digits) - used
        number = longer
    return number, 0


def negated(significand: int) -> int | float:
    """Return the negated integer, as a float where an i64 cannot hold it."""
    return -significand if 0 < significand <= 2**63 else -float(significand)


def scaled(significand: int, power: int) -> float:
    """Return significand * 10 ** power, rounded twice, as serde_json does without its feature float_roundtrip."""
    number = float(significand)
    while number and power < -308:
        number /= 1e308
        power += 308
    if not number:
        return number
    if power < 0:
        return number / _POWERS_OF_TEN[-power]
    return number * _POWERS_OF_TEN[power] if power <= 308 else inf
