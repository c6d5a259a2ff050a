"""Real server processes: two on one file, restarts, kill -9, refused starts, the log, locks and full disks."""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count

import httpx
import psutil
import pytest

from tests.load.rows import defects, fingerprints_after, last_key
from tests.raw import envelope
from tests.seeded import KEY
from tests.servers import ADMIN_SECRET, ROOT, STANDARD, by_two_workers, running, wait_for_workers

FINGERPRINT = "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"
PATIENCE_SECONDS = 30
DATABASE = "ERROR: error returned from database: "
LOCKED = envelope(500, f"{DATABASE}canceling statement due to lock timeout")
FULL = envelope(500, f"{DATABASE}could not extend file: No space left on device")
BROKEN = envelope(500, f"{DATABASE}could not read or write a block: Input/output error")


def admin(tenant="test", secret=ADMIN_SECRET):
    """Return the headers of a tenant's administrator."""
    return {"X-TMS-TENANT": tenant, "X-TMS-ADMIN-ID": "~~admin", "X-TMS-ADMIN-SECRET": secret}


def caller(client_id="testclient1", secret="secret1", tenant="test"):
    """Return the headers of a client."""
    return {"X-TMS-TENANT": tenant, "X-TMS-CLIENT-ID": client_id, "X-TMS-CLIENT-SECRET": secret}


class Line:
    """One kept-alive connection to a server."""

    def __init__(self, server):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)

    def ask(self, method, path, headers=None, body=None):
        """Send a request and return status and body, decoded where it is JSON."""
        content = None if body is None else json.dumps(body)
        given = {"Content-Type": "application/json", **(headers or {})} if content else headers or {}
        self._connection.request(method, f"/v1/tms/{path}", content, given)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if "json" in answer.headers["content-type"] else text.decode()

    def create_key(self, **changed):
        """Ask for a key pair as the seeded client."""
        return self.ask("POST", "pubkeys/creds", caller(), {**KEY, **changed})

    def get_key(self, fingerprint=FINGERPRINT):
        """Ask for a public key as sshd does."""
        body = {
            "user": KEY["host_account"],
            "user_uid": "1",
            "host": KEY["host"],
            "public_key_fingerprint": fingerprint,
            "key_type": "ed25519",
        }
        return self.ask("POST", "pubkeys/creds/retrieve", {}, body)

    def create_client(self, client_id, tenant="test"):
        """Register a client."""
        body = {"client_id": client_id, "tenant": tenant, "app_name": f"app of {client_id}", "app_version": "1.0"}
        return self.ask("POST", "client", {}, body)

    def close(self):
        """Close it."""
        self._connection.close()


@contextmanager
def line_to(server):
    """Connect, and close at the end."""
    with closing(Line(server)) as line:
        yield line


def ask(server, *arguments):
    """Send one request on a connection of its own."""
    with line_to(server) as line:
        return line.ask(*arguments)


def rows(path, statement):
    """Return what a plain connection reads from a database."""
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        return connection.execute(statement).fetchall()


# Two processes on one file.


def workers_of(server):
    """Return the processes that serve under uvicorn's parent process, once both do."""
    wait_for_workers(server, 2)
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if any("spawn_main" in part for part in child.cmdline())]


@contextmanager
def line_to_worker(server, worker, others):
    """Connect to this very worker: the others stand still until it has answered."""
    for other in others:
        other.send_signal(signal.SIGSTOP)
    line = Line(server)
    try:
        assert line.ask("GET", "version")[0] == 200
    finally:
        for other in others:
            other.send_signal(signal.SIGCONT)
    ours = line._connection.sock.getsockname()
    assert ours in [one.raddr for one in worker.net_connections("tcp")]
    with closing(line):
        yield line


@contextmanager
def one_line_to_each(server):
    """Connect to each of the two workers."""
    first, second = workers_of(server)
    with line_to_worker(server, first, [second]) as one, line_to_worker(server, second, [first]) as other:
        yield one, other


def create_and_get(writer, reader, number):
    """Create a client at one worker, use it at the other, change its secret at the first, use both at the other."""
    client_id = f"c{number}"
    path = f"client/{client_id}"
    statuses = [reader.ask("GET", path, caller(client_id, "guess"))[0]]
    status, created = writer.create_client(client_id)
    secret = created["client_secret"]
    statuses += [status, reader.ask("GET", path, caller(client_id, secret))[0]]
    status, changed = writer.ask("PATCH", f"client/secret/{client_id}", caller(client_id, secret))
    statuses += [status, reader.ask("GET", path, caller(client_id, secret))[0]]
    statuses.append(reader.ask("GET", path, caller(client_id, changed["client_secret"]))[0])
    status, _ = writer.ask("DELETE", f"client/del/{client_id}", admin())
    return (*statuses, status, reader.ask("GET", path, admin())[0])


def test_two_workers_on_one_file(tmp_path):
    """What one has answered the other sees at its next request, in both directions, over 200 rounds."""
    with running(tmp_path, by_two_workers, **STANDARD) as server, one_line_to_each(server) as lines:
        outcomes = Counter(create_and_get(*lines[:: 1 if number % 2 else -1], number) for number in range(200))
        assert outcomes == {(401, 201, 200, 200, 401, 200, 200, 404): 200}
        one, other = lines
        status, tenant = one.ask("POST", "tenants/t2", admin("default"))
        headers = admin("t2", tenant["admin_secret"])
        assert (status, other.ask("GET", "usermfa/list", headers)[0]) == (201, 200)
        assert one.ask("PATCH", "tenants/upd", headers, {"tenant": "t2", "enabled": False})[0] == 200
        assert other.ask("GET", "usermfa/list", headers) == envelope(400, "Tenant not enabled.")
        made = [line.create_key() for line in lines * 10]
        assert [status for status, _ in made] == [201] * 20
        found = [other.get_key(key["public_key_fingerprint"])[1].get("public_key") for _, key in made]
        assert found == [key["public_key"] for _, key in made]
        assert server.log().count("For the load suite:") == 1
    assert defects(server.database_path) == []


def test_both_workers_at_once(tmp_path):
    """Two processes that write at the same time lose nothing and refuse nothing."""
    with running(tmp_path, by_two_workers, **STANDARD) as server, one_line_to_each(server) as lines:
        before = last_key(server.database_path)

        def create_keys(line):
            return [line.create_key() for _ in range(60)]

        with ThreadPoolExecutor(2) as pool:
            made = [answer for answers in pool.map(create_keys, lines) for answer in answers]
        assert Counter(status for status, _ in made) == {201: 120}
        stored = fingerprints_after(server.database_path, before)
        assert sorted(stored) == sorted(key["public_key_fingerprint"] for _, key in made)


def test_two_servers_started_at_once(tmp_path):
    """On a file that is not there yet: one makes, migrates and seeds it, the other waits and finds it."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        starts = [pool.submit(stack.enter_context, running(tmp_path, **STANDARD)) for _ in range(2)]
        servers = [start.result() for start in starts]
        assert [ask(server, "GET", "client/testclient1", caller())[0] for server in servers] == [200, 200]
        assert rows(tmp_path / "tms.db", "SELECT id, tenant FROM tenants") == [(1, "default"), (2, "test")]
        states = sorted(re.search(r"tms\.db: (.*)", server.log())[1] for server in servers)
        assert states == ["existing", "made, migrated and seeded (standard)"]


def test_a_worker_that_cannot_start_stops_all(tmp_path):
    """uvicorn would start another one for ever; the sentence stands there, and the process ends."""
    status, _, errors = start(
        tmp_path, [*UVICORN, "--workers", "2", "--timeout-worker-healthcheck", "1"], database="sqlite:////proc/tms.db"
    )
    assert "/proc/tms.db: it cannot be opened" in errors
    assert "Traceback" not in errors
    # uvicorn's parent of several workers gives its own status.
    assert status in (0, 2, 3)


# Restarts.


FILE = """
title = "TMS Server"
http_addr = "http://localhost"
http_port = 3000
enable_mvp = {mvp}
enable_test_tenant = {test_tenant}
new_clients = "{new_clients}"
server_urls = ["http://localhost:3000/v1"]
"""


def modes_seen(folder, number, **environment):
    """Start a server in the folder; return what shows of its modes, and the tenant test as it is stored."""
    with running(folder, admin_secret=ADMIN_SECRET, **environment) as server, line_to(server) as line:
        key = line.create_key(client_user_id=f"u{number}")
        client = line.create_client(f"c{number}", "default")
        tenant = line.ask("GET", "tenants/test")[1]
    return (key[0], client[0], tenant["enabled"]), tenant["updated"]


def test_modes_after_a_restart(tmp_path):
    """Each start on the same database takes its modes from the environment, then the file (contract 1.10, 1.11)."""
    toml = tmp_path / "tms.toml"
    toml.write_text(FILE.format(mvp="true", test_tenant="false", new_clients="allow"))
    seen = [modes_seen(tmp_path, 1), modes_seen(tmp_path, 2, enable_test_tenant=True, enable_mvp=False)]
    seen += [modes_seen(tmp_path, 3, enable_test_tenant=True)]
    toml.write_text(FILE.format(mvp="false", test_tenant="false", new_clients="disallow"))
    seen += [modes_seen(tmp_path, 4), modes_seen(tmp_path, 5, enable_test_tenant=True, new_clients="allow")]
    assert [modes for modes, _ in seen] == [
        (400, 400, False),
        (403, 201, True),
        (201, 400, True),
        (400, 400, False),
        (403, 201, True),
    ]
    assert len({updated for _, updated in seen}) == 1


def load(server, made, enough):
    """Ask for keys until the server is gone; note each that is answered with 201, and when there are enough."""
    with line_to(server) as line:
        for _ in count():
            try:
                status, key = line.create_key()
            except (OSError, http.client.HTTPException):
                return
            if status == 201:
                made.append((key["public_key_fingerprint"], key["public_key"]))
            if len(made) >= 300:
                enough.set()


def test_kill_in_the_middle_of_load(tmp_path):
    """Every key that was answered with 201 is there after a restart, and the file is sound."""
    made, enough = [], threading.Event()
    with running(tmp_path, **STANDARD) as server, ThreadPoolExecutor(8) as pool:
        loads = [pool.submit(load, server, made, enough) for _ in range(8)]
        assert enough.wait(PATIENCE_SECONDS)
        server.process.kill()
        assert [one.result() for one in loads] == [None] * 8
        assert server.process.wait() == -signal.SIGKILL
    with running(tmp_path, **STANDARD) as server:
        assert set(rows(server.database_path, "SELECT public_key_fingerprint, public_key FROM pubkeys")) >= set(made)
        assert defects(server.database_path) == []
        with line_to(server) as line:
            found = [line.get_key(fingerprint)[1].get("public_key") for fingerprint, _ in made[-20:]]
            assert found == [public_key for _, public_key in made[-20:]]
            assert line.create_key()[0] == 201


# Refused starts.


MODULE = [sys.executable, "-m", "app"]
UVICORN = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0"]


def environment_of(settings):
    """Return this process's environment with these settings and no others of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TMS_")}
    return kept | {"PYTHONPATH": str(ROOT)} | {f"TMS_STANDIN_{name.upper()}": str(settings[name]) for name in settings}


def start(folder, command, file_size=None, **settings):
    """Run a command that is to end by itself; return status, standard output and standard error."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    environment = environment_of({"http_port": 0, **settings})
    if file_size:
        environment.pop("COVERAGE_PROCESS_CONFIG", None)  # Its own file could not grow either.
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        preexec_fn=limit if file_size else None,
    )
    return done.returncode, done.stdout, done.stderr


def broken_file(folder):
    """Write a tms.toml that is not TOML."""
    (folder / "tms.toml").write_text("http_port 3000")
    sentence = (
        f"The configuration file {folder}/tms.toml cannot be parsed as TOML: "
        "Expected '=' after a key in a key/value pair (at line 1, column 11)."
    )
    return {}, sentence


def broken_seed(folder):
    """Write a seed file with a record that breaks a rule."""
    (folder / "seed.toml").write_text('[[user_hosts]]\ntenant = "test"\nhost = "h"\nhost_account = "a"\n')
    return {"seed": "seed.toml"}, "seed.toml: [[user_hosts]] record 1: tms_user_id is missing."


def bad_url(_folder):
    """Name a database that is not served."""
    return {"database": "mysql://db/tms"}, (
        "TMS_STANDIN_DATABASE must be a URL: postgresql://..., sqlite:///PATH or sqlite:// (in memory)."
    )


def unwritable(_folder):
    """Name a folder in which not even root can make a file."""
    return {"database": "sqlite:////proc/tms.db"}, (
        "/proc/tms.db: it cannot be opened (No such file or directory), "
        "expected a file in a directory that may be written."
    )


def limited(folder):
    """Let files grow to a size that the schema does not fit into."""
    return {"file_size": 40_000}, (
        f"{folder}/tms.db: the disk refused to read or write, expected one that works and has space left."
    )


@pytest.mark.parametrize("command", [MODULE, UVICORN], ids=["python -m app", "uvicorn"])
@pytest.mark.parametrize("cause", [broken_file, broken_seed, bad_url, unwritable, limited])
def test_a_refused_start(tmp_path, command, cause):
    """One sentence on standard error that names the thing, exit status 2, and no trace of the program."""
    settings, sentence = cause(tmp_path)
    status, output, errors = start(tmp_path, command, **settings)
    lines = [line for line in errors.splitlines() if not line.startswith("INFO: ")]
    assert (status, output, lines) == (2, "", [sentence])
    if (tmp_path / "tms.db").exists():
        assert rows(tmp_path / "tms.db", "SELECT name FROM sqlite_master") == []


def test_a_port_in_use(tmp_path):
    """Under `python -m app`, which listens itself, no database is made then."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output, errors = start(tmp_path, MODULE, http_port=port)
    sentence = (
        f"Cannot listen on host 127.0.0.1, port {port}: address already in use; another port is chosen with "
        "http_port or TMS_STANDIN_HTTP_PORT, another host with standin.host or TMS_STANDIN_HOST.\n"
    )
    assert (status, output, errors) == (2, "", sentence)
    assert list(tmp_path.iterdir()) == []


# What it prints.


def with_errors_apart(_port):
    """Return `python -m app` with standard error in errors.txt, beside standard output in the server's log."""
    return ["sh", "-c", f'exec "{sys.executable}" -m app 2>errors.txt']


SECRETS = ["hunter1-header", "hunter2-body", "hunter3-query", "hunter4-admin", "secret1", ADMIN_SECRET, "PRIVATE KEY"]
WRONG = caller(secret="hunter1-header")
REQUESTS = [
    ("GET", "client/testclient1", WRONG, None, 401),
    ("GET", "client/testclient1", caller(), None, 200),
    ("PATCH", "client/upd/testclient1?app_version=hunter3-query", WRONG, None, 401),
    ("PATCH", "client/secret/testclient1", WRONG, None, 401),
    ("POST", "pubkeys/creds", caller(), {**KEY, "password": "hunter2-body"}, 201),
    ("POST", "pubkeys/creds", caller(), {**KEY, "num_uses": "hunter2-body"}, 400),
    ("POST", "pubkeys/creds", caller(), {**KEY, "client_user_id": "nobody"}, 403),
    ("GET", "usermfa/list", admin(secret="hunter4-admin"), None, 401),
    ("GET", "usermfa/list", admin(), None, 200),
    ("POST", "tenants/t2", admin("default"), None, 201),
    ("GET", "tenants/no%0asuch", None, None, 404),
]
TOLD = [(method, f"/v1/tms/{path.partition('?')[0]}", status) for method, path, _, _, status in REQUESTS]


def send_secrets(server):
    """Send requests with secrets wherever one may go; return the secrets, those that were answered included."""
    found = list(SECRETS)
    with line_to(server) as line:
        for method, path, headers, body, wanted in REQUESTS:
            status, answer = line.ask(method, path, headers, body)
            assert status == wanted, answer
            if isinstance(answer, dict):
                found += [value for name, value in answer.items() if name in ("private_key", "admin_secret")]
    assert len(found) == len(SECRETS) + 2
    return [line for secret in found for line in secret.splitlines()]


def spoken(text):
    """Return method, path and status of each line of the text log, hints left out."""
    lines = [re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z (\S+) (\S+) (\d{3}) \d+us", line) for line in text.splitlines()]
    return [(line[1], line[2], int(line[3])) for line in lines if line]


def written(text):
    """Return the same of a log in JSON lines; each of them has to be one."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert {frozenset(line) for line in lines} == {
        frozenset(("at", "method", "path", "status", "took_ms")),
        frozenset(("hint",)),
    }
    return [(line["method"], line["path"], line["status"]) for line in lines if "hint" not in line]


@pytest.mark.parametrize(("log_format", "read"), [("text", spoken), ("json", written)])
def test_what_it_prints(tmp_path, log_format, read):
    """The banner on standard error, one line for each request on standard output, no secret; SIGTERM is a good end."""
    with running(tmp_path, with_errors_apart, log_format=log_format, **STANDARD) as server:
        banner = (tmp_path / "errors.txt").read_text()
        secrets = send_secrets(server)
    assert server.process.returncode == 0
    assert (tmp_path / "errors.txt").read_text() == banner
    log = server.log()
    ours = [line for line in read(log) if line[1] != "/v1/tms/version"]
    assert ours == TOLD
    assert [secret for secret in secrets if secret in log] == []
    hints = [line for line in log.splitlines() if "hint" in line]
    assert "there is no user MFA record for nobody" in hints[0]
    if log_format == "text":
        assert len(log.splitlines()) == len(read(log)) + len(hints)
    assert exports(banner) == [
        f'export TMS_URL="{server.url}"',
        "export TMS_PARSE_RESPONSE=true",
        "export X_TMS_CLIENT_ID=testclient1",
        "export X_TMS_CLIENT_SECRET=secret1",
        "export X_TMS_TENANT=test",
        'export X_TMS_ADMIN_ID="~~admin"',
        f'export X_TMS_ADMIN_SECRET="{ADMIN_SECRET}"',
        f'export TMS_PUBKEY_FINGERPRINT="{FINGERPRINT}"',
        'export TMS_PUBKEY_HOST="testhost1"',
        'export TMS_PUBKEY_KEYTYPE="ed25519"',
        'export TMS_PUBKEY_USER="testhostaccount1"',
        'export TMS_PUBKEY_USERID="1"',
    ]


def exports(banner):
    """Return the lines that a shell can take."""
    return [line for line in banner.splitlines() if line.startswith("export ")]


# Trouble while it runs.


@contextmanager
def locked(path):
    """Hold the write lock of a database, as another process would."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def waits(task):
    """Return whether a request is not answered within a moment in which others are."""
    time.sleep(0.2)
    return not task.done()


def wait_until_swept(server):
    """Wait until the server's own first writes are over: one of them would be refused in the place of the first request."""
    seen = []
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        time.sleep(0.5)
        told = httpx.get(f"{server.url}/_standin/metrics").text
        seen.append(re.search(r"^tms_standin_commit_batch_size_sum (.+)$", told, re.MULTILINE)[1])


def test_a_database_that_is_locked_while_running(tmp_path):
    """A short lock delays writes, one of more than five seconds refuses them; reads go on; nothing is lost."""
    with running(tmp_path, **STANDARD) as server, ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        wait_until_swept(server)
        lines = [stack.enter_context(line_to(server)) for _ in range(4)]
        before = last_key(server.database_path)
        with locked(server.database_path):
            delayed = pool.submit(lines[0].create_key)
            assert waits(delayed)
            assert lines[3].get_key()[0] == 200
        keys = [delayed.result()]
        with locked(server.database_path):
            refused = pool.submit(lines[0].create_key)
            time.sleep(1)  # However busy the machine, it is tried for itself: the others are tried when it is refused.
            assert waits(refused)
            later = [pool.submit(line.create_key) for line in lines[1:3]]
            assert lines[3].get_key()[0] == 200
            assert lines[3].ask("GET", "client/testclient1", caller())[0] == 200
            assert refused.result() == LOCKED
        keys += [one.result() for one in later] + [line.create_key() for line in lines]
        assert [status for status, _ in keys] == [201] * 7, server.log()
        stored = fingerprints_after(server.database_path, before)
        assert sorted(stored) == sorted(key["public_key_fingerprint"] for _, key in keys)
        assert f"{server.database_path}: 1 writes were refused: (code: 5) database is locked" in server.log()
    assert defects(server.database_path) == []


@contextmanager
def limited_files(server):
    """Let the running server's files grow no further, which is what a full quota does."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def filled_disk(server):
    """Fill the disk that the database is on."""
    filler = server.database_path.with_name("filler")
    for size in (65536, 1):
        with filler.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    yield
    filler.unlink()


@pytest.fixture
def small_disk(tmp_path):
    """Return the mount point of a file system of four MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here; the limit on files stands for a full disk alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def refuses_and_recovers(server, trouble, answer, reason):
    """Write before, during and after the trouble; what was answered as done is there, and nothing else."""
    before = last_key(server.database_path)
    with line_to(server) as line:
        keys = [line.create_key() for _ in range(3)]
        client = line.create_client("before")[1]["client_secret"]
        with trouble(server):
            refused = [line.create_key() for _ in range(40)]
            assert refused[-3:] == [answer] * 3
            assert line.create_client("during") == answer
            keys += [one for one in refused if one != answer]
            assert line.get_key()[0] == 200
            assert line.ask("GET", "client/before", caller("before", client))[0] == 200
            assert line.ask("GET", "pubkeys/list", admin())[1]["num_pubkeys"] == len(keys) + 1
        keys += [line.create_key() for _ in range(3)]
        assert line.ask("GET", "client/during", admin())[0] == 404
        assert line.create_client("during")[0] == 201
    assert {status for status, _ in keys} == {201}
    stored = fingerprints_after(server.database_path, before)
    assert stored == [key["public_key_fingerprint"] for _, key in keys]
    assert f"{server.database_path}: 1 writes were refused: {reason}" in server.log()
    return len(stored)


def test_a_file_that_may_not_grow_while_running(tmp_path):
    """Every write is refused with the database's words, reads go on, and all is well when it may grow again."""
    with running(tmp_path, **STANDARD) as server:
        stored = refuses_and_recovers(server, limited_files, BROKEN, "(code: 778) disk I/O error")
    with running(tmp_path, **STANDARD) as server:
        assert len(rows(server.database_path, "SELECT id FROM pubkeys")) == stored + 1
        assert defects(server.database_path) == []


def test_a_disk_that_fills_while_running(tmp_path, small_disk):
    """Likewise, on a disk that really is full."""
    settings = {**STANDARD, "database": f"sqlite:///{small_disk / 'tms.db'}"}
    with running(tmp_path, **settings) as server:
        stored = refuses_and_recovers(server, filled_disk, FULL, "(code: 13) database or disk is full")
    with running(tmp_path, **settings) as server:
        assert len(rows(server.database_path, "SELECT id FROM pubkeys")) == stored + 1
        assert defects(server.database_path) == []


def test_a_start_on_a_full_disk(small_disk):
    """The sentence of a refused start, and nothing half made."""
    (small_disk / "filler").write_bytes(bytes(4 * 1024 * 1024 - 65536))
    status, output, errors = start(small_disk, MODULE)
    sentence = f"{small_disk}/tms.db: there is no space left for it, expected some megabytes on the disk.\n"
    assert (status, output, errors) == (2, "", sentence)
    (small_disk / "filler").unlink()
    with running(small_disk, **STANDARD) as server:
        assert ask(server, "GET", "client/testclient1", caller())[0] == 200
