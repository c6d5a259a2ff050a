"""The short form of `python -m tests.load.longlife`, and that it can fail."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.load import longlife, million, pauses, rows, stock
from tests.load.million import Million
from tests.load.pauses import Pauses
from tests.load.turns import Row, Run, compared, failures_of, in_turns
from tests.load.wrk import Load, Result


@pytest.mark.system("wrk", "wrk")
@pytest.mark.timeout(300)
def test_the_tables(capsys, monkeypatch):
    """Every request has its row under every condition, what had ended is gone, and nothing failed."""
    monkeypatch.setattr(pauses, "POLLED", 500)
    monkeypatch.setattr(pauses, "RING", 100)
    monkeypatch.setattr(million, "STARTS", 1)
    short = ["--seconds", "30", "--rounds", "1", "--keys", "2000", "--ended", "2000", "--most", "50"]
    assert longlife.main(short) == 0
    told = capsys.readouterr().out
    for request in ("getkey", "getclient", "poll"):
        for condition in pauses.CONDITIONS:
            assert re.search(rf"^{request} +{condition} +[\d,]+ +\d", told, re.MULTILINE)
    for request in ("getkey, any key", "getclient, any client", "createkey"):
        assert re.search(rf"^{request} +among many +[\d,]+ +\d", told, re.MULTILINE)
    assert "10,000 rows had ended long ago" in told
    assert " 0 of them were left." in told
    assert told.endswith(" 0 failures.\n")


def test_what_is_filled_in_is_whole(tmp_path):
    """Keys have all that they need, their fingerprints are their own, and the sample is of keys that are there."""
    database = tmp_path / "tms.db"
    stock.seeded(database)
    sample = stock.fill_keys(database, 1_000)
    codes = stock.fill_flows(database, 10, ended=True) + stock.fill_flows(database, 10, ended=False)
    stock.fill_tokens(database, 10, ended=True)
    assert rows.defects(database) == []
    assert (rows.count_keys(database), len(set(sample)), len(set(codes))) == (1_001, 1_000, 20)
    assert stock.count_ended(database) == 10 * len(stock.ENDING)
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*) FROM pubkeys WHERE host = ? AND public_key_fingerprint = ? AND host_account = ?"
        assert [connection.execute(query, key).fetchone()[0] for key in sample[:100]] == [1] * 100


def _run(rate: int, p99: float, longest: float, cpu: float) -> Run:
    return Run(Result(rate, 1.0, 1.0, p99, longest, 0, {"200": rate}, dict.fromkeys(("connect",), 0)), cpu)


def test_conditions_take_turns_and_are_compared_with_the_first():
    """Every other round goes the other way round; ratios are of neighbours, the longest answer is that of all rounds."""
    order: list[str] = []
    seen = {"one": _run(100, 2.0, 4.0, 0.1), "two": _run(50, 6.0, 20.0, 0.2)}

    def condition(name: str) -> Run:
        order.append(name)
        return seen[name]

    runs = in_turns([lambda: condition("one"), lambda: condition("two")], 3)
    assert order == ["one", "two", "two", "one", "one", "two"]
    assert compared("getkey", ("one", "two"), runs) == [
        Row("getkey", "one", 100.0, 1.0, 1.0, 1.0, 2.0, 1.0, 4.0, 1.0),
        Row("getkey", "two", 50.0, 0.5, 0.5, 1.0, 6.0, 3.0, 20.0, 5.0),
    ]


def test_a_wrong_answer_is_a_failure():
    """It is told with its request and condition."""
    wrong = Run(replace(_run(5, 1.0, 1.0, 0.1).result, answers={"503": 5}), 0.1)
    assert failures_of("getkey", "one", Load((), 1, 1.0), [wrong]) == ["getkey, one: 5 answers 503"]


def test_missed_goals_and_failures_are_told():
    """A long answer and a slow request miss their goals, and a failure has a line of its own and makes it fail."""
    slow = Row("getkey", "sweep under way", 50.0, 0.5, 0.5, 1.0, 6.0, 3.0, 100.0, 5.0)
    kept = Pauses([replace(slow, condition="nothing else"), slow], 5, 0, 1.0, ["nothing was swept"])
    grown = Million(10, [replace(slow, condition="among many"), replace(slow, condition="among many", cpu_ratio=0.8)])
    assert [one.met for one in longlife.verdicts(kept, grown)] == [False, False, True]
    told = longlife.told(kept, grown).splitlines()
    assert told[-2:] == ["FAILED: nothing was swept.", "1 of 3 goals met, 1 failures."]


def test_a_failure_is_the_exit_status(monkeypatch, capsys):
    """So that a script notices."""
    monkeypatch.setattr(longlife, "pauses", lambda *_: Pauses(failures=["nothing was swept"]))
    monkeypatch.setattr(longlife, "million", lambda *_: Million(10))
    assert longlife.main([]) == 1
    assert capsys.readouterr().out.endswith("0 of 0 goals met, 1 failures.\n")
