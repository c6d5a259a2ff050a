"""`exec`, as a process of its own: the command's variables, exit status and signals, and what is left of it all."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress

import psutil
import pytest

from app.remote.calls import Server as Target
from tests.command.conftest import environment, run_apart
from tests.ports import free_port
from tests.servers import running

PATIENCE_SECONDS = 30
ENVIRONMENT = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
# Says what it got and goes on, until it is ended by SIGTERM.
LISTENER = """
import os, signal, sys, time
def note(number, _frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(5)
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, note)
print(os.environ["TMS_URL"], flush=True)
while True:
    time.sleep(0.05)
"""


@contextmanager
def executing(*arguments):
    """Run `exec` with arguments and yield its process, its output a pipe."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "exec", *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        process.stdout.close()


def family(process):
    """Return the processes below one."""
    return psutil.Process(process.pid).children(recursive=True)


def ended(processes):
    """Wait until all of them are gone and tell whether they are."""
    return psutil.wait_procs(processes, PATIENCE_SECONDS)[1] == []


@pytest.mark.system("curl", "curl")
def test_the_command_finds_the_server():
    """The issue's own example: the answer is printed, and no process is left."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    status, output, errors = run_apart("exec", "--", "sh", "-c", "curl -fs $TMS_URL/v1/tms/version")
    assert (status, json.loads(output)["tms_version"], errors) == (0, "0.3.0", "")
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before


def test_every_variable(tmp_path):
    """What the start prints for the load suite, and the Tapis base URL; the rest of the environment is as it was."""
    status, output, _ = run_apart("exec", *ENVIRONMENT, cwd=tmp_path, MARK="kept", TMS_URL="http://elsewhere")
    found = json.loads(output)
    url = found["TMS_URL"]
    assert (status, found["MARK"]) == (0, "kept")
    assert url.startswith("http://127.0.0.1:")
    assert {name: value for name, value in found.items() if "TMS" in name or "TAPIS" in name} == {
        "TMS_URL": url,
        "TAPIS_BASE_URL": url,
        "TMS_PARSE_RESPONSE": "true",
        "X_TMS_CLIENT_ID": "testclient1",
        "X_TMS_CLIENT_SECRET": "secret1",
        "X_TMS_TENANT": "test",
        "X_TMS_ADMIN_ID": "~~admin",
        "X_TMS_ADMIN_SECRET": "adminsecret1",
        "TMS_PUBKEY_FINGERPRINT": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw",
        "TMS_PUBKEY_HOST": "testhost1",
        "TMS_PUBKEY_KEYTYPE": "ed25519",
        "TMS_PUBKEY_USER": "testhostaccount1",
        "TMS_PUBKEY_USERID": "1",
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.system("curl", "curl")
def test_the_settings_hold(tmp_path):
    """A tms.toml of this folder is read, https is served with an authority that clients find, and nothing is left."""
    (tmp_path / "tms.toml").write_text('[standin]\nadmin_secret = "other"\ntls = true\n')
    script = "echo $X_TMS_ADMIN_SECRET; curl -fs $TMS_URL/v1/tms/version >/dev/null && echo trusted"
    done = run_apart("exec", "--log", "server.log", "sh", "-c", script, cwd=tmp_path)
    assert done == (0, "other\ntrusted\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.log", "tms.toml"]
    assert "GET /v1/tms/version 200" in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_the_exit_status(server, script, status):
    """It is the command's; 128 and the number where a signal ended it."""
    assert run_apart("exec", "--url", server.url, "--", "sh", "-c", script) == (status, "", "")


def test_options_of_the_command(server):
    """Options behind the command's name are its own, with and without the two dashes."""
    for dashes in ([], ["--"]):
        done = run_apart("exec", "--url", server.url, *dashes, "echo", "--help", "-x", "--", "--url")
        assert done == (0, "--help -x -- --url\n", "")


def test_a_command_that_is_not_there(tmp_path, server):
    """127 for none of that name and 126 for a file that cannot be run, as shells do."""
    file = tmp_path / "notes"
    file.write_text("")
    sentence = "tms-standin: nosuchcommand cannot be run: no such file or directory.\n"
    assert run_apart("exec", "--url", server.url, "nosuchcommand") == (127, "", sentence)
    assert run_apart("exec", "--url", server.url, str(file)) == (
        126,
        "",
        f"tms-standin: {file} cannot be run: permission denied.\n",
    )


def test_a_refused_start(tmp_path):
    """The server's own sentence and status 2; the command is not run."""
    sentence = 'TMS_STANDIN_OAUTH__INTERVAL must be a whole number, not "x".\n'
    done = run_apart("exec", "touch", "ran", cwd=tmp_path, TMS_STANDIN_OAUTH__INTERVAL="x")
    assert done == (2, "", sentence)
    (tmp_path / "seed.toml").write_text("[[planets]]\n")
    status, output, errors = run_apart("exec", "touch", "ran", cwd=tmp_path, TMS_STANDIN_SEED="seed.toml")
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "planets is not known here" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["seed.toml"]


def test_signals_are_passed_on():
    """The command gets each of them, and its exit status is the end."""
    with executing("--", sys.executable, "-c", LISTENER) as process:
        url, children = process.stdout.readline().strip(), family(process)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
            process.send_signal(number)
            assert process.stdout.readline() == f"{signal.Signals(number).name}\n"
        assert process.wait(PATIENCE_SECONDS) == 5
        assert ended(children)
    assert free_again(url)


def free_again(url):
    """Tell whether nobody listens at a URL any more."""
    return url not in [
        f"http://{one.laddr.ip}:{one.laddr.port}" for one in psutil.net_connections("tcp") if one.status == "LISTEN"
    ]


def test_killed_hard():
    """Nothing is left where `exec` has no time to clean up: neither its server nor its command."""
    with executing("--", sys.executable, "-c", LISTENER) as process:
        process.stdout.readline()
        children = family(process)
        assert len(children) == 2
        process.kill()
        assert ended(children)


def test_the_keyboard_reaches_the_command_once():
    """Ctrl-C in a terminal goes to all of its processes; the command is not sent another one, and the server stays."""
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "exec", "--", sys.executable, "-c", LISTENER],
        env=environment(),
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - this process has one thread
    )
    os.close(terminal)
    try:
        url = process.stdout.readline().strip()
        os.write(controller, b"\x03")
        assert process.stdout.readline() == "SIGINT\n"
        assert Target(url)("GET", "/v1/tms/version", {}).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "SIGTERM\n"
        assert process.wait(PATIENCE_SECONDS) == 5
    finally:
        process.stdout.close()
        os.close(controller)


def own_terminal():
    """Make standard input the terminal of a new session, as a shell's window does."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_running_server_is_reset(server, control):
    """With --url it is used, at its seed; the variables name it."""
    control.clock.freeze("2030-01-01T00:00:00Z")
    status, output, errors = run_apart("exec", "--url", f"{server.url}/", "--", *ENVIRONMENT)
    assert (status, errors) == (0, "")
    assert json.loads(output)["TMS_URL"] == server.url
    assert control.clock.now().year != 2030


@pytest.mark.parametrize("host", ["example.org", "192.0.2.1", "0.0.0.0", "[2001:db8::1]"])
def test_only_loopback_is_reset(tmp_path, host):
    """A server elsewhere is refused before anything is sent to it, and the command is not run."""
    sentence = (
        "tms-standin: --url must be on loopback (127.0.0.1, [::1] or localhost), "
        f"not {host.strip('[]')}: exec resets what it uses.\n"
    )
    assert run_apart("exec", "--url", f"http://{host}:3000", "touch", "ran", cwd=tmp_path) == (2, "", sentence)
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_the_url(tmp_path):
    """The command is not run."""
    url = f"http://localhost:{free_port()}"
    done = run_apart("exec", "--url", url, "touch", "ran", cwd=tmp_path)
    assert done == (2, "", f"{url} does not answer: connection refused.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_control_token(tmp_path):
    """It is shown to the running server, from the option or the variable."""
    with running(tmp_path, control_token="t") as server:
        refused = "401 Unauthorized: This is not the bearer token of standin.control_token.\n"
        assert run_apart("exec", "--url", server.url, "--token", "x", "true") == (2, "", refused)
        assert run_apart("exec", "--url", server.url, "--token", "t", "true") == (0, "", "")
        assert run_apart("exec", "--url", server.url, "true", TMS_STANDIN_CONTROL_TOKEN="t") == (0, "", "")


def test_a_token_of_its_own(tmp_path):
    """A server that exec starts may have one too."""
    assert run_apart("exec", "true", cwd=tmp_path, TMS_STANDIN_CONTROL_TOKEN="t") == (0, "", "")


def test_what_was_ignored_stays_so(server):
    """Under nohup the command ignores SIGHUP as well."""
    script = "import signal; print(signal.getsignal(signal.SIGHUP).name)"
    done = subprocess.run(
        ["nohup", sys.executable, "-m", "app", "exec", "--url", server.url, sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "SIG_IGN\n")
