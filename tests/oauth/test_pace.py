"""Whether a poll comes too early (RFC 8628 3.5), judged alone; over HTTP it stands in test_device_code.py."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from app.oauth.pace import Pace

START = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
NEW = Pace(5, 0, None)


def after(seconds):
    """Return an instant."""
    return START + timedelta(seconds=seconds)


def played(pace, *polls):
    """Return for each poll at these seconds whether it came too early, and the pace at the end."""
    told = []
    for seconds in polls:
        early = pace.too_early(after(seconds))
        pace = pace.rejected() if early else pace.accepted(after(seconds))
        told.append(early)
    return told, pace


@pytest.mark.parametrize("interval", [1, 5, 600])
def test_the_first_poll_is_never_too_early(interval):
    """The interval lies between polls (row TK-09; Abblix#281, #293)."""
    assert Pace(interval, 0, None).too_early(START) is False


@pytest.mark.parametrize(
    ("interval", "gap", "early"),
    [
        (5, 0, True),
        (5, 4.499, True),
        (5, 4.5, False),
        (5, 5, False),
        (5, 500, False),
        (1, 0.749, True),
        (1, 0.75, False),
        (60, 53.999, True),
        (60, 54, False),
    ],
)
def test_the_jitter_that_is_allowed(interval, gap, early):
    """A tenth of the interval or a quarter of a second, whichever is more (row TK-09b)."""
    assert Pace(interval, 0, START).too_early(after(gap)) is early


def test_each_rejected_poll_adds_five_seconds_for_good():
    """The next wait has them all, and one in time takes nothing back (row TK-07)."""
    told, pace = played(NEW, 0, 1, 2, 10)
    assert (told, pace.interval) == ([False, True, True, False], 15)
    told, pace = played(pace, 20, 30, 50)
    assert (told, pace.interval) == ([True, False, False], 20)


def test_one_rejected_poll_lengthens_the_wait_under_way():
    """After `slow_down` with interval 5 a poll 5 seconds later is too early still, one 10 seconds later is not."""
    assert played(NEW, 0, 1, 6)[0] == [False, True, True]
    assert played(NEW, 0, 1, 11)[0] == [False, True, False]


def test_a_rejected_poll_does_not_begin_the_wait_anew():
    """A client that obeys by waiting from its last accepted poll is in time (H2CK/oidc#716)."""
    assert played(NEW, 0, 4, 10)[0] == [False, True, False]


@pytest.mark.parametrize("gap", [1, 2, 4, 4.9])
def test_a_steady_client_is_always_answered_again(gap):
    """However fast it is and however often it was told to slow down, it comes through at times (H2CK/oidc#716)."""
    told, _ = played(NEW, *[number * gap for number in range(200)])
    accepted = [number for number, early in enumerate(told) if not early]
    assert len(accepted) > 2
    assert max(later - earlier for earlier, later in pairwise(accepted)) < 100


def test_a_clock_that_was_set_back_keeps_nobody_waiting():
    """A wait that begins in the future is no wait (cli/cli#9370)."""
    told, pace = played(NEW, 0, -3600)
    assert (told, pace) == ([False, False], Pace(5, 0, after(-3600)))
