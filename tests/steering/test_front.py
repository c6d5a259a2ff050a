"""What stands between a request and its endpoint while something is set, and that nothing does otherwise."""

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from app.steering.operations import Named
from app.steering.state import State
from tests.servers import STANDARD


@pytest.fixture
async def app():
    """Return a running application."""
    made = create_app(Settings(**{"database": "sqlite://", **STANDARD}))
    async with made.router.lifespan_context(made):
        yield made


async def get(app, path="/v1/tms/version"):
    """Send a request and return the status."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://standin") as client:
        return (await client.get(path)).status_code


def noting(seen, word):
    """Return a hook that notes a word and the request's name."""

    async def hook(named, scope, receive, send, forward):
        seen.append((word, named))
        await forward(scope, receive, send)

    return hook


async def test_calm(app):
    """Nothing is asked while nothing is set."""
    seen = []
    app.front.journal = noting(seen, "journal")
    assert (await get(app), seen, app.steering.is_calm) == (200, [], True)


async def test_the_order_of_the_hooks(app):
    """The journal sees what the faults have done to a request."""
    await app.steering.change(lambda _state: State(journal=True))
    seen = []
    app.front.journal, app.front.faults = noting(seen, "journal"), noting(seen, "faults")
    assert await get(app) == 200
    assert seen == [("journal", app.front._names.find("GET", b"/v1/tms/version")), ("faults", seen[0][1])]


@pytest.mark.parametrize("path", ["/_standin", "/_standin/health/live"])
async def test_the_control_plane_is_left_alone(app, path):
    """Whoever has broken everything can still mend it."""
    await app.steering.change(lambda _state: State(journal=True))
    seen = []
    app.front.journal = app.front.faults = noting(seen, "hook")
    await get(app, path)
    assert seen == []
    await get(app, "/_standing")
    assert [named for _, named in seen] == [Named(None, "GET /(other)")] * 2
