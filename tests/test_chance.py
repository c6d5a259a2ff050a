"""Tests of app/chance.py."""

import re
import uuid

import pytest

from app.chance import Chance

SECRET = r"[0-9a-f]{48}"


def drawn(chance):
    """Return one of everything."""
    return chance.bytes(32), chance.secret(), chance.uuid()


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


@pytest.mark.parametrize("other", [Chance(8), Chance(0), Chance()])
def test_another_seed_gives_other_values(other):
    """Nor does a seed share anything with the operating system's randomness."""
    assert not set(drawn(Chance(7))) & set(drawn(other))


def test_without_a_seed_nothing_is_repeated():
    """Neither within a run nor between two sources."""
    chance, other = Chance(), Chance()
    values = {value for source in (chance, other) for _ in range(100) for value in drawn(source)}
    assert len(values) == 600


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


@pytest.mark.parametrize("length", [0, 1, 32])
@pytest.mark.parametrize("seed", [None, 7])
def test_bytes_are_as_many_as_asked_for(seed, length):
    """Zero as well."""
    assert len(Chance(seed).bytes(length)) == length
