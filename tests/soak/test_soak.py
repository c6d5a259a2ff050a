"""The short forms of the soak: real server processes, a few seconds each. No time is judged."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import psutil
import pytest
import uvloop

from tests.load.server import ROOT, NotReadyError, database_of, start_server, stopping
from tests.postgresql import NoPostgresError
from tests.soak import __main__ as command
from tests.soak import table
from tests.soak.__main__ import INTERRUPTED, closing, main, plans
from tests.soak.databases import SQLITE, SqliteFile
from tests.soak.judge import Verdict
from tests.soak.record import Record
from tests.soak.run import Plan, Soak, live, progress, traces
from tests.soak.samples import Sample
from tests.soak.users import INTERVAL

pytestmark = pytest.mark.timeout(180)
SHORT = Plan(5, 2.0, 0.02, SQLITE)


@contextmanager
def lived(directory, faults=(), ends_after=None, plan=SHORT):
    """Let a few users live for a moment on a server with these faults, which may end in the middle of it."""
    with stopping(start_server(directory, OAUTH__INTERVAL=str(INTERVAL))) as server:
        if faults:
            httpx.put(f"{server.url}/_standin/faults", json={"rules": list(faults)}).raise_for_status()
        ending = ends_after and subprocess.Popen(["sh", "-c", f"sleep {ends_after}; kill -9 {server.pid}"])
        try:
            yield uvloop.run(live(plan, server, f"sqlite:///{database_of(directory)}"))
        finally:
            if ending:
                ending.wait()


def missed(seen):
    """Return what was judged and missed."""
    return [one.what for one in seen.verdicts() if one.met is False]


def test_the_command_at_25_and_at_100_users(capsys):
    """Seconds of each: nothing fails, every key answered is a new row, and what is too short to tell is not judged."""
    status = main(["--minutes", "0.05", "--users", "25,100", "--pace", "0.1"])
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert (status, [line for line in lines if "MISSED" in line or "FAILED" in line]) == (0, [])
    assert [line for line in lines if " users for " in line] == [
        f"{users} users for 0.05 minutes, pace 0.1 s, sqlite" for users in (25, 100)
    ]
    assert sum(line.split()[:3] == ["tenth", "requests", "requests/s"] for line in lines) == 2
    assert (
        sum(line.startswith(("failures", "new keys", "write-ahead")) and line.endswith("  met") for line in lines) == 6
    )
    assert all(what in printed.out for what in ("createkey 201: ", "redeem 200: ", "poll 400 authorization_pending: "))
    assert lines[-1].startswith("Every bound was met, 6 not judged for want of time: ")
    assert printed.err.count(": its server is http://127.0.0.1:") == 2


def test_a_refused_request_and_a_dropped_connection_fail_the_soak(tmp_path):
    """Faults of the stand-in's own: each is counted, and the dropped connections are missed too."""
    faults = [
        {"operation": "POST /v1/tms/pubkeys/creds/retrieve", "count": 2, "do": {"status": 500}},
        {"operation": "GET /v1/tms/version", "count": 3, "do": {"close": True}},
    ]
    with lived(tmp_path, faults) as seen:
        assert missed(seen) == ["failures", "connections"]
        assert seen.record.failures["getkey: answered 500"] == 2
        assert seen.record.failures.total() == 5
        assert seen.record.connections == SHORT.users + 3
        assert seen.record.answers["createkey 201"] == seen.keys_after - seen.keys_before > 0


def test_a_server_that_ends_fails_the_soak(tmp_path):
    """The users stop long before their time, and its status is told."""
    with lived(tmp_path, ends_after=0.8, plan=Plan(5, 100.0, 0.02, SQLITE)) as seen:
        assert seen.record.failures["the server ended with status -9"] == 1
        assert "failures" in missed(seen)
        assert seen.ended < seen.record.end
        assert seen.interrupted


def test_a_database_that_cannot_be_looked_at_fails_the_soak(tmp_path, monkeypatch):
    """The users live on and the rest is judged; the log that nobody saw is missed as well."""

    async def wal(_database):
        raise OSError("gone")

    monkeypatch.setattr(SqliteFile, "wal", wal)
    with lived(tmp_path) as seen:
        assert missed(seen) == ["failures", "write-ahead log"]
        assert set(seen.record.failures) == {"no sample: OSError: gone"}


def test_an_interrupted_soak_ends_in_order(tmp_path):
    """After a SIGINT there are the table so far and the status of a signal; neither files nor processes are left."""
    line = [sys.executable, "-m", "tests.soak", "--minutes", "5", "--users", "3,100", "--pace", "0.05"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, cwd=ROOT, env=environment, **pipes) as process:
        begun = process.stderr.readline()
        while not any(" 201 " in log.read_text() for log in tmp_path.glob("*/server.log")):
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    assert begun.startswith("3 users for 5 minutes, pace 0.05 s, sqlite: its server is ")
    assert (process.returncode, list(tmp_path.iterdir())) == (INTERRUPTED, [])
    assert not psutil.pid_exists(int(begun.split()[-1]))
    assert printed.splitlines()[1] == "3 users for 5 minutes, pace 0.05 s, sqlite"
    assert "100 users" not in printed
    assert printed.splitlines()[-1].startswith("Interrupted; not one failure in ")


@pytest.mark.parametrize("error", [NotReadyError("app was not ready"), NoPostgresError("initdb is not installed")])
def test_what_cannot_be_started_is_told(error, monkeypatch, capsys):
    """With a status of its own, and nothing is judged."""

    def refuse(_plan):
        raise error

    monkeypatch.setattr(command, "soak", refuse)
    before = signal.getsignal(signal.SIGTERM)
    assert main([]) == 2
    assert capsys.readouterr() == ("", f"{error}\n")
    assert signal.getsignal(signal.SIGTERM) is before


def soak_of(**changes):
    """Return a run of a hundred seconds in which all was well, with changes to what was seen of it."""
    record = Record(1000.0, 100.0)
    for moment in range(1000, 1100):
        record.answered("createkey 201", moment, 0.002)
        record.paused(moment, moment + 0.001)
    record.connections = 2
    samples = [
        Sample(float(at), 90.0, 40, 4 * 2**20, at * 2**20, at * 0.1, at * 0.05, at * 0.5) for at in range(1000, 1100)
    ]
    seen = Soak(Plan(2, 100.0, 0.5, SQLITE), record, 16 * 2**20, samples, keys_before=1, keys_after=101)
    for name, value in changes.items():
        setattr(seen, name, value)
    return seen


def test_the_table_has_what_users_saw_and_what_the_server_took():
    """A row for a tenth, the shares of cores in it, and dashes where nothing was sampled."""
    seen = soak_of()
    lines = [line.split() for line in table.tenths(seen).splitlines()]
    assert len(lines) == 11
    assert " ".join(lines[10]) == "10 10 1 2.00 2.00 2.00 1.00 90.0 40 4.0 1099.0 0.10 0.05 0.35"
    seen.samples = seen.samples[:1]
    rows = [" ".join(line.split()[7:]) for line in table.tenths(seen).splitlines()[1:]]
    assert rows == ["90.0 40 4.0 1000.0 - - -"] + ["- - - - - - -"] * 9


def test_a_tenth_that_was_cut_short_has_its_own_rate():
    """What an interruption has cut off is no slower for it."""
    seen = soak_of(ended=1015.0)
    seen.record.tenths[2:] = [type(seen.record.tenths[0])() for _ in range(8)]
    rows = [line.split() for line in table.tenths(seen).splitlines()[1:]]
    assert [row[:3] for row in rows] == [["1", "10", "1"], ["2", "10", "2"]]


def test_every_verdict_is_a_row():
    """Met, missed and not judged."""
    judged = [Verdict("a", "b", "c", met) for met in (True, False, None)]
    assert [line.split() for line in table.verdicts(judged).splitlines()] == [
        ["what", "bound", "seen"],
        ["a", "b", "c", "met"],
        ["a", "b", "c", "MISSED"],
        ["a", "b", "c", "-"],
    ]


def test_progress_is_one_line():
    """What a person who waits wants to know."""
    assert progress(soak_of()) == (
        "2 users, 1.6 of 1.66667 minutes: 100 requests, p99 2.0 ms, 90.0 MiB, 40 descriptors, log 4.0 MiB, "
        "database 1099 MiB, 0 failures"
    )


def test_what_was_seen_is_judged():
    """A lost key, a leak, a log without end and an exception each miss their bound, and nothing else does."""
    leaking = [Sample(one.at, one.at - 910, int(one.at) - 960, 17 * 2**20, 0, 0, 0, 0) for one in soak_of().samples]
    assert missed(soak_of()) == []
    assert missed(soak_of(samples=leaking)) == ["memory", "descriptors", "write-ahead log"]
    assert missed(soak_of(keys_after=100)) == ["new keys"]
    assert missed(soak_of(traces=1)) == ["exceptions in the log"]


def test_an_interrupted_run_has_no_trend_and_no_last_tenth():
    """What grew until then is not judged, and what was lost is."""
    seen = soak_of(interrupted=True, keys_after=100)
    assert [one.what for one in seen.verdicts() if one.met is None] == [
        "p99, last tenth to first",
        "memory",
        "descriptors",
    ]
    assert missed(seen) == ["new keys"]


def test_exceptions_are_found_in_a_log(tmp_path):
    """Each is counted by its first line."""
    (tmp_path / "server.log").write_text("200\n" + "ERROR: x\nTraceback (most recent call last):\n  File\n" * 2)
    assert traces(tmp_path / "server.log") == 2


def test_the_last_line_and_the_status():
    """Failures come first, then an interruption, then what was not judged."""
    short = soak_of()
    assert closing(["a: b"], [short], 1) == ("FAILED: a: b.", 1)
    assert closing([], [soak_of(interrupted=True)], 1) == (
        "Interrupted; not one failure in 100 requests until then.",
        INTERRUPTED,
    )
    assert closing([], [], 2)[1] == INTERRUPTED
    assert closing([], [short], 1) == (
        "Every bound was met, 1 not judged for want of time: 100 requests, not one failure.",
        0,
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["--pace", "3.5"], "--pace 3.5: expected 0 to 3 s, so that connections are kept alive"),
        (["--pace", "-1"], "--pace -1: expected 0 to 3 s"),
        (["--minutes", "0"], "--minutes 0: expected more than 0"),
        (["--users", "25,many"], "--users 25,many: expected whole numbers with commas, such as 25,100"),
        (["--users", "0"], "--users 0: expected whole numbers"),
    ],
)
def test_a_wrong_argument_is_told(line, told, capsys):
    """With status 2 and what was expected."""
    with pytest.raises(SystemExit) as ended:
        plans(line)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_an_hour_at_25_and_at_100_users_is_the_default():
    """What `make soak` does."""
    assert plans([]) == [Plan(25, 3600.0, 0.2, SQLITE), Plan(100, 3600.0, 0.2, SQLITE)]
    assert [one.warm_up for one in (*plans([])[:1], SHORT)] == [30.0, 0.2]
