"""Makes a request wait: for a time, for the end of the rules, for its client's patience. It answers nothing."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from ..uvicorn_connection import is_stopping
from .request import Request

_LOOK_SECONDS = 0.2  # between two looks whether the server is about to stop
_SHORT_SECONDS = 0.25  # a wait for which no other end than its own is looked for


async def keep(request: Request, over: asyncio.Event, seconds: float | None = None) -> bool:
    """Wait, and return whether the request goes on; one that nobody waits for any more is ended here."""
    goes_on = await wait(request, over, seconds)
    if not goes_on:
        await request.end()
    return goes_on


async def wait(request: Request, over: asyncio.Event, seconds: float | None = None) -> bool:
    """Return True once the stand-in's clock has moved so far, or the rules are over, whichever is first.

    Return False where there is nobody left to answer, since the client has gone or the server stops.
    """
    clock = request.parts.clock
    if seconds is not None and seconds <= _SHORT_SECONDS:
        await clock.sleep(seconds)
        return True
    waits: list[Coroutine[Any, Any, Any]] = [over.wait(), request.gone()]
    if seconds is not None:
        waits.append(clock.sleep(seconds))
    return await _first_of(waits)


async def _first_of(waits: list[Coroutine[Any, Any, Any]]) -> bool:
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        while not (await asyncio.wait(tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
            if is_stopping():
                return False
        return not tasks[1].done() or tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
