"""An account, a stand-in for all tests, and servers that ask it."""

from collections.abc import Iterator

import pytest

from tests.servers import running
from tests.ssh.account import Account, account
from tests.ssh.sshd import Sshd, running_sshd
from tests.ssh.standin import StandIn


@pytest.fixture(scope="session")
def somebody() -> Iterator[Account]:
    """The account that logs in."""
    with account() as found:
        yield found


@pytest.fixture(scope="session")
def kept_standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One server process for all tests."""
    with running(tmp_path_factory.mktemp("standin")) as server:
        yield StandIn(server.url)


@pytest.fixture
def standin(kept_standin: StandIn) -> StandIn:
    """The same as new, with its journal on."""
    kept_standin.control.reset(settings=True)
    kept_standin.control.journal.on()
    return kept_standin


@pytest.fixture(scope="session")
def sshd(kept_standin: StandIn, somebody: Account) -> Iterator[Sshd]:
    """A server that asks the stand-in, run by root where root runs the tests."""
    with running_sshd(kept_standin.url, somebody, as_root=somebody.is_made) as server:
        yield server


@pytest.fixture
def own_sshd(kept_standin: StandIn, somebody: Account) -> Iterator[Sshd]:
    """One that the account itself runs."""
    with running_sshd(kept_standin.url, somebody, as_root=False) as server:
        yield server
