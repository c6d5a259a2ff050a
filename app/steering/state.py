"""What is set, as plain values that every process on one database reads. It applies nothing."""

from datetime import datetime
from typing import Any, Literal

import msgspec


class ClockState(msgspec.Struct, frozen=True):
    """The clock: `now` where it is frozen, `offset_seconds` against the system's where it runs."""

    mode: Literal["real", "frozen", "offset"] = "real"
    now: datetime | None = None
    offset_seconds: float = 0.0


class State(msgspec.Struct, frozen=True):
    """All that is set; a member that was never set has its default. `faults` is what faults/hook.py has made of a document."""

    clock: ClockState = ClockState()
    modes: dict[str, Any] = {}
    faults: dict[str, Any] | None = None
    journal: bool = False


NOTHING = State()


def encode(state: State) -> bytes:
    """Return a state as JSON."""
    return msgspec.json.encode(state)


def decode(data: bytes) -> State:
    """Return the state of a JSON text that `encode` has made."""
    return msgspec.json.decode(data, type=State)
