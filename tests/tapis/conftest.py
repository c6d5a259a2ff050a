"""Fixtures: a stand-in whose clock stands still, in the standard setup or with settings of its own."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.oauth.driver import Standin, steered

StandinFor = Callable[..., Awaitable[Standin]]


@pytest.fixture
async def standin_for() -> AsyncIterator[StandinFor]:
    """Return a function that runs a stand-in; `oauth={...}` are keywords of its [oauth] table."""
    async with AsyncExitStack() as stack:

        async def run(**settings: Any) -> Standin:
            return await stack.enter_async_context(steered(**settings))

        yield run
    gc.collect()  # What was not closed is found here, as a ResourceWarning of the test that left it.


@pytest.fixture
async def standin(standin_for: StandinFor) -> Standin:
    """Return a stand-in in the standard setup."""
    return await standin_for()
