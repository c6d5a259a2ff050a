"""Fixtures for the browser walks: a server with an interval of one second, a browser, windows in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.drive import Visit, chromium, visiting
from tests.servers import STANDARD, Server, running

# Pages refresh themselves after up to three seconds, and a busy machine takes its time.
expect.set_options(timeout=20_000)

VisitFor = Callable[..., Visit]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server process; every walk types wrong codes as it likes."""
    with running(tmp_path_factory.mktemp("browser"), oauth__interval=1, oauth__wrong_codes=1000, **STANDARD) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser. No later than with the module it ends: while it runs, no test can have an event loop."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit_for(browser: Browser, server: Server) -> Iterator[VisitFor]:
    """Return a function that opens a window; afterwards no window has asked another host, or found fault with a page."""
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_window(**options: Any) -> Visit:
            visits.append(stack.enter_context(visiting(browser, server, **options)))
            return visits[-1]

        yield open_window
    own = urlsplit(server.url).hostname
    asked_for = [url for visit in visits for url in visit.asked_for if not url.startswith("data:")]
    assert {urlsplit(url).hostname for url in asked_for} == {own}
    # Chromium reports the status of every page that is not 200 as well.
    complaints = [
        text for visit in visits for text in visit.complaints if "the server responded with a status" not in text
    ]
    assert complaints == []


@pytest.fixture
def visit(visit_for: VisitFor) -> Visit:
    """Return a window without JavaScript."""
    return visit_for()
