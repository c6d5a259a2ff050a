"""Targets with a fault that is known, so that tests can show that it is found. The command never feeds them."""

import time

from .targets.target import Target

WORD = b"no!"


def raising(data: bytes) -> None:
    """It fails where a word stands in its input."""
    if WORD in data:
        raise ValueError(f"{WORD!r} is there")


def slow(data: bytes) -> None:
    """It takes too long for what is large."""
    if len(data) > 30_000:
        time.sleep(0.02)


def sound(data: bytes) -> None:
    """It never fails."""
    assert data + WORD != data


def targets() -> list[Target]:
    """Return them."""
    return [
        Target("raising", raising, (b"a yes",), (b"no!", b"yes"), (__name__,)),
        Target("slow", slow, (b"a yes",), (b"yes",), (__name__,)),
        Target("sound", sound, (b"a yes",), (b"yes",), (__name__,)),
    ]
