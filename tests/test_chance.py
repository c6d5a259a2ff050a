"""Tests of app/chance.py."""

import base64
import re
import uuid
from collections import Counter

import pytest

from app.chance import Chance

SECRET = r"[0-9a-f]{48}"
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"


def drawn(chance):
    """Return one of everything."""
    return chance.bytes(32), chance.secret(), chance.uuid(), chance.token(), chance.letters(ALPHABET, 24)


def test_a_seed_repeats_itself():
    """The same number gives the same values in the same order, over and over."""
    first, second = Chance(7), Chance(7)
    assert [drawn(first) for _ in range(3)] == [drawn(second) for _ in range(3)]


def test_the_values_of_a_seed_are_the_same_in_every_run():
    """Recorded values: a change would break whoever compares two runs byte for byte."""
    chance = Chance(1)
    assert (chance.secret(), chance.uuid()) == (
        "f5b165224a58b791df6af1d8303e61cdc4bb86c3d1c42710",
        "3c344c41-89eb-4f1e-bbd5-d47e446fcec2",
    )
    assert (chance.token(9), chance.letters(ALPHABET, 8)) == ("o9gRc2EQ5Xim", "NXJWDXRC")


@pytest.mark.parametrize("other", [Chance(8), Chance(0), Chance()])
def test_another_seed_gives_other_values(other):
    """Nor does a seed share anything with the operating system's randomness."""
    assert not set(drawn(Chance(7))) & set(drawn(other))


def test_without_a_seed_nothing_is_repeated():
    """Neither within a run nor between two sources."""
    chance, other = Chance(), Chance()
    values = {value for source in (chance, other) for _ in range(100) for value in drawn(source)}
    assert len(values) == 1000


@pytest.mark.parametrize("seed", [None, 7])
def test_a_secret_is_48_lower_case_hex_digits(seed):
    """Contract 1.4."""
    chance = Chance(seed)
    assert all(re.fullmatch(SECRET, chance.secret()) for _ in range(50))


@pytest.mark.parametrize("seed", [None, 7])
def test_a_uuid_is_one_of_version_4(seed):
    """In the usual form with lower-case digits (contract E40)."""
    chance = Chance(seed)
    for _ in range(50):
        text = chance.uuid()
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize(("length", "letters"), [(0, 0), (1, 2), (9, 12), (32, 43)])
def test_a_token_is_base64url_without_padding(seed, length, letters):
    """As many bytes as asked for, in characters that fit any URL, header and form."""
    chance = Chance(seed)
    for _ in range(50):
        text = chance.token(length)
        assert re.fullmatch(f"[A-Za-z0-9_-]{{{letters}}}", text)
        assert len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == length


def test_a_token_has_256_bits_unless_told_otherwise():
    """RFC 6749 10.10 wants 160."""
    assert len(base64.urlsafe_b64decode(Chance().token() + "=")) == 32


@pytest.mark.parametrize("seed", [None, 7])
def test_letters_are_of_the_alphabet_and_each_as_likely(seed):
    """20,000 draws of 20 letters: each comes a thousand times, more or less; a plain remainder would favour 16 of them."""
    counted = Counter(Chance(seed).letters(ALPHABET, 20_000))
    assert set(counted) == set(ALPHABET)
    assert all(800 < count < 1200 for count in counted.values())


def test_a_byte_that_would_favour_some_letters_is_drawn_again():
    """240 to 255 have no share of 20 letters, so that they are skipped, until there are enough."""
    chance, drawn_bytes = Chance(), [bytes([240, 255]), bytes([239, 0]), bytes([20, 19])]
    chance.bytes = lambda _count: drawn_bytes.pop(0)
    assert chance.letters(ALPHABET, 1) == "Z"
    assert drawn_bytes == [bytes([20, 19])]


@pytest.mark.parametrize("length", [0, 1, 32])
@pytest.mark.parametrize("seed", [None, 7])
def test_bytes_are_as_many_as_asked_for(seed, length):
    """Zero as well."""
    assert len(Chance(seed).bytes(length)) == length
