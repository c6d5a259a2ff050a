"""The ready-made scenarios: a server that hangs at ten database requests, and one that is as slow as the real one."""

import asyncio
from contextlib import suppress
from typing import Protocol

from ..edge import Application
from ..errors import DatabaseGone
from ..steering.operations import Named
from . import dev_server
from .checks import WITHOUT_DATABASE
from .durations import draw
from .request import Request
from .rules import Tallies
from .waiting import keep

_POOL = 10  # connections of the real server's pool
# The real server works on a request for some milliseconds, this one for a fraction of one. So that requests which come
# together are under way together, each is kept that long.
_HOLD_SECONDS = 0.1
_MATCHED, _STRUCK, _LEFT = range(3)
# The stand-in takes time by itself: what a wait lasts too long, the endpoint's work, the loopback. Each request shows
# whether what is taken off for that was enough, and moves it by a step, so that half of the answers come too late.
_FIRST_OWN_SECONDS, _MOST_OWN_SECONDS, _STEP_SECONDS = 0.0004, 0.005, 0.00002
_LOOPBACK_SECONDS = 0.00015


class Scenario(Protocol):
    """Something that leads requests on, and counts them."""

    def __init__(self, seed: int, tallies: Tallies) -> None: ...

    async def meet(self, request: Request, application: Application, over: asyncio.Event) -> bool:
        """Do to a request whatever is due; return whether the endpoint has still to answer."""

    @staticmethod
    async def counts(tallies: Tallies) -> tuple[int, int]:
        """Return how many requests matched, and how many were struck."""


class Hang010:
    """Version 0.1.0: once ten database requests are under way, no more are answered, by any process on the database."""

    def __init__(self, _seed: int, tallies: Tallies) -> None:
        self._tallies = tallies

    async def meet(self, request: Request, application: Application, over: asyncio.Event) -> bool:
        """Keep a request of TMS that asks the database for a moment, or until the scenario is over."""
        if not _asks_the_database(request.named):
            return True
        under_way = await self._tallies.count(_MATCHED) + 1 - await self._tallies.counted(_LEFT)
        if under_way < _POOL and not await self._is_stuck():
            with suppress(TimeoutError):
                async with asyncio.timeout(_HOLD_SECONDS):
                    await over.wait()
        if over.is_set():
            return True
        if under_way >= _POOL or await self._is_stuck():
            return await self._hang(request, over)
        try:
            await request.forward(application)
        finally:
            await _left(self._tallies, _LEFT)
        return False

    async def _hang(self, request: Request, over: asyncio.Event) -> bool:
        """Wait for the end of the scenario; a client that leaves gives its connection of the pool back to nobody."""
        await self._tallies.count(_STRUCK)
        return await keep(request, over)

    async def _is_stuck(self) -> bool:
        return await self._tallies.counted(_STRUCK) > 0

    @staticmethod
    async def counts(tallies: Tallies) -> tuple[int, int]:
        """Return how many requests asked the database, and how many hang or hung."""
        return await tallies.counted(_MATCHED), await tallies.counted(_STRUCK)


class DevServer:
    """Version 0.3.0 on its development server: each operation of TMS takes as long as published (dev_server.py)."""

    def __init__(self, seed: int, tallies: Tallies) -> None:
        self._seed = seed
        self._tallies = tallies
        self._own = dict.fromkeys(dev_server.KINDS, _FIRST_OWN_SECONDS)

    async def meet(self, request: Request, application: Application, over: asyncio.Event) -> bool:
        """Keep a request for as long as the real server takes with as many requests of its kind under way."""
        if request.named.operation_id is None:
            return True
        kind = kind_of(request.named)
        entered = 2 * dev_server.KINDS.index(kind)
        number = await self._tallies.count(entered)
        under_way = number + 1 - await self._tallies.counted(entered + 1)
        drawn = draw(self._seed, kind, number)
        seconds = dev_server.milliseconds(kind, under_way, drawn) / 1000 - _LOOPBACK_SECONDS
        try:
            if await keep(request, over, seconds - self._own[kind]):
                await request.forward(application)
                self._learn(kind, request.seconds - seconds)
        finally:
            await _left(self._tallies, entered + 1)
        return False

    def _learn(self, kind: str, too_late: float) -> None:
        step = _STEP_SECONDS if too_late > 0 else -_STEP_SECONDS
        self._own[kind] = min(max(self._own[kind] + step, 0.0), _MOST_OWN_SECONDS)

    @staticmethod
    async def counts(tallies: Tallies) -> tuple[int, int]:
        """Return how many requests were kept, twice."""
        kept = sum([await tallies.counted(2 * kind) for kind in range(len(dev_server.KINDS))])
        return kept, kept


SCENARIOS: dict[str, type[Scenario]] = {"hang-0.1.0": Hang010, "dev-server": DevServer}


async def _left(tallies: Tallies, tally: int) -> None:
    """Count who leaves; a database that is gone must not have its request answered a second time."""
    with suppress(DatabaseGone):
        await tallies.count(tally)


def _asks_the_database(named: Named) -> bool:
    return named.operation_id is not None and named.template not in WITHOUT_DATABASE


def kind_of(named: Named) -> str:
    """Return the published scenario that an operation resembles most: its own, or one that reads or writes as it does."""
    if not _asks_the_database(named):
        return "getversion"
    if named.operation_id == "retrieve_key":
        return "getkey"
    return "getclient" if named.template.startswith("GET ") else "createkey"
