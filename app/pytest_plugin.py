"""The pytest plugin: fixtures that hand a stand-in to tests. It imports nothing large until a test asks for one.

Under pytest-xdist each worker has a stand-in of its own, since a session is one worker's.
"""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .remote.control import Control
    from .testing.standin import Tms

# What `Launching` yields: a new Tms for each test.
Make = Callable[[], "Tms"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what may stand in the ini file."""
    parser.addini(
        "tms_seed",
        "what the stand-in of the fixture tms holds: standard, empty, or a TOML file, relative to the root directory",
        default="",
    )
    parser.addini(
        "tms_settings",
        "settings of that stand-in, one a line, named as in tms.toml: oauth.interval = 1 (TMS_STANDIN_... variables of "
        "the environment hold over them)",
        type="linelist",
        default=[],
    )
    parser.addini(
        "tms_inprocess",
        "true: the fixture tms runs in this process, without a port; only its own clients reach it",
        type="bool",
        default=False,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Show what the stand-in has logged below the report of a test that fails."""
    tms: Tms | None = getattr(item, "funcargs", {}).get("tms")
    try:
        return (yield)
    except BaseException:
        if tms is not None and (logged := tms.logged()):
            item.add_report_section("call", "TMS stand-in", logged)
        raise


@pytest.fixture(scope="session")
def _tms_process(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    with _failing_in_a_sentence():
        from .remote.launching import launched
        from .testing.standin import Tms

        folder = tmp_path_factory.mktemp("tms-standin")
        environment, directory = _environment(pytestconfig), pytestconfig.rootpath
        with launched(folder, environment, directory, folder / "server.log") as child:
            server = child.server
            yield lambda: Tms(server.url, child.variables, server, authority=server.authority, log=child.log)


@pytest.fixture(scope="session")
def _tms_inside(pytestconfig: pytest.Config) -> Iterator[Make]:
    with _failing_in_a_sentence():
        from .testing.inprocess import inside

        with inside(_environment(pytestconfig), pytestconfig.rootpath) as make:
            yield make


@pytest.fixture
def tms(request: pytest.FixtureRequest) -> Iterator["Tms"]:
    """A TMS, OAuth and Tapis stand-in, as seeded: tms.url, tms.env, tms.client (httpx), tms.async_client().

    One server on a free port serves the whole session; before each test it is reset, settings included.
    """
    inside = request.config.getini("tms_inprocess")
    yield from _at_its_seed(request.getfixturevalue("_tms_inside" if inside else "_tms_process"))


@pytest.fixture
def tms_inprocess(_tms_inside: Make) -> Iterator["Tms"]:
    """The same inside this process, without a port: only its clients and its control reach it."""
    yield from _at_its_seed(_tms_inside)


@pytest.fixture
def tms_control(tms: "Tms") -> "Control":
    """What steers the stand-in of the fixture tms: reset(), clock, faults, journal, device, snapshots, settings."""
    return tms.control


def _at_its_seed(make: Make) -> Iterator["Tms"]:
    tms = make()
    tms.control.reset(settings=True)
    yield tms
    tms.close()


def _environment(config: pytest.Config) -> dict[str, str]:
    """Return the ini file's settings as variables, and over them this process's environment. Raises UsageError."""
    from .remote.launching import environment_of

    settings: dict[str, str] = {}
    for line in config.getini("tms_settings"):
        key, equals, value = line.partition("=")
        if not equals:
            raise pytest.UsageError(f"tms_settings: {line!r} is not of the form key = value.")
        settings[key.strip()] = value.strip()
    if seed := config.getini("tms_seed"):
        settings["standin.seed"] = seed if seed in ("standard", "empty") else str(Path(config.rootpath, seed))
    return {**environment_of(settings), **os.environ}


@contextmanager
def _failing_in_a_sentence() -> Iterator[None]:
    """Fail the tests that need the stand-in with its own sentence, where it cannot be started."""
    from .errors import StartRefused
    from .remote.refusals import CallRefused, Unreachable

    try:
        yield
    except (StartRefused, CallRefused, Unreachable, pytest.UsageError) as trouble:
        raise pytest.fail.Exception(str(trouble), pytrace=False) from None
