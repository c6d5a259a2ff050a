"""Sends the samples of the pulse to browsers as server-sent events (WHATWG HTML, 9.2). It ends with the server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..control.problems import Problem, Refused
from ..parts import Parts
from ..steering.board import EPOCH, GENERATION
from ..uvicorn_connection import is_stopping
from .pulse import Pulse

LISTENERS = 16
_LOOK_SECONDS = 0.25  # between two looks whether the server is to stop
MEDIA_TYPE = "text/event-stream"
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "The samples, one a second."},
    503: {"model": Problem, "description": f"{LISTENERS} listeners are there already."},
}

on = APIRouter(tags=["events"])


class Listeners:
    """The pulse of this process, and how many listen to it."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse = pulse
        self.count = 0

    async def samples(self) -> AsyncIterator[bytes]:
        """Yield the samples of the last minutes, then each new one, until the server stops."""
        pulse = self.pulse
        pulse.beat()
        yield _event("history", list(pulse.history))
        seen = pulse.number
        while not is_stopping():
            await asyncio.sleep(_LOOK_SECONDS)
            pulse.beat()
            if pulse.number != seen:
                seen = pulse.number
                yield _event("sample", pulse.history[-1])


class EventStream(StreamingResponse):
    """The answer that counts as a listener as long as it goes on, however it ends."""

    def __init__(self, listeners: Listeners) -> None:
        super().__init__(listeners.samples(), media_type=MEDIA_TYPE, headers=_HEADERS)
        self._listeners = listeners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the samples until one of both sides ends."""
        self._listeners.count += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._listeners.count -= 1


def state_of(parts: Parts) -> str:
    """Return what is another text once something was set or reset, in any process on the database."""
    words = parts.steering.board.words
    return f"{words[GENERATION]}.{words[EPOCH]}"


def listeners_to(parts: Parts) -> Listeners:
    """Return what listens to a stand-in, nobody yet."""
    clock = parts.clock
    pulse = Pulse(
        totals=parts.metrics.snapshot,
        state=lambda: state_of(parts),
        stopwatch=clock.stopwatch,
        system_now=clock.system_now,
    )
    return Listeners(pulse)


def listeners_of(request: Request) -> Listeners:
    """Return who listens to this process."""
    listeners: Listeners = request.app.state.listeners
    return listeners


@on.get("/events", response_class=StreamingResponse, responses=_RESPONSES)
async def watch_samples(listeners: Annotated[Listeners, Depends(listeners_of)]) -> EventStream:
    """Send `history`, an array of samples, and then one `sample` a second, real time."""
    if listeners.count >= LISTENERS:
        detail = f"{LISTENERS} listeners are there already, which is the most."
        raise Refused(503, detail, headers={"retry-after": "5"})
    return EventStream(listeners)


def _event(name: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
