"""Sets and moves the stand-in's clock, which drives every timestamp and every expiry (design 2.7)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ..oauth.report import Instant as Told
from ..parts import Parts
from ..steering.state import ClockState, State
from .problems import wrong_field
from .shapes import RunningParts

on = APIRouter(tags=["clock"])

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(5000, 1, 1, tzinfo=UTC)
_RANGE = "an instant from 1970-01-01 up to 5000-01-01 UTC"
_MOST_SECONDS = 1e11


def _within(instant: datetime) -> datetime:
    if not _FIRST <= instant < _LAST:
        raise PydanticCustomError("instant", _RANGE)
    return instant.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_within)]
Seconds = Annotated[float, Field(ge=-_MOST_SECONDS, le=_MOST_SECONDS, allow_inf_nan=False, strict=True)]


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Real(_Wish):
    """Run with the system's clock."""

    mode: Literal["real"]


class Frozen(_Wish):
    """Stand still."""

    mode: Literal["frozen"]
    now: Instant | None = Field(default=None, description="Where to stand still; left out, where the clock is now.")


class Offset(_Wish):
    """Run beside the system's clock."""

    mode: Literal["offset"]
    offset_seconds: Seconds


class Advance(_Wish):
    """How far the clock moves on."""

    seconds: Annotated[Seconds, Field(ge=0)]


class ClockShown(BaseModel):
    """The clock."""

    mode: Literal["real", "frozen", "offset"]
    now: Told
    offset_seconds: int | float = Field(description="Against the system's clock; 0 where it does not run beside it.")


Change = Callable[[ClockState], ClockState]
Wish = Annotated[Real | Frozen | Offset, Body(discriminator="mode")]


@on.get("/clock")
async def show_clock(parts: RunningParts) -> ClockShown:
    """Show the clock."""
    return _shown(parts)


@on.put("/clock")
async def set_clock(parts: RunningParts, wish: Wish) -> ClockShown:
    """Freeze the clock, let it run beside the system's, or give it back."""
    if isinstance(wish, Frozen):
        return await _set(parts, ClockState("frozen", wish.now or parts.clock.now()))
    if isinstance(wish, Offset):
        return await _set(parts, _offset(parts, wish.offset_seconds))
    return await _set(parts, ClockState())


@on.post("/clock/advance")
async def advance_clock(parts: RunningParts, wish: Advance) -> ClockShown:
    """Move the clock on; what waited for the time that has passed is woken. A real clock runs with an offset then."""
    return await _set(parts, lambda before: _advanced(parts, before, wish.seconds))


def _advanced(parts: Parts, before: ClockState, seconds: float) -> ClockState:
    if before.mode != "frozen" or before.now is None:
        return _offset(parts, before.offset_seconds + seconds, "seconds")
    return ClockState("frozen", _checked(before.now, seconds, "seconds"))


def _offset(parts: Parts, seconds: float, field: str = "offset_seconds") -> ClockState:
    _checked(parts.clock.system_now(), seconds, field)
    return ClockState("offset", None, seconds)


def _checked(instant: datetime, seconds: float, field: str) -> datetime:
    try:
        moved = instant + timedelta(seconds=seconds)
    except OverflowError:
        moved = _LAST
    if not _FIRST <= moved < _LAST:
        raise wrong_field(field, f"must lead to {_RANGE}")
    return moved


async def _set(parts: Parts, wished: ClockState | Change) -> ClockShown:
    def changed(state: State) -> State:
        clock = wished if isinstance(wished, ClockState) else wished(state.clock)
        return State(clock=clock, modes=state.modes, faults=state.faults, journal=state.journal)

    await parts.steering.change(changed)
    return _shown(parts)


def _shown(parts: Parts) -> ClockShown:
    state = parts.steering.state.clock
    offset = state.offset_seconds
    whole = int(offset) if offset.is_integer() else offset
    return ClockShown(mode=state.mode, now=parts.clock.now(), offset_seconds=whole)
