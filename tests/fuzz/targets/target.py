"""What a target is: a function that takes any bytes and raises where something does not hold, and what to begin with."""

from collections.abc import Callable
from typing import NamedTuple

Check = Callable[[bytes], None]


class Target(NamedTuple):
    """`examples` are real input, `tokens` are pieces that mutations put in, `check` raises nothing but finds.

    `watched` names the modules whose lines guide atheris; each costs it a part of a second at the start.
    `linear` tells whether the time must stay below a second for any input as large as a request may be.
    """

    name: str
    check: Check
    examples: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    watched: tuple[str, ...]
    linear: bool = True


def only(text: str, *expected: str) -> None:
    """Raise AssertionError unless a refusal's text begins as one of those that are documented."""
    assert text.startswith(expected), f"an unexpected refusal: {text}"
