"""The short forms of the load commands: real processes, real wrk, one or two seconds each, no time is judged."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.load import bench, measuring, report, rows, wrk
from tests.load.abandoned import abandoned, flows_after
from tests.load.hold import hold
from tests.load.report import Abandoned, Report, Row
from tests.load.scenarios import CREATEKEY, DEVICEAUTH, LOAD_SUITE, POLL
from tests.load.server import database_of, start_server, stopping
from tests.ports import free_port

CONNECTIONS = 10

pytestmark = pytest.mark.timeout(180)


@pytest.mark.system("wrk", "wrk")
def test_every_answer_is_2xx_and_every_key_answered_is_a_new_row(tmp_path):
    """Each of the four requests alone, then all at once: no failure, and the keys answered are the new rows."""
    database = database_of(tmp_path)
    with stopping(start_server(tmp_path)) as server:
        alone = {
            scenario.name: wrk.run(server.url, wrk.Load([scenario], CONNECTIONS, 0.5), tmp_path)
            for scenario in LOAD_SUITE
        }
        mixed, failures = hold(server.url, 1, CONNECTIONS, tmp_path, database)
    assert [failure for result in alone.values() for failure in result.failures()] == []
    assert {name: set(result.answers) for name, result in alone.items()} == {
        "getversion": {"200"},
        "getclient": {"200"},
        "getkey": {"200"},
        "createkey": {"201"},
    }
    assert failures == []
    assert set(mixed.answers) == {"200", "201"}


@pytest.mark.system("wrk", "wrk")
def test_a_bounded_load_sends_that_many_requests(tmp_path):
    """A limit of 100 requests makes 100 answers and 100 rows."""
    with stopping(start_server(tmp_path)) as server:
        before = rows.count_keys(database_of(tmp_path))
        result = wrk.run(server.url, wrk.Load([CREATEKEY], CONNECTIONS, 30, 100), tmp_path)
        assert (result.answers, result.failures()) == ({"201": 100}, [])
        assert rows.count_keys(database_of(tmp_path)) - before == 100


@pytest.mark.system("wrk", "wrk")
def test_polls_go_round_the_flows_and_each_answer_is_counted_by_its_error(tmp_path):
    """Within the interval the first poll of each flow is pending and the second is told to slow down, a failure."""
    codes = tmp_path / "codes"
    with stopping(start_server(tmp_path, OAUTH__INTERVAL="3600", OAUTH__DEVICE_CODE_TTL="86400")) as server:
        notes = wrk.Notes(codes, 200, "device_code")
        begun = wrk.run(server.url, wrk.Load([DEVICEAUTH], CONNECTIONS, 30, 60, notes), tmp_path)
        first = wrk.Load([POLL], CONNECTIONS, 30, 30, values=codes)
        second = wrk.Load([POLL], CONNECTIONS, 30, 50, values=codes, first=30)
        polled = [wrk.run(server.url, load, tmp_path) for load in (first, second)]
    assert (begun.answers, len(set(codes.read_text().splitlines()))) == ({"200": 60}, 60)
    assert [one.answers for one in polled] == [
        {"400 authorization_pending": 30},
        {"400 authorization_pending": 30, "400 slow_down": 20},
    ]
    assert [one.failures(first.right) for one in polled] == [[], ["20 answers 400 slow_down"]]
    assert flows_after(database_of(tmp_path), 0) == 60


@pytest.mark.system("wrk", "wrk")
def test_abandoned_flows_are_counted_and_gone_after_a_sweep():
    """What nobody polls is deleted when it has expired, the flows that are polled stay, and no answer was wrong."""
    found = abandoned(seconds=30, polled=700, flows=800, most=100)
    assert (found.flows, found.left, found.failures) == (800, 0, [])
    assert min(found.alone, found.among, found.swept) > 0


@pytest.mark.system("wrk", "wrk")
def test_refused_requests_are_counted_as_failures(tmp_path):
    """A wrong secret and an unknown path show up with their statuses."""
    wrong = replace(CREATEKEY, headers=CREATEKEY.headers | {"X-TMS-CLIENT-SECRET": "wrong"})
    unknown = replace(LOAD_SUITE[0], path="/v1/tms/nothing")
    with stopping(start_server(tmp_path)) as server:
        before = rows.count_keys(database_of(tmp_path))
        result = wrk.run(server.url, wrk.Load([wrong, unknown], CONNECTIONS, 30, 20), tmp_path)
        assert result.failures() == ["10 answers 401", "10 answers 404"]
        assert rows.count_keys(database_of(tmp_path)) == before


@pytest.mark.system("wrk", "wrk")
def test_a_server_that_is_not_there_is_told(tmp_path):
    """Where nobody listens there are no figures, and wrk's own words say so."""
    with pytest.raises(wrk.WrkError, match="unable to connect"):
        wrk.run(f"http://127.0.0.1:{free_port()}", wrk.Load(LOAD_SUITE, 1, 1), tmp_path)


@pytest.mark.parametrize("url", ["http://example.org:3000", "http://10.0.0.1", "http://[2001:db8::1]", "nonsense"])
def test_no_load_leaves_this_machine(tmp_path, url):
    """Another address than loopback is refused before wrk is started."""
    with pytest.raises(wrk.NotLoopbackError, match="a loopback address"):
        wrk.start(url, wrk.Load(LOAD_SUITE, 1, 1), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://127.0.0.2", "http://[::1]:3000"])
def test_loopback_addresses_are_allowed(url):
    """Every spelling of this machine passes."""
    wrk.check_loopback(url)


def test_the_script_holds_the_requests_as_they_are():
    """Body and headers stand in the Lua script as literals."""
    text = wrk.script(wrk.Load([CREATEKEY], 10, 1.5, 7, wrk.Notes(Path("/keys"))))
    assert text.splitlines()[1:10] == [
        "connections = 10",
        "seconds = 1.5",
        "limit = 7",
        'placeholder = "VALUE"',
        "values = nil",
        "first = 0",
        'file_name = "/keys"',
        "file_status = 201",
        'file_member = "public_key_fingerprint"',
    ]
    assert f'["body"] = {json.dumps(CREATEKEY.body)}' in text.splitlines()[0]
    assert '["X-TMS-CLIENT-SECRET"] = "secret1"' in text.splitlines()[0]


def test_every_kind_of_failure_is_told():
    """Refusals, socket errors and missing answers each make a sentence, and so does silence."""
    errors = {"connect": 0, "read": 2, "write": 0, "timeout": 0}
    result = wrk.Result(3, 1.0, 1.0, 1.0, 1.0, 1, {"200": 2, "503": 1}, errors)
    assert result.failures() == ["1 answers 503", "2 socket errors (read)", "1 requests without an answer"]
    assert result.failures(("503",)) == ["2 answers 200", "2 socket errors (read)", "1 requests without an answer"]
    nothing = wrk.Result(0, 0.0, 0.0, 0.0, 0.0, 0, {}, {})
    assert (nothing.failures(), nothing.rate) == (["no request was answered"], 0.0)


def test_keys_answered_and_rows_have_to_be_equal():
    """A lost key, a row nobody was told of, and a fingerprint answered twice are all told."""
    assert rows.difference(["a", "b"], ["b", "a"]) == []
    assert rows.difference(["a", "b"], ["a", "c"]) == [
        "1 keys answered are not in the database",
        "1 new rows were never answered",
    ]
    assert rows.difference(["a", "a"], ["a"]) == ["2 keys answered, 1 new rows"]


def _row(request: str, rate: float, ratio: float = 0.0) -> Row:
    p99, cpu = 30.0 if request == "createkey" else 2.0, 0.05 if request == "yardstick" else 0.1
    return Row(request, 50, 100, rate, ratio, 1.0, p99, 40.0, cpu, ratio, 0.1, 90.0)


def _report() -> Report:
    measured = [_row("yardstick", 900.0)]
    for one, after in zip(measuring.SUITE, (1100.0, 900.0, 1100.0, 900.0, 1100.0, 900.0), strict=True):
        measured += [_row(one.name, 150.0 if one is POLL else 500.0), _row("yardstick", after)]
    found, gone = measuring.with_ratios(measured), Abandoned(100_000, 0.2, 0.19, 0.09, 3, 60.0, ["c & d"])
    times = [0.5, 0.7, 0.8]
    return Report({"Python": "3.11"}, found, 80.0, 100_000, 120.0, times, 0.7, 95.0, 100.0, 0.05, gone, ["a < b"])


def test_ratios_are_to_the_yardsticks_runs_before_and_after():
    """The yardstick's runs make one row, and each request is measured by the mean of its two neighbours."""
    yardstick, getversion, *_ = _report().rows
    assert yardstick == replace(_row("yardstick", 6900 / 7, 1.0), requests=700)
    assert getversion == _row("getversion", 500.0, 0.5)


def test_missed_goals_are_told_as_missed():
    """Every goal has its verdict."""
    assert {one.what: one.met for one in report.verdicts(_report())} == {
        "getversion at 50 connections, ratio to the yardstick": False,
        "getclient at 50 connections, ratio to the yardstick": True,
        "getkey at 50 connections, ratio to the yardstick": True,
        "createkey at 50 connections, ratio to the yardstick": True,
        "deviceauth at 50 connections, ratio to the yardstick": True,
        "poll at 50 connections, ratio to the yardstick": False,
        "getversion at 50 connections, p99": True,
        "getclient at 50 connections, p99": True,
        "getkey at 50 connections, p99": True,
        "createkey at 50 connections, p99": False,
        "start to ready": False,
        "request log's share of getversion's CPU": True,
        "polls among 100,000 abandoned flows, as a share of polls without": True,
        "polls while 100,000 expired flows are deleted, as a share of polls without": False,
        "of 100,000 expired flows, left after a sweep": False,
        "memory after 100,000 keys": True,
    }


def test_the_report_is_stored_in_three_forms(tmp_path, monkeypatch):
    """JSON, Markdown and the chart hold the same figures."""
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(bench, "CHART", tmp_path / "docs" / "bench.svg")
    bench.store(_report())
    assert json.loads((tmp_path / "results" / "bench.json").read_text()) == asdict(_report())
    assert "| start to ready | 0.6 s | 0.70 s | missed |" in (tmp_path / "results" / "bench.md").read_text()
    assert "0.500 (500/s)" in (tmp_path / "docs" / "bench.svg").read_text()
    assert "FAILED: a < b." in report.plain(_report())
    assert "FAILED: c & d." in report.plain(_report())


def test_the_chart_has_no_script_and_names_no_other_host():
    """The drawing can be shown anywhere: nothing is fetched, nothing is run, and it is the same each time."""
    drawing = report.chart(_report())
    tags = {element.tag.removeprefix(report.SVG) for element in ElementTree.fromstring(drawing).iter()}
    assert tags <= {"svg", "defs", "style", "title", "g", "rect", "path", "text"}
    assert drawing.replace("http://www.w3.org/2000/svg", "").count("//") == 0
    assert "@import" not in drawing
    assert drawing == report.chart(_report())
