"""What running a command needs beyond `exec` itself: signals that come early, and systems without a death signal."""

import signal
import subprocess

import pytest

from app.command.child import _end_with_parent, _passing_on


def test_a_signal_before_the_command():
    """It is kept and sent once there is a command, and the handlers are as before afterwards."""
    before = signal.getsignal(signal.SIGUSR1)
    with _passing_on() as pass_to:
        signal.raise_signal(signal.SIGUSR1)
        process = subprocess.Popen(["sleep", "60"])
        pass_to(process)
        assert process.wait() == -signal.SIGUSR1
    assert signal.getsignal(signal.SIGUSR1) is before


@pytest.mark.parametrize(("platform", "asks"), [("linux", True), ("darwin", False)])
def test_only_linux_has_a_death_signal(monkeypatch, platform, asks):
    """Elsewhere a command is started without it."""
    monkeypatch.setattr("sys.platform", platform)
    assert (_end_with_parent() is not None) is asks
