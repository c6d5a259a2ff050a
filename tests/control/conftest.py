"""Fixtures: a stand-in whose clock stands still, and what the control plane's document says of a shape."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from app.clock import Clock
from app.postgres.preparation import prepare
from app.schema import Preparation
from app.seed import plant
from tests.oauth.driver import Standin, steered
from tests.postgresql import Postgres
from tests.servers import ADMIN_SECRET

StandinFor = Callable[..., Awaitable[Standin]]
DEVICE = "/_standin/device"


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


@pytest.fixture(scope="session")
def seeded(postgres: Postgres) -> str:
    """The name of a database with the standard seed, of which tests get copies."""
    url, now = postgres.create(), Clock().now()
    seed = Preparation(
        lambda begun: plant(begun, "standard", ADMIN_SECRET, now, False), lambda _begun: None, enable_test_tenant=True
    )
    asyncio.run(prepare(url, seed))
    return url.rpartition("/")[2]


@pytest.fixture(
    params=["file", "memory", pytest.param("postgresql", marks=pytest.mark.system("postgresql", "pg_ctlcluster"))]
)
def location(request: pytest.FixtureRequest, tmp_path) -> Iterator[str]:
    """The URL of a database of each kind."""
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create(request.getfixturevalue("seeded"))
        yield url
        postgres.drop(url)
    else:
        yield f"sqlite:///{tmp_path / 'tms.db'}" if request.param == "file" else "sqlite://"


async def decide(standin: Standin, flow: dict[str, Any], **wish: Any) -> httpx.Response:
    """Ask for a decision on a flow."""
    return await standin.http.post(f"{DEVICE}/{flow['user_code']}", json=wish)


def problem(answer: httpx.Response, status: int, title: str, detail: str, **members: Any) -> None:
    """Compare a refusal with RFC 9457, all of it."""
    assert answer.json() == {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def wrong(answer: httpx.Response, field: str, detail: str) -> None:
    """Compare the refusal of one field."""
    errors = [{"field": field, "detail": detail}]
    problem(answer, 422, "Unprocessable Entity", f"{field} {detail}.", errors=errors)
