"""Fixtures for every test: a real server, in-process clients, and the marker for programs of the system."""

import gc
import os
import shutil
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import hypothesis
import pytest

from tests.databases import fresh_database
from tests.leaks import LOGS
from tests.postgresql import Postgres, running_postgres
from tests.servers import STANDARD, Server, running

# Debian keeps what only servers and root need where the PATH of others does not lead.
PROGRAMS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
LEAKS = pytest.StashKey[list[str]]()
# Files that take a minute or more on two busy cores, by the beginnings of their names.
LONGEST = (
    *("tests/plugin/", "tests/test_processes.py", "tests/load/", "tests/soak/", "tests/crash/", "tests/fuzz/"),
    *("tests/command/test_execute.py", "tests/browser/", "tests/test_deterministic.py", "tests/test_keys.py"),
    *("tests/oauth/test_restart.py", "tests/test_servers.py", "tests/test_main.py", "tests/faults/test_running.py"),
)
ClientFor = Callable[..., Awaitable[httpx.AsyncClient]]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked system(package, command) where the command is missing; with CI=true that is a failure."""
    for marker in item.iter_markers("system"):
        package, command = marker.args
        if shutil.which(command, path=PROGRAMS) is None:
            reason = f"{command} is not installed; this installs it: apt-get install {package}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason=reason)


def pytest_configure() -> None:
    """Have the logs of the servers looked through that tests start, and Ctrl-C be heard however the run was started."""
    LOGS.active = True
    # Hypothesis's own: the same examples in every run, and no deadline that a busy machine would miss.
    hypothesis.settings.load_profile("ci")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # As in what a script starts in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist has found in the logs of its servers."""
    node.config.stash.setdefault(LEAKS, []).extend(getattr(node, "workeroutput", {}).get("leaks", []))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the whole run, every test of it passed or not, where a server has logged a secret, a code or a key."""
    found = session.config.stash.setdefault(LEAKS, [])
    found.extend(LOGS.leaks())
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # A process of pytest-xdist: the one that has started it tells and fails.
        output["leaks"] = found
    elif found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell what was found in the logs."""
    if found := config.stash.get(LEAKS, []):
        terminalreporter.section("secrets in the logs of servers", red=True)
        for leak in found:
            terminalreporter.line(leak)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: a worker that gets one of them last keeps all waiting.

    pytest-xdist would begin with those that have the most tests.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Keep what is there by now out of every search for garbage; a test searches for what it has left itself."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A real PostgreSQL server, in which each test makes a database of its own."""
    with running_postgres(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server process in the standard setup: MVP off, test tenant on, new clients allowed."""
    with running(tmp_path_factory.mktemp("server"), **STANDARD) as server:
        yield server


@pytest.fixture
async def client_for() -> AsyncIterator[ClientFor]:
    """Return a function that makes an app of its own, in memory, in the standard setup changed by `settings`."""
    from app.main import create_app
    from app.settings import Settings

    async with AsyncExitStack() as stack:

        async def open_client(**settings: object) -> httpx.AsyncClient:
            database = fresh_database(settings)
            app = create_app(Settings(**{"database": database, **STANDARD, **settings}))
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
            return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://standin"))

        yield open_client
    # What was not closed is found here, as a ResourceWarning of the test that left it, and warnings are errors.
    gc.collect()


@pytest.fixture
async def client(client_for: ClientFor) -> httpx.AsyncClient:
    """Return a client of an app in the standard setup."""
    return await client_for()
