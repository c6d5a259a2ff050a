"""What dies while others go on: a replica in the middle of work, PostgreSQL under all. Checks raise AssertionError."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.postgresql import USER, Postgres, program
from tests.raw import envelope
from tests.replicas.asking import create_key, get_key, good, of_all
from tests.replicas.cluster import Cluster
from tests.seeded import ADMIN, CALLER
from tests.servers import Server

Lines = Sequence[httpx.Client]

SEEDED_KEY = {"public_key_fingerprint": "SHA256:Y1nwRJ82LwfEwr2cxe48pB5fzqBK3DoKK4DuH584pDw"}
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pubkeys'::regclass"
PATIENCE_SECONDS = 30
RECOVERED_SECONDS = 2.0  # the goal, which `make scale` judges
GONE = envelope(503, "ERROR: the database does not answer, try again")
NOT_ENABLED = envelope(400, "Tenant not enabled.")
AWAY = envelope(500, "ERROR: pool timed out while waiting for an open connection")


@dataclass
class Load:
    """What a number of callers have been answered: the keys of successes, everything else as text."""

    callers: int
    keys: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def call(self, url: str) -> None:
        """Create keys one after the other, until it is over."""
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as line:
            while not self.over.is_set():
                answer = create_key(line)
                if answer.status_code == 201:
                    self.keys.append(answer.json()["public_key_fingerprint"])
                else:
                    self.failures.append(f"{answer.status_code} {answer.text[:200]}")

    def wait_for(self, more: int) -> None:
        """Return as soon as so many more keys were answered."""
        wanted, give_up = len(self.keys) + more, time.monotonic() + PATIENCE_SECONDS
        while len(self.keys) < wanted:
            assert time.monotonic() < give_up, f"{len(self.keys)} of {wanted} keys; {self.failures[:3]}"
            time.sleep(0.005)


@contextmanager
def under_load(url: str, callers: int = 6) -> Iterator[Load]:
    """Have keys created meanwhile."""
    load = Load(callers)
    with ThreadPoolExecutor(callers) as pool:
        running = [pool.submit(load.call, url) for _ in range(callers)]
        try:
            yield load
        finally:
            load.over.set()
    for one in running:
        one.result()


def replica_killed(cluster: Cluster, victim: Server, keys: int) -> Load:
    """Kill a replica under load: what it had read is lost, nothing else, and no key that was answered."""
    with under_load(cluster.nginx.url) as load:
        load.wait_for(keys)
        victim.process.kill()
        victim.process.wait()
        load.wait_for(keys)
        failed = len(load.failures)
        load.wait_for(keys)
    assert failed <= load.callers, load.failures
    assert load.failures[failed:] == []
    assert all(failure.startswith("502") for failure in load.failures), load.failures
    assert missing(cluster, load.keys) == []
    return load


def missing(cluster: Cluster, keys: Sequence[str]) -> list[str]:
    """Return the keys that are not in the database."""
    name = cluster.database.rpartition("/")[2]
    stored = set(cluster.postgres.run("SELECT public_key_fingerprint FROM pubkeys", name).splitlines())
    return [key for key in keys if key not in stored]


def killed_in_a_reset(cluster: Cluster, victim: Server, others: Lines) -> None:
    """Kill a replica while it replaces rows, which waits for a lock: none is gone, and the others read and write."""
    name = cluster.database.rpartition("/")[2]
    made = good(create_key(others[0]))
    with locked(cluster.postgres, name, "pubkeys"), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{victim.url}/_standin/reset", timeout=PATIENCE_SECONDS, trust_env=False)
        wait_until(lambda: cluster.postgres.run(WAITING, name) != "0")
        victim.process.kill()
        victim.process.wait()
        assert isinstance(asked.exception(), httpx.TransportError)
    assert of_all(others, lambda line: create_key(line).status_code) == [201] * len(others)
    assert of_all(others, lambda line: get_key(line, made).status_code) == [200] * len(others)
    told = of_all(others, lambda line: good(line.get("/v1/tms/pubkeys/list", headers=ADMIN))["num_pubkeys"])
    assert len(set(told)) == 1, told
    assert told[0] >= 2 + len(others), told
    assert int(cluster.postgres.run("SELECT epoch FROM standin_board", name)) % 2 == 0
    good(others[-1].post("/_standin/reset", json={"settings": True}))
    assert of_all(others, lambda line: get_key(line, made).status_code) == [404] * len(others)


@contextmanager
def locked(postgres: Postgres, database: str, table: str) -> Iterator[None]:
    """Hold a lock of a table that lets others read and write its rows, and truncate it not."""
    command = [program("psql"), "-XqAt", "--host=127.0.0.1", f"--port={postgres.port}", f"--username={USER}", database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        holder.stdin.write(f"BEGIN; LOCK TABLE {table} IN ROW EXCLUSIVE MODE; SELECT 'held';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()  # psql ends, which undoes its transaction.


def database_away(line: httpx.Client) -> None:
    """Every kind of endpoint says that it is to be tried again, and readiness tells why; the process lives."""
    answers = [
        line.get("/v1/tms/client/testclient1", headers=CALLER),
        create_key(line),
        get_key(line, SEEDED_KEY),
        line.post("/oauth2/device_authorization", data={"client_id": "device-public"}),
        line.post("/v3/oauth2/device/code", json={"client_id": "tapis_cli"}),
        line.get("/_standin/device"),
        line.post("/_standin/reset"),
        line.put("/_standin/clock", json={"mode": "real"}),
        line.get("/_standin/health/ready"),
    ]
    told = [(str(one.request.url.path), one.status_code, one.headers.get("retry-after")) for one in answers]
    assert told == [(path, 503, "1") for path, _, _ in told], told
    assert [(one.status_code, one.json()) for one in answers[:3]] == [GONE] * 3
    assert line.get("/_standin/health/live").status_code == 200


def database_away_for_real(line: httpx.Client) -> None:
    """TMS answers what the real server does; what is our own says 503 all the same."""
    answers = [line.get("/v1/tms/client/testclient1", headers=CALLER), create_key(line), get_key(line, SEEDED_KEY)]
    assert [(one.status_code, one.json()) for one in answers] == [NOT_ENABLED, NOT_ENABLED, AWAY]
    ready = line.get("/_standin/health/ready")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")


def database_restarted(cluster: Cluster, lines: Lines, how: signal.Signals) -> float:
    """Stop PostgreSQL under all and start it again; return after how many seconds all served again, writes too.

    What was set before holds afterwards.
    """
    frozen = "2040-05-06T07:08:09+00:00"
    good(lines[0].put("/_standin/clock", json={"mode": "frozen", "now": frozen}))
    cluster.postgres.stop(how)
    of_all(lines, database_away)
    cluster.postgres.start()
    seconds = seconds_until_served(lines)
    told = [good(line.get("/_standin/clock")) for line in lines]
    assert [(clock["mode"], clock["now"][:19]) for clock in told] == [("frozen", frozen[:19])] * len(lines), told
    _heard_again(lines)
    return seconds


def database_restarted_for_real(cluster: Cluster, lines: Lines) -> float:
    """The same under `quirks = "real"`, set while all run."""
    good(lines[1].patch("/_standin/settings", json={"quirks": "real"}))
    cluster.postgres.stop()
    of_all(lines, database_away_for_real)
    cluster.postgres.start()
    seconds = seconds_until_served(lines)
    assert [good(line.get("/_standin/settings"))["quirks"] for line in lines] == ["real"] * len(lines)
    _heard_again(lines)
    return seconds


def seconds_until_served(lines: Lines) -> float:
    """Return how long it takes until every replica is ready and creates a key."""
    since = time.monotonic()

    def refused(line: httpx.Client) -> str:
        answers = [line.get("/_standin/health/ready"), create_key(line)]
        return "; ".join(answer.text for answer in answers if not answer.is_success)

    of_all(lines, lambda line: wait_until_none(lambda: refused(line)))
    return time.monotonic() - since


def _heard_again(lines: Lines) -> None:
    """What is set afterwards holds on all at once, as before."""
    good(lines[-1].post("/_standin/reset", json={"settings": True}))
    assert [good(line.get("/_standin/clock"))["mode"] for line in lines] == ["real"] * len(lines)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return as soon as it is so."""
    wait_until_none(lambda: "" if is_so() else "it is not so")


def wait_until_none(found: Callable[[], str]) -> None:
    """Return as soon as nothing is found that is wrong."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while wrong := found():
        assert time.monotonic() < give_up, wrong
        time.sleep(0.01)
