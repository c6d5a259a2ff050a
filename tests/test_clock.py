"""Tests of app/clock.py."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import NEVER, Clock


@pytest.fixture
def frozen(monkeypatch):
    """Return a function that makes every clock show these seconds since 1970."""
    return lambda seconds: monkeypatch.setattr("app.clock.time.time", lambda: seconds)


def test_never_is_the_last_second_of_the_year_9999():
    """An expiry that never comes is this instant in UTC (contract 1.7)."""
    assert datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) == NEVER


def test_now_is_the_real_instant_in_utc():
    """It lies between two readings of the system's clock, one of which rounds down."""
    before = datetime.now(UTC)
    now = Clock().now()
    assert before <= now <= datetime.now(UTC) + timedelta(microseconds=1)
    assert now.tzinfo is UTC


def test_now_and_seconds_are_the_same_instant(frozen):
    """One is the other in another form, to the microsecond."""
    frozen(1795456800.25)
    assert Clock().seconds() == 1795456800.25
    assert Clock().now() == datetime(2026, 11, 23, 18, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(("time_ns", "digits"), [(1_795_456_800_123_456_789, 789), (1_795_456_800_123_456_000, 0)])
def test_nanosecond_is_what_microseconds_leave_out(monkeypatch, time_ns, digits):
    """The last three of the nine digits."""
    monkeypatch.setattr("app.clock.time.time_ns", lambda: time_ns)
    assert Clock().nanosecond() == digits


@pytest.mark.parametrize(
    ("minutes", "moment"),
    [
        (0, "2026-11-23T18:00:00+00:00"),
        (1, "2026-11-23T18:01:00+00:00"),
        (2880, "2026-11-25T18:00:00+00:00"),
        (2**31 - 1, "6109-12-16T20:07:00+00:00"),
    ],
)
def test_after_counts_minutes_from_now(frozen, minutes, moment):
    """The largest lifetime still is a date, about 4083 years ahead (contract 1.7)."""
    frozen(1795456800)
    assert Clock().after(minutes) == datetime.fromisoformat(moment)


def test_http_date_is_the_form_of_rfc_9110(frozen):
    """The fraction is cut off, the zone is called GMT."""
    frozen(1795456800.999)
    assert Clock().http_date() == b"Mon, 23 Nov 2026 18:00:00 GMT"


def test_http_date_is_made_anew_in_each_second(frozen):
    """Within a second it is the very same object, in the next one another text."""
    clock = Clock()
    frozen(1795456800.0)
    first = clock.http_date()
    frozen(1795456800.999)
    assert clock.http_date() is first
    frozen(1795456801.0)
    assert clock.http_date() == b"Mon, 23 Nov 2026 18:00:01 GMT"
    frozen(1795456800.5)
    assert clock.http_date() == first


def test_http_date_of_the_real_clock():
    """Without a frozen clock the form is the same, and the date is today's."""
    written = Clock().http_date().decode()
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", written)
    shown = datetime.strptime(written, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - shown) < timedelta(minutes=1)


def test_the_stopwatch_does_not_follow_the_clock(frozen):
    """A clock that is set back does not make a duration negative."""
    started = Clock.stopwatch()
    frozen(0)
    assert Clock.stopwatch() >= started
