"""Starting a stand-in as a child, and stopping it, whichever way this ends."""

import subprocess
import sys

import psutil
import pytest

from app.errors import StartRefused
from app.remote.control import Control
from app.remote.launching import environment_of, launched
from tests.remote.conftest import settings
from tests.servers import ROOT


def test_it_serves_and_stops(tmp_path):
    """It is ready at once, keeps its files in the folder, reads the settings of the other one, and stops well."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there/tms.toml").write_text("enable_mvp = false\n")
    given = settings(control_token="t", http_port="1", host="192.0.2.1", database="sqlite:///elsewhere.db")
    with launched(tmp_path / "here", given, tmp_path / "there", tmp_path / "log") as child:
        control = Control(child.server)
        assert control.settings.get()["enable_mvp"] is False
        assert (child.variables["TMS_URL"], child.server.token) == (child.server.url, "t")
        assert child.server.url in child.log.read_text().splitlines()[0]
    assert child.process.returncode == 0
    assert (tmp_path / "here/tms.db").exists()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["tms.toml"]


def test_https(tmp_path):
    """The authority is made, trusted, and named for clients."""
    with launched(tmp_path, settings(tls="true"), tmp_path, tmp_path / "log") as child:
        assert child.server.url.startswith("https://127.0.0.1:")
        assert Control(child.server).reset() == "standard"
        assert child.variables["SSL_CERT_FILE"] == str(tmp_path / "tls/ca.pem")


def test_https_with_own_files(tmp_path):
    """A certificate of one's own is trusted as it is, and clients are not told of an authority."""
    with launched(tmp_path, settings(tls="true"), tmp_path, tmp_path / "log"):
        pass
    (tmp_path / "tls/server.pem").rename(tmp_path / "own.pem")
    own = settings(tls_certificate="own.pem", tls_key="own.pem")
    with launched(tmp_path, own, tmp_path, tmp_path / "log") as child:
        assert Control(child.server).reset() == "standard"
        assert "SSL_CERT_FILE" not in child.variables


def test_a_wrong_setting(tmp_path):
    """The sentence is that of any start."""
    with (
        pytest.raises(StartRefused, match=r"^TMS_STANDIN_STRICT must be true or false, not \"x\"\.$"),
        launched(tmp_path, settings(strict="x"), tmp_path, tmp_path / "log"),
    ):
        pass
    assert not (tmp_path / "tms.db").exists()


def test_a_refused_start(tmp_path):
    """What the child alone can find wrong is told in its own words."""
    (tmp_path / "seed.toml").write_text("[[planets]]\n")
    with (
        pytest.raises(StartRefused, match="planets is not known here"),
        launched(tmp_path, settings(seed="seed.toml"), tmp_path, tmp_path / "log"),
    ):
        pass


def test_one_that_does_not_stop(tmp_path, monkeypatch):
    """It is killed after a while."""
    monkeypatch.setattr("app.remote.launching.STOP_SECONDS", 0.2)
    with launched(tmp_path, settings(), tmp_path, tmp_path / "log") as child:
        psutil.Process(child.process.pid).suspend()
    assert child.process.returncode == -9


ORPHAN = """
import os, sys
from pathlib import Path
from app.remote.launching import launched
folder = Path(sys.argv[1])
with launched(folder, os.environ, folder, folder / "log") as child:
    print(child.process.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_it_ends_with_its_parent(tmp_path):
    """A parent that is killed takes it along."""
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(tmp_path)],
        cwd=tmp_path,
        env={**settings(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -9
    pid = int(done.stdout)
    left = [psutil.Process(pid)] if psutil.pid_exists(pid) else []
    assert psutil.wait_procs(left, 30)[1] == []


def test_another_package_called_app(tmp_path):
    """A folder with an `app` of its own, and modules named as the standard library's, does not disturb it."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").write_text("raise SystemExit('this is the wrong app')")
    (tmp_path / "email.py").write_text("raise SystemExit('this is the wrong email')")
    with launched(tmp_path, settings(), tmp_path, tmp_path / "log") as child:
        assert Control(child.server).reset() == "standard"


def test_settings_by_their_keys():
    """They are named as in tms.toml."""
    assert environment_of({"enable_mvp": "true", "standin.strict": "true", "oauth.interval": "1"}) == {
        "TMS_STANDIN_ENABLE_MVP": "true",
        "TMS_STANDIN_STRICT": "true",
        "TMS_STANDIN_OAUTH__INTERVAL": "1",
    }
