"""The plugin in projects of a few lines, each run by a pytest of its own."""

import os
import re
import subprocess
import sys
from typing import NamedTuple

import psutil
import pytest

from tests.servers import ROOT

FIVE_LINES = """
def test_version(tms):
    answer = tms.client.get("/v1/tms/version")
    assert answer.json()["tms_version"] == "0.3.0"
"""


PLUGINS = ("-p", "app.pytest_plugin", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin")
# Other plugins take two seconds to load, most of them schemathesis's own; elsewhere/ is a project with what it needs.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Outcome(NamedTuple):
    """What a run of pytest left: its exit status, how many tests ended how, and all it printed."""

    status: int
    counts: dict[str, int]
    printed: str


@pytest.fixture
def pytest_with(tmp_path):
    """Return a function that runs pytest on a test module in a new project, with lines in the ini file."""

    def run(module: str, *ini: str, arguments: tuple[str, ...] = (), **variables: str) -> Outcome:
        lines = ["[pytest]", "asyncio_default_fixture_loop_scope = function", "filterwarnings = error", *ini]
        (tmp_path / "pytest.ini").write_text("\n".join(lines) + "\n")
        (tmp_path / "test_it.py").write_text(module)
        kept = {name: value for name, value in os.environ.items() if "TMS_" not in name}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *PLUGINS, "-rA", *arguments],
            cwd=tmp_path,
            env={**kept, **ENVIRONMENT, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        counts = re.findall(r"(\d+) (passed|failed|error)", done.stdout.splitlines()[-1])
        return Outcome(done.returncode, {what: int(number) for number, what in counts}, done.stdout)

    return run


@pytest.mark.parametrize("ini", [[], ["tms_inprocess = true"]], ids=["process", "inside"])
def test_five_lines(pytest_with, ini):
    """The promise of the README, with a server and without one."""
    outcome = pytest_with(FIVE_LINES, *ini)
    assert outcome.counts == {"passed": 1}, outcome.printed


STEERED = """
import asyncio
import pytest

CLIENT = {"client_id": "same", "tenant": "test", "app_name": "same", "app_version": "1"}

@pytest.mark.parametrize("number", range(3))
def test_each_test_begins_at_the_seed(tms, tms_control, number):
    assert tms_control is tms.control
    assert tms_control.settings.get()["quirks"] == "intended"
    assert tms_control.clock.now().year < 2050
    tms_control.settings.set(enable_mvp=False, quirks="real")
    assert tms.client.post("/v1/tms/client", json=CLIENT).status_code == 201
    tms_control.clock.freeze("2050-01-01T00:00:00Z")
    assert tms.client.get("/v1/tms/version").headers["date"] == "Sat, 01 Jan 2050 00:00:00 GMT"

def test_device_flow(tms, tms_control):
    flow = tms.client.post("/oauth2/device_authorization", data={"client_id": "device-public"}).json()
    assert tms_control.device.approve(flow["user_code"], username="testuser2")["status"] == "approved"

def test_snapshots(tms, tms_control):
    tms_control.settings.set(enable_mvp=False)
    tms_control.snapshots.save("before")
    assert tms.client.post("/v1/tms/client", json=CLIENT).status_code == 201
    tms_control.snapshots.restore("before")
    assert tms.client.post("/v1/tms/client", json=CLIENT).status_code == 201
    tms_control.snapshots.delete("before")

def test_awaiting(tms):
    async def ask():
        async with tms.async_client() as client:
            return await asyncio.gather(*(client.get("/v1/tms/version") for _ in range(5)))
    assert [answer.status_code for answer in asyncio.run(ask())] == [200] * 5

def test_variables(tms):
    assert tms.env["TMS_URL"] == tms.env["TAPIS_BASE_URL"] == tms.url
    assert tms.env["X_TMS_CLIENT_SECRET"] == "secret1"
"""


@pytest.mark.parametrize("ini", [[], ["tms_inprocess = true"]], ids=["process", "inside"])
def test_what_the_fixtures_give(pytest_with, ini):
    """Clients, variables and control; each test begins at the seed, settings and clock included."""
    outcome = pytest_with(STEERED, *ini)
    assert outcome.counts == {"passed": 7}, outcome.printed


BOTH = """
def test_both(tms, tms_inprocess):
    assert tms.url != tms_inprocess.url
    tms.control.settings.set(strict=True)
    assert tms_inprocess.control.settings.get()["strict"] is False
    assert tms_inprocess.logged() == ""
"""


def test_both_kinds_in_one_test(pytest_with):
    """They are two stand-ins."""
    assert pytest_with(BOTH).counts == {"passed": 1}


SETTINGS = """
def test_settings(tms):
    found = tms.control.settings.get()
    assert (found["strict"], found["quirks"], found["wire_version"]) == (True, "real", "0.1.0")
    assert tms.client.get("/v1/tms/tenants/astro").status_code == 200
    assert tms.control.reset() == EXPECTED_SEED
"""


@pytest.mark.parametrize("ini", [[], ["tms_inprocess = true"]], ids=["process", "inside"])
def test_settings_of_the_ini_file(pytest_with, tmp_path, ini):
    """Settings and seed come from the ini file, over tms.toml; variables of the environment hold over them."""
    (tmp_path / "astro.toml").write_text('[[tenants]]\ntenant = "astro"\n')
    (tmp_path / "tms.toml").write_text('[standin]\nwire_version = "0.1.0"\nquirks = "intended"\n')
    lines = ["tms_seed = astro.toml", "tms_settings =", "    standin.quirks = real", "    standin.strict = false"]
    module = SETTINGS.replace("EXPECTED_SEED", repr(str(tmp_path / "astro.toml")))
    outcome = pytest_with(module, *lines, *ini, TMS_STANDIN_STRICT="true")
    assert outcome.counts == {"passed": 1}, outcome.printed


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["tms_settings = strict"], "tms_settings: 'strict' is not of the form key = value."),
        (["tms_settings = strct = true"], "TMS_STANDIN_STRCT is not a variable of the stand-in; the nearest one is "),
        (["tms_seed = nosuch.toml"], "nosuch.toml"),
        (["tms_inprocess = true", "tms_settings = strict = 1.5"], "TMS_STANDIN_STRICT must be true or false"),
    ],
)
def test_a_stand_in_that_cannot_start(pytest_with, lines, sentence):
    """Tests that need it fail with its sentence and no trace; those that do not pass."""
    outcome = pytest_with(FIVE_LINES + "\ndef test_nothing():\n    pass\n", *lines)
    assert outcome.counts == {"passed": 1, "error": 1}, outcome.printed
    assert sentence in outcome.printed
    assert "Traceback" not in outcome.printed
    assert "During handling" not in outcome.printed


FAILING = """
def test_fails(tms):
    tms.client.get("/v1/tms/nothing")
    assert False

def test_passes(tms):
    tms.client.get("/v1/tms/something")

def test_fails_without():
    assert False
"""


def test_a_failing_test_shows_what_the_server_logged(pytest_with):
    """The lines of that test's own requests stand below its report."""
    outcome = pytest_with(FAILING)
    assert outcome.counts == {"passed": 1, "failed": 2}, outcome.printed
    section = outcome.printed.partition("TMS stand-in")[2].partition("____")[0]
    assert "GET /v1/tms/nothing 404" in section
    assert "/v1/tms/something" not in outcome.printed


UNUSED = """
import sys

LARGE = {"httpx", "fastapi", "pydantic", "sqlalchemy", "click", "cryptography", "app.settings", "app.remote"}

def test_nothing():
    assert LARGE & set(sys.modules) == set()
"""


def test_a_project_that_does_not_use_it(pytest_with):
    """Nothing large is imported, no thread is started, and nothing is written."""
    outcome = pytest_with(UNUSED, arguments=("-p", "no:asyncio", "-W", "ignore::pytest.PytestConfigWarning"))
    assert outcome.counts == {"passed": 1}, outcome.printed


def test_help_tells_of_the_options(pytest_with):
    """`pytest --help` and `pytest --fixtures` describe what there is."""
    printed = " ".join(pytest_with("", arguments=("--help",)).printed.split())
    for words in (
        "tms_seed (string): What the stand-in of",
        "tms_settings (linelist): Settings",
        "tms_inprocess (bool)",
    ):
        assert words.lower() in printed.lower()
    printed = pytest_with("", arguments=("--fixtures",)).printed
    for name in ("tms", "tms_control", "tms_inprocess"):
        assert re.search(rf"^{name} -- ", printed, re.MULTILINE)


WORKERS = """
import pytest

@pytest.mark.parametrize("number", range(8))
def test_alone(tms, number):
    tms.control.clock.freeze(f"2050-01-01T00:00:0{number}Z")
    for _ in range(5):
        assert tms.control.clock.now().second == number
    print("PORT", tms.url)
"""


def test_each_worker_has_its_own(pytest_with):
    """Under pytest-xdist two workers have two servers."""
    outcome = pytest_with(WORKERS, arguments=("-p", "xdist.plugin", "-n", "2"))
    assert outcome.counts == {"passed": 8}, outcome.printed
    assert len(set(re.findall(r"^PORT (\S+)$", outcome.printed, re.MULTILINE))) == 2


def test_no_server_is_left(pytest_with):
    """The server ends with the session."""
    outcome = pytest_with(FIVE_LINES.replace("answer = ", "print('PORT', tms.url); answer = "))
    port = int(re.search(r"^PORT http://127.0.0.1:(\d+)$", outcome.printed, re.MULTILINE)[1])
    assert port not in [one.laddr.port for one in psutil.net_connections("tcp") if one.status == "LISTEN"]
