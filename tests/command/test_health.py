"""`health`: the exit status that a container's HEALTHCHECK looks at."""

from tests.command.conftest import run_apart
from tests.ports import free_port
from tests.servers import STANDARD, running


def test_a_ready_server(server, run):
    """It says so, with status 0."""
    assert run("health") == (0, "ready\n", "")
    assert run("health", "--url", f"{server.url}/") == (0, "ready\n", "")


def test_nobody_there(run):
    """The sentence is on standard error, with 1: Docker keeps 2 for itself."""
    url = f"http://127.0.0.1:{free_port()}"
    assert run("health", "--url", url) == (1, "", f"{url} does not answer: connection refused.\n")


def test_the_address_of_the_settings(tmp_path):
    """Without --url and TMS_URL it asks where the settings of this folder and environment would serve, by https too."""
    with running(tmp_path, tls=True, control_token="t", **STANDARD) as server:
        variables = {"TMS_STANDIN_HTTP_PORT": str(server.port), "TMS_STANDIN_TLS": "true"}
        with_token = {**variables, "TMS_STANDIN_CONTROL_TOKEN": "t"}
        assert run_apart("health", cwd=tmp_path, **with_token) == (0, "ready\n", "")
        refused = "401 Unauthorized: The control plane asks for the bearer token of standin.control_token.\n"
        assert run_apart("health", cwd=tmp_path, **variables) == (1, "", refused)


def test_broken_settings(tmp_path):
    """Settings that say no address are refused with their own sentence and status 2."""
    sentence = 'TMS_STANDIN_HTTP_PORT must be a whole number, not "abc".\n'
    assert run_apart("health", cwd=tmp_path, TMS_STANDIN_HTTP_PORT="abc") == (2, "", sentence)
