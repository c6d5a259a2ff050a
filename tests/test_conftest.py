"""The marker for programs of the system."""

import signal
from types import SimpleNamespace

import pytest

from tests.conftest import pytest_collection_modifyitems, pytest_configure, pytest_runtest_setup

REASON = "a-command-nobody-has is not installed; this installs it: apt-get install wanted-package"


@pytest.fixture
def needy(request):
    """Return this very test, marked as one that needs what nobody has, after its own set-up is over."""
    request.node.add_marker(pytest.mark.system("wanted-package", "a-command-nobody-has"))
    return request.node


def test_a_missing_program_is_a_skip_that_names_the_command(needy, monkeypatch):
    """Outside continuous integration the rest of the run goes on."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception) as skipped:
        pytest_runtest_setup(needy)
    assert str(skipped.value) == REASON


def test_a_missing_program_is_a_failure_in_continuous_integration(needy, monkeypatch):
    """With CI=true nothing is skipped."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception) as failed:
        pytest_runtest_setup(needy)
    assert str(failed.value) == REASON


@pytest.mark.system("coreutils", "ls")
def test_a_program_that_is_there_lets_the_test_run(request):
    """Nothing is raised."""
    assert pytest_runtest_setup(request.node) is None


def test_ctrl_c_is_heard_in_the_background_too():
    """A shell has what it starts there ignore it, and what is tested would inherit that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pytest_configure()
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_longest_files_come_first():
    """The others keep their order, and so do they."""
    names = ["tests/a.py::x", "tests/test_processes.py::b", "tests/plugin/c.py::a", "tests/z.py::y"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [names[1], names[2], names[0], names[3]]
