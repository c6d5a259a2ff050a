"""The command line as a whole: its commands, its help, and how it refuses."""

import signal

import pytest

from app import __version__
from app.command import console
from tests.command.conftest import run_apart

COMMANDS = ["completion", "device", "exec", "export", "health", "import"]
COMMANDS += ["reset", "seed", "serve", "snapshot", "verify"]


def test_help_names_every_command(run):
    """--help and -h list the commands, each with a whole sentence."""
    status, output, errors = run("--help")
    assert (status, errors) == (0, "")
    lines = [line.split(maxsplit=1) for line in output.partition("Commands:\n")[2].splitlines()]
    assert [name for name, _ in lines] == COMMANDS
    assert [sentence for _, sentence in lines if not sentence.endswith(".") or sentence.endswith("...")] == []
    assert run("-h") == (0, output, "")


def test_the_version(run):
    """--version writes the stand-in's own version."""
    assert run("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nosuch"], "No such command 'nosuch'."),
        (["--port", "4000"], "No such option '--port'."),
        (["device", "approve"], "Missing argument 'CODE'."),
        (["exec"], "Missing argument 'COMMAND...'."),
        (
            ["health", "--url", "here"],
            "Invalid value for '--url' (env var: 'TMS_URL'): 'here' is not the URL of a server, such as",
        ),
        (["verify", "http://h/x"], "Invalid value for 'URL': 'http://h/x' is not the URL of a server, such as"),
        (["verify", "http://h:x"], "Invalid value for 'URL': 'http://h:x' is not the URL of a server, such as"),
        (["completion", "tcsh"], "Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'."),
    ],
)
def test_a_mistake_is_one_sentence(run, arguments, sentence):
    """It is told on standard error, with status 2, and nothing is done."""
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert errors.startswith(f"tms-standin: {sentence}")
    assert errors.count("\n") == 1


def test_an_interrupted_command(monkeypatch, run):
    """Ctrl-C while a command asks ends it with 130 and no trace."""

    def interrupted(*_what, **_named):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("app.command.records.Control", interrupted)
    status, output, errors = run("reset", "--url", "http://127.0.0.1:1")
    assert (status, output, errors.strip()) == (130, "", "")


def test_the_console_command_ends_with_the_status(monkeypatch):
    """What the wheel installs as tms-standin ends the process with the command's status."""
    monkeypatch.setattr("sys.argv", ["tms-standin", "nosuch"])
    with pytest.raises(SystemExit) as ended:
        console()
    assert ended.value.code == 2


def test_as_a_module(tmp_path):
    """`python -m app` is the same command, and a mistake starts no server."""
    assert run_apart("nosuch", cwd=tmp_path) == (2, "", "tms-standin: No such command 'nosuch'.\n")
    assert list(tmp_path.iterdir()) == []
