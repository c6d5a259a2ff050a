"""`completion`, and what the shells get from it."""

import pytest

from app.command.shell import SHELLS
from app.remote.calls import Server as Target
from tests.command.conftest import run_apart
from tests.ports import free_port


def complete(line, **changed):
    """Return the type and value of each word that bash proposes for the last one of a line."""
    words = line.split(" ")
    variables = {"_TMS_STANDIN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    status, output, errors = run_apart(**variables, **changed)
    assert (status, errors) == (0, "")
    return [tuple(word.split(",")) for word in output.splitlines() if word]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_lines(run, shell):
    """The lines call this command for the words."""
    status, output, errors = run("completion", shell)
    assert (status, errors) == (0, "")
    assert f"_TMS_STANDIN_COMPLETE={shell}_complete" in output


def test_commands_and_options():
    """Commands, their commands, options and choices are completed."""
    assert complete("tms-standin s") == [("plain", "seed"), ("plain", "serve"), ("plain", "snapshot")]
    assert complete("tms-standin device a") == [("plain", "approve")]
    assert complete("tms-standin device list --status ex") == [("plain", "expired")]


def test_seeds():
    """The seeds with names are proposed, and files."""
    assert complete("tms-standin seed e") == [("plain", "empty"), ("file", "e")]


def test_what_the_server_knows(server, control):
    """Snapshots, and user codes that wait."""
    control.snapshots.save("first")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    Target(server.url)("POST", "/oauth2/device_authorization", form, b"client_id=device-public")
    (flow,) = control.device.list()
    assert complete("tms-standin snapshot restore f", TMS_URL=server.url) == [("plain", "first")]
    assert complete("tms-standin snapshot restore x", TMS_URL=server.url) == []
    assert complete("tms-standin device deny ", TMS_URL=server.url) == [("plain", flow["user_code"])]
    control.snapshots.delete("first")


def test_a_server_that_does_not_answer():
    """Nothing is proposed, and nothing is said."""
    assert complete("tms-standin device deny ", TMS_URL=f"http://127.0.0.1:{free_port()}") == []
