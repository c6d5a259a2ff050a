"""`reset`, `seed` and `snapshot` against a real server."""

import json
import re
from http import HTTPStatus

import pytest

from app.remote.calls import Server as Target

UNUSABLE = f"422 {HTTPStatus(422).phrase}"  # Its name has changed between versions of Python.
SEED = '[[tenants]]\ntenant = "astro"\n'
KNOWN_NOWHERE = "404 Not Found: There is no snapshot called nosuch; GET snapshots lists all of them.\n"


def tenants(server):
    """Return which of some tenants the server has."""
    target = Target(server.url)
    return [name for name in ("test", "astro") if target("GET", f"/v1/tms/tenants/{name}", {}).status == 200]


def client_status(server, client_id="testclient1", secret="secret1"):
    """Return the status that a client gets for its own record."""
    headers = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": client_id, "X-TMS-CLIENT-SECRET": secret}
    return Target(server.url)("GET", f"/v1/tms/client/{client_id}", headers).status


def make_client(server):
    """Make a client of tenant test and return its secret."""
    body = {"client_id": "extra", "tenant": "test", "app_name": "extra", "app_version": "1"}
    headers = {"Content-Type": "application/json"}
    answer = Target(server.url)("POST", "/v1/tms/client", headers, json.dumps(body).encode())
    return json.loads(answer.body)["client_secret"]


def test_reset(server, run):
    """What was made is gone; the modes stay."""
    secret = make_client(server)
    assert client_status(server, "extra", secret) == 200
    assert run("reset") == (0, "reset to seed standard\n", "")
    assert client_status(server, "extra", secret) == 401


def test_reset_leaves_the_modes_unless_asked(control, run):
    """--settings takes the modes back as well."""
    control.settings.set(strict=True)
    assert run("reset") == (0, "reset to seed standard\n", "")
    assert control.settings.get()["strict"] is True
    assert run("reset", "--settings") == (0, "reset to seed standard\n", "")
    assert control.settings.get()["strict"] is False


def test_seed_by_name(server, run):
    """empty and standard are known by name."""
    assert run("seed", "empty") == (0, "reset to seed empty\n", "")
    assert client_status(server) == 401
    assert run("seed", "standard") == (0, "reset to seed standard\n", "")
    assert client_status(server) == 200


def test_seed_file(server, run, tmp_path, monkeypatch):
    """A file that is here is named by its whole path, since the server runs in another folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "astro.toml").write_text(SEED)
    assert run("seed", "astro.toml") == (0, f"reset to seed {tmp_path}/astro.toml\n", "")
    assert tenants(server) == ["astro"]


def test_a_broken_seed(server, run, tmp_path):
    """The server's sentence is shown in one line, status 2, and nothing has changed."""
    path = tmp_path / "broken.toml"
    path.write_text("[[planets]]\n")
    status, output, errors = run("seed", str(path))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"{UNUSABLE}: seed cannot be planted: {path}")
    assert client_status(server) == 200


def test_a_snapshot_and_back(server, run, control):
    """What was made after the snapshot is gone after its restoring."""
    assert run("snapshot", "save", "before") == (0, "saved before\n", "")
    secret = make_client(server)
    assert run("snapshot", "restore", "before") == (0, "restored before\n", "")
    assert client_status(server, "extra", secret) == 401
    status, output, errors = run("snapshot", "list")
    assert (status, errors) == (0, "")
    assert re.fullmatch(r"before +0\.\d MiB  tms_\d{4}  20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\S+\n", output)
    assert run("snapshot", "delete", "before") == (0, "deleted before\n", "")
    assert control.snapshots.list() == []


def test_a_snapshot_as_a_file(server, run, tmp_path, monkeypatch, control):
    """It is downloaded under its name unless another is given, and taken in again."""
    monkeypatch.chdir(tmp_path)
    secret = make_client(server)
    control.snapshots.save("mine")
    size = control.snapshots.list()[0]["bytes"]
    assert run("snapshot", "download", "mine") == (0, f"mine.db: {size} bytes\n", "")
    assert run("snapshot", "download", "mine", "other.db") == (0, f"other.db: {size} bytes\n", "")
    control.snapshots.delete("mine")
    control.reset()
    assert run("snapshot", "upload", "again", "other.db") == (0, "uploaded again\n", "")
    control.snapshots.restore("again")
    assert client_status(server, "extra", secret) == 200
    control.snapshots.delete("again")


@pytest.mark.parametrize("action", ["restore", "delete", "download"])
@pytest.mark.usefixtures("server")
def test_a_snapshot_that_is_not_there(run, tmp_path, monkeypatch, action):
    """The server's sentence, status 2, and no file."""
    monkeypatch.chdir(tmp_path)
    assert run("snapshot", action, "nosuch") == (2, "", KNOWN_NOWHERE)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_snapshot(run, tmp_path, control):
    """It is refused and not kept."""
    path = tmp_path / "notes.txt"
    path.write_text("buy milk")
    status, output, errors = run("snapshot", "upload", "notes", str(path))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"{UNUSABLE}: The snapshot cannot be used: ")
    assert control.snapshots.list() == []
