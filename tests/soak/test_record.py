"""What the users saw: latencies to one percent, each in its tenth."""

import random

import pytest

from tests.soak.record import Histogram, Record


def test_percentiles_are_right_to_one_percent():
    """As sorting all latencies finds them, but in bounded memory."""
    chance = random.Random(1)
    latencies = [chance.lognormvariate(-6, 1) for _ in range(5000)]
    histogram = Histogram()
    for latency in latencies:
        histogram.add(latency)
    for percent in (50, 99, 99.9, 100):
        exact = sorted(latencies)[int(len(latencies) * percent / 100) - 1]
        assert histogram.percentile(percent) == pytest.approx(exact, rel=0.0101)
    assert (histogram.count, histogram.largest) == (5000, max(latencies))


def test_nothing_and_what_no_bucket_was_made_for():
    """No latency, none at all and an endless one are numbers too."""
    histogram = Histogram()
    assert (histogram.count, histogram.percentile(99)) == (0, 0.0)
    histogram.add(0.0)
    histogram.add(1e6)
    assert histogram.percentile(50) <= 1.01e-6
    assert histogram.count == 2


def test_a_request_belongs_to_the_tenth_in_which_it_begins():
    """What warms up is in none, and counts as an answer all the same."""
    record = Record(start=1000.0, seconds=100.0)
    for begun in (999.0, 1000.0, 1009.9, 1010.0, 1099.9, 1100.0):
        record.answered("getkey 200", begun, 0.5)
    assert [tenth.count for tenth in record.tenths] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (record.warm_up.count, record.requests, record.end) == (1, 6, 1100.0)


def test_lateness_is_counted_by_tenths():
    """Who woke late after the warm-up is counted where the pause should have been over."""
    record = Record(start=1000.0, seconds=100.0)
    record.paused(999.0, 1001.0)
    record.paused(1050.0, 1050.5)
    assert [tenth.largest for tenth in record.lateness] == [0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0]
