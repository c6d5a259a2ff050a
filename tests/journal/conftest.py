"""Fixtures: a stand-in that keeps a journal, and what drives it."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.oauth.driver import Standin, steered

StandinFor = Callable[..., Awaitable[Standin]]


@pytest.fixture
async def standin_for() -> AsyncIterator[StandinFor]:
    """Return a function that runs a stand-in whose journal is on; `oauth={...}` are keywords of its [oauth] table."""
    async with AsyncExitStack() as stack:

        async def run(**settings: Any) -> Standin:
            standin = await stack.enter_async_context(steered(**settings))
            await switch(standin, True)
            return standin

        yield run
    gc.collect()  # What was not closed is found here, as a ResourceWarning of the test that left it.


@pytest.fixture
async def standin(standin_for: StandinFor) -> Standin:
    """Return a stand-in in the standard setup."""
    return await standin_for()


async def switch(standin: Standin, on: bool) -> None:
    """Switch the journal."""
    answer = await standin.http.patch("/_standin/settings", json={"journal": on})
    assert (answer.status_code, answer.json()["journal"]) == (200, on)


async def entries(standin: Standin, **asked: Any) -> list[dict[str, Any]]:
    """Return the entries of the journal."""
    answer = await standin.http.get("/_standin/journal", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"]


async def misses(standin: Standin) -> list[str]:
    """Return what the newest entry says of a near miss."""
    return (await entries(standin, limit=1))[0].get("near_miss", [])
