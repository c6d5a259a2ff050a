"""The RSA keys of seeded runs: real ones, the same in every run."""

from math import gcd

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from app.ready_keys import ready_key, ready_numbers


@pytest.mark.parametrize(("bits", "different"), [(2048, 120), (4096, 276)])
def test_how_many_there_are(bits, different):
    """No two of them are alike before they begin again."""
    moduli = [ready_numbers(bits, number).public_numbers.n for number in range(different)]
    assert len(set(moduli)) == different
    assert {modulus.bit_length() for modulus in moduli} == {bits}
    assert ready_numbers(bits, different).public_numbers.n == moduli[0]


@pytest.mark.parametrize("bits", [2048, 4096])
def test_they_are_keys(bits):
    """What one signs its public half confirms, its numbers belong together, and its primes pass a test for primes."""
    for number in (0, 100):
        numbers = ready_numbers(bits, number)
        key = ready_key(bits, number)
        assert key.key_size == bits
        key.public_key().verify(key.sign(b"text", PKCS1v15(), hashes.SHA256()), b"text", PKCS1v15(), hashes.SHA256())
        assert numbers.d * numbers.public_numbers.e % ((numbers.p - 1) * (numbers.q - 1)) == 1
        assert gcd(numbers.p, numbers.q) == 1
        assert numbers.p > numbers.q
        numbers.private_key()  # It raises ValueError for numbers that are not a key's.
