"""What happened in a second, from running totals."""

from datetime import UTC, datetime

import pytest

from app.metrics.metrics import BOUNDS_SECONDS, OperationCounts
from app.page.pulse import KEPT, STALE, Pulse, Sample

MOMENT = datetime(2026, 11, 24, 3, tzinfo=UTC)
BUCKETS = len(BOUNDS_SECONDS) + 1


def counts(good=0, refused=0, dropped=0, **buckets):
    """Return counts; `b3=2` are two requests in the bucket with the number 3."""
    spread = [buckets.get(f"b{number}", 0) for number in range(BUCKETS)]
    return OperationCounts((dropped, 0, good, 0, refused, 0), tuple(spread), 0.0)


class Source:
    """Totals and a stopwatch for a test to set."""

    def __init__(self):
        self.totals, self.now, self.state = {}, 50.0, "0.0"
        self.pulse = Pulse(lambda: self.totals, lambda: self.state, lambda: self.now, lambda: MOMENT)

    def beat(self, after, **totals):
        """Let seconds pass, then beat."""
        self.now += after
        self.totals = totals
        self.pulse.beat()
        return self.pulse.history[-1] if self.pulse.history else None


@pytest.fixture
def source():
    """Return a pulse that has begun with one request."""
    source = Source()
    source.beat(0, get_version=counts(good=1, b0=1))
    return source


def test_the_first_beat_is_a_beginning(source):
    """What came before anybody looked is in no second."""
    assert (list(source.pulse.history), source.pulse.number) == ([], 0)


def test_a_second(source):
    """Rates over the time that passed, percentiles in their buckets, errors; an idle operation is left out."""
    source.state = "3.2"
    sample = source.beat(
        2.0, get_version=counts(good=1, b0=1), get_client=counts(good=2, refused=1, dropped=1, b5=3, b10=1)
    )
    # Ranks 2 and 3.96 of four: in 0.6 to 1.0 ms two thirds of the way, in 6 to 10 ms 0.96 of it.
    numbers = (2.0, 1.0, 0.867, 9.84)
    assert sample == Sample(MOMENT.timestamp(), numbers, {"get_client": numbers}, 5, "3.2")
    assert source.pulse.number == 1


def test_all_operations_together(source):
    """One distribution of all of them."""
    sample = source.beat(1.0, get_version=counts(good=3, b0=3), get_client=counts(good=2, b1=2))
    assert sample.operations["get_version"] == (2.0, 0.0, 0.05, 0.099)
    assert sample.operations["get_client"] == pytest.approx((2.0, 0.0, 0.125, 0.1495), abs=0.0006)
    assert sample.all == (4.0, 0.0, 0.1, 0.149)


def test_an_idle_second(source):
    """Nothing, and no percentile of nothing."""
    assert source.beat(1.0, get_version=counts(good=1, b0=1)).all == (0.0, 0.0, None, None)


def test_a_beat_before_the_second_is_over(source):
    """Takes none, and the second goes on."""
    assert source.beat(0.5, get_version=counts(good=2, b0=2)) is None
    assert source.beat(0.5, get_version=counts(good=3, b0=3)).all[0] == 2.0


def test_a_time_in_which_nobody_looked(source):
    """A new beginning, no second of long ago, and nothing before the hole."""
    source.beat(1.0, get_version=counts(good=8, b0=8))
    assert source.beat(STALE + 1, get_version=counts(good=9, b0=9)) is None
    assert source.beat(1.0, get_version=counts(good=10, b0=10)).all[0] == 1.0
    assert len(source.pulse.history) == 1


def test_a_process_that_is_gone(source):
    """Takes its counts along; nothing becomes negative."""
    assert source.beat(1.0, get_version=counts()).all == (0.0, 0.0, None, None)
    assert source.beat(1.0).all == (0.0, 0.0, None, None)


def test_the_history_is_bounded(source):
    """The last minutes."""
    for _ in range(KEPT + 5):
        source.beat(1.0)
    assert (len(source.pulse.history), source.pulse.number) == (KEPT, KEPT + 5)
