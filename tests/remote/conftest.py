"""Fixtures: a stand-in that launching.py runs, one for all tests of this folder, and as seeded for each."""

import os
from collections.abc import Iterator, Mapping

import pytest

from app.remote.control import Control
from app.remote.launching import Launched, launched


def settings(**changed: str) -> Mapping[str, str]:
    """Return this process's environment with these settings and no others of a TMS."""
    kept = {name: value for name, value in os.environ.items() if "TMS_" not in name}
    return kept | {f"TMS_STANDIN_{name.upper()}": value for name, value in changed.items()}


@pytest.fixture(scope="session")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A stand-in with a database of its own."""
    folder = tmp_path_factory.mktemp("child")
    with launched(folder, settings(), folder, folder / "server.log") as found:
        yield found


@pytest.fixture
def control(child: Launched) -> Control:
    """What steers it; all is at its seed."""
    found = Control(child.server)
    found.reset(settings=True)
    return found
