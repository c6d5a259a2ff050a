"""The judgements of a soak: each can be met, each can be missed."""

import pytest

from tests.soak import judge

HOUR = 3600.0


def line(begin, end, seconds=HOUR):
    """Return a point a second on the line from one value to another."""
    return [(float(at), begin + (end - begin) * at / seconds) for at in range(int(seconds))]


def test_a_failure_of_any_kind_is_told_with_its_number():
    """None is fine, one is not, and silence is not either."""
    assert judge.answers(1200, {}) == judge.Verdict("failures", "none", "none of 1,200", True)
    found = judge.answers(1200, {"getkey: answered 500": 3, "getkey: no answer within 30 s": 1})
    assert (found.measured, found.met) == ("3 x getkey: answered 500; 1 x getkey: no answer within 30 s", False)
    assert judge.answers(0, {}).met is False


@pytest.mark.parametrize(("opened", "met"), [(25, True), (24, True), (26, False), (0, False)])
def test_whoever_has_to_connect_again_is_told(opened, met):
    """One connection more than there are users is one that the server has closed."""
    found = judge.Verdict("connections", "one for each of 25 users", f"opened: {opened}", met)
    assert judge.connections(25, opened) == found


def test_the_last_tenth_may_be_a_fifth_slower_than_the_first():
    """Up to 1.2 times is met, above is missed, and of few requests nothing is said."""
    assert judge.slower((5000, 0.010), (5000, 0.012)).met is True
    found = judge.slower((5000, 0.010), (5000, 0.01201))
    assert (found.measured, found.met) == ("ratio 1.20 (10.00 and 12.01 ms)", False)
    assert judge.slower((5000, 0.010), (999, 0.5)).met is None
    assert judge.slower((999, 0.010), (5000, 0.5)).met is None


def test_what_grows_in_the_beginning_alone_is_flat():
    """The first quarter is left out; a line through the rest is drawn over the rest."""
    filling = [(at, min(value, 120.0)) for at, value in line(80.0, 280.0)]
    assert judge.growth(filling, HOUR) == pytest.approx(0.0)
    assert judge.growth(line(80.0, 120.0), HOUR) == pytest.approx(30.0)
    assert judge.growth(line(120.0, 80.0), HOUR) == pytest.approx(-30.0)
    assert judge.growth([*line(500.0, 500.0, 30.0), *line(80.0, 80.0, 10.0)], 40.0) is None
    assert judge.growth([(3000.0, 80.0)], HOUR) is None


def test_memory_that_grows_is_told():
    """Five percent of the memory or four MiB are no trend, more is."""
    assert judge.memory(line(60.0, 65.0), HOUR).met is True
    assert judge.memory(line(60.0, 66.0), HOUR).met is False
    assert judge.memory(line(200.0, 212.0), HOUR).met is True
    found = judge.memory(line(200.0, 220.0), HOUR)
    assert (found.bound, found.measured, found.met) == (
        "rise of at most 10.5 MiB",
        "+15.0 MiB along the last three quarters",
        False,
    )


def test_descriptors_that_grow_are_told():
    """Three more along the run are no leak, more are."""
    assert judge.descriptors(line(50, 54), HOUR).met is True
    assert judge.descriptors(line(50, 55), HOUR).met is False


def test_a_run_that_is_too_short_has_no_trend():
    """Where nothing can be told, nothing is."""
    for judged in (judge.memory, judge.descriptors):
        found = judged(line(0, 1000, 59), 59.0)
        assert (found.measured, found.met) == ("not judged, the run is shorter than 60 s", None)
    assert judge.memory([], HOUR).met is None


def test_a_log_beyond_its_bound_is_told():
    """The bound itself is met; a log that nobody saw is missed."""
    assert judge.wal(16 * 2**20, 16 * 2**20).met is True
    found = judge.wal(17 * 2**20, 16 * 2**20)
    assert found == judge.Verdict("write-ahead log", "at most 16.0 MiB", "largest: 17.0 MiB", False)
    assert judge.wal(0, 16 * 2**20).met is False


@pytest.mark.parametrize(("after", "met"), [(1100, True), (1099, False), (1101, False)])
def test_new_keys_are_those_that_were_answered(after, met):
    """One key lost and one that nobody was told of are missed."""
    found = judge.Verdict("new keys", "as answered: 1,099", f"new: {after - 1:,}", met)
    assert judge.keys(1099, 1, after) == found


def test_a_run_without_a_key_is_told():
    """None answered and none stored proves nothing."""
    assert judge.keys(0, 1, 1).met is False


def test_an_exception_in_the_log_is_told():
    """None is fine, one is not."""
    assert judge.log(0).met is True
    assert judge.log(1) == judge.Verdict("exceptions in the log", "none", "there are 1", False)
