"""One cookie of a header, whatever else is in it."""

import pytest

from app.cookies import cookie_of


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ""),
        ("x=1", "1"),
        ("a=b; x=1; c", "1"),
        ("x=1; x=2", "2"),
        (" x = 1 ", "1"),
        ('x="a\\073b"', "a;b"),
        ("x", ""),
        ("xx=1", ""),
        ("=x", ""),
        (f"x={'a' * 4096}", "a" * 4096),
        (f"x={'a' * 4097}", ""),
        ('other="1" ; x=1', "1"),
    ],
)
def test_a_cookie(header, found):
    """The last of its name counts, its quotes are taken off, and one that no browser keeps is none."""
    assert cookie_of(header, "x") == found


@pytest.mark.parametrize("name", ["x", "other"])
def test_a_cookie_without_end(name):
    """One of 400 KB is not unquoted, which would take Python 3.11.7 minutes."""
    assert cookie_of(f'{name}="{chr(92)}1{"a" * 400_000}"; x=1', "x") == "1"


def test_a_name_without_a_value_is_no_cookie():
    """It does not take the place of one that has a value."""
    assert cookie_of("x=a=b;x", "x") == "a=b"
    assert cookie_of("x", "x") == ""
