"""The built wheel in an environment of its own, used by a project that has a package named `app` itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.servers import ROOT

PROJECT = Path(__file__).parent / "elsewhere"
BIN = PROJECT / ".venv/bin"
PATIENCE_SECONDS = 110
BUILT_FROM = ("pyproject.toml", "README.md", "app", "migrations")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from copies, since a build leaves its traces beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", "."], folder)
    (found,) = (folder / "dist").iterdir()
    return found


@pytest.fixture(scope="module")
def project(wheel, tmp_path_factory):
    """Install the wheel into its environment and return a copy of the project."""
    run(["tools/setup", "elsewhere"], ROOT)
    run([BIN / "pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel], ROOT)
    folder = tmp_path_factory.mktemp("elsewhere") / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    return folder


def run(command, folder, **variables):
    """Run a command that has to succeed and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if "TMS_" not in name and "COV" not in name}
    kept.pop("PYTHONPATH", None)
    environment = kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", **variables}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pytest_in(project, *arguments):
    """Run the project's pytest and return what it printed."""
    return run([BIN / "python", "-m", "pytest", *arguments], project)


def test_the_wheel_installs_one_package(wheel):
    """Nothing but tms_standin, with the recordings, the pages and the migrations; no package called app."""
    names = run([sys.executable, "-m", "zipfile", "--list", wheel], ROOT)
    tops = {line.split("/")[0] for line in names.splitlines()[1:]}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tms_standin"}
    for path in (
        "conformance/goldens/0.3.0/hello.json",
        "oauth/pages/templates/",
        "migrations/versions/0001_tables.py",
    ):
        assert f"tms_standin/{path}" in names


def test_every_package_is_in_the_wheel(wheel):
    """A new folder of app/ with modules in it is listed in pyproject.toml."""
    names = run([sys.executable, "-m", "zipfile", "--list", wheel], ROOT)
    modules = [path.relative_to(ROOT / "app") for path in (ROOT / "app").rglob("*.py")]
    assert [str(module) for module in modules if f"tms_standin/{module} " not in names] == []


def test_the_project_passes(project):
    """Its tests use the fixtures and its own code; pytest knows the plugin by the wheel alone."""
    printed = pytest_in(project, "-q", "-rA", "--deselect", "tests/test_workers.py")
    assert "5 passed" in printed
    print(re.search(r"1000 resets: .*", printed)[0])


def test_eight_workers_do_not_meet(project):
    """Each has a server of its own: tests that would fail on a shared one pass, on eight ports."""
    printed = pytest_in(project, "-n", "8", "-rP", "tests/test_workers.py")
    assert "40 passed" in printed
    ports = Counter(re.findall(r"^PORT (\S+)$", printed, re.MULTILINE))
    assert (len(ports), ports.total()) == (8, 40)


def test_the_command(project):
    """`tms-standin exec` runs in the project's folder, where `import app` is another one."""
    printed = run([BIN / "tms-standin", "exec", "--", "sh", "-c", "curl -fs $TMS_URL/v1/tms/version"], project)
    assert json.loads(printed)["tms_version"] == "0.3.0"


def test_the_recordings_are_in_the_wheel(project):
    """`tms-standin verify` plays them: a default server is in MVP mode, of which there are seven."""
    told = run([BIN / "tms-standin", "exec", "--", "sh", "-c", f"{BIN}/tms-standin verify $TMS_URL"], project)
    assert told == "7 of 7 answers equal (0.3.0, quirks intended, setup mvp)\n"


def test_pytest_and_httpx_are_not_needed_to_serve():
    """They come with tms-standin[pytest] alone."""
    needed = run(
        [BIN / "python", "-c", "import importlib.metadata as m; print(*m.requires('tms-standin'), sep='\\n')"], ROOT
    )
    lines = needed.splitlines()
    assert [line for line in lines if line.startswith(("pytest", "httpx")) and "extra ==" not in line] == []
    assert {line.partition(";")[0].strip() for line in lines if 'extra == "pytest"' in line} == {"pytest>=8", "httpx"}
