"""The judgement of a client: what each poll gets remarked, the verdict, and what is told of the flow's beginning."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from app.oauth.report import REMARKS, report_of

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
PENDING, SLOW = "authorization_pending", "slow_down"
EARLY, IGNORED = "too early", "slow_down ignored"
FINAL, EXPIRED = "after a final answer", "after expiry"
QUERY, TWO_WAYS = "parameters in the query", "two ways of authentication"
LAST = "only a person's wish should start one (RFC 8628 3.1)."


def after(seconds):
    """Return an instant so many seconds after the flow was started, before it with a minus."""
    return AT + timedelta(seconds=seconds)


def row(**changed):
    """Return a row of device_flows: a public client's, started at AT for ten minutes, never polled."""
    values = {
        "user_code": "WDJBMJHT",
        "dialect": "rfc8628",
        "client_id": "cli",
        "status": "pending",
        "created": AT,
        "polls": 0,
    }
    values |= {"expires_at": after(600), "decided_at": None, "last_poll_at": None}
    return SimpleNamespace(**values | changed)


def rows(*polls):
    """Return rows of device_polls, each given by its second, the interval told by then, the answer, and a remark."""
    found, before = [], None
    for number, (second, interval, answer, *remark) in enumerate(polls):
        first = before is None
        found.append(
            SimpleNamespace(
                number=number,
                at=after(second),
                gap_milliseconds=None if first else round((second - before) * 1000),
                allowed_milliseconds=None if first else interval * 1000,
                answer=answer,
                remarks="".join(remark),
            )
        )
        before = second
    return found


def judged(*polls, **changed):
    """Return the verdict on these polls and the remarks of each."""
    report = report_of(row(polls=len(polls), **changed), rows(*polls), after(1000), None, False)
    found = [poll.remarks for poll in report.polls]
    assert report.counts == {remark: sum(remarks.count(remark) for remarks in found) for remark in REMARKS}
    return report.verdict, found


def test_a_whole_report():
    """Every member, in JSON as the control plane answers it."""
    polls = rows((0, 5, PENDING), (2.5, 5, SLOW))
    flow = row(polls=7, status="approved", decided_at=after(3))
    assert report_of(flow, polls, after(4), row(created=after(-90)), True).model_dump(mode="json") == {
        "user_code": "WDJB-MJHT",
        "client_id": "cli",
        "status": "approved",
        "verdict": "hasty",
        "counts": {EARLY: 1, IGNORED: 0, FINAL: 0, EXPIRED: 0, QUERY: 0, TWO_WAYS: 0},
        "warnings": ["cli is a confidential client: a secret that is shipped in a device is no secret (RFC 8628 5.6)."],
        "seconds_after_previous_flow": 90.0,
        "seconds_after_failure": None,
        "polls_made": 7,
        "polls_not_listed": 5,
        "polls": [
            {
                "number": 1,
                "at": "2026-11-23T12:00:00+00:00",
                "gap_seconds": None,
                "allowed_seconds": None,
                "answer": PENDING,
                "remarks": [],
            },
            {
                "number": 2,
                "at": "2026-11-23T12:00:02.500000+00:00",
                "gap_seconds": 2.5,
                "allowed_seconds": 5.0,
                "answer": SLOW,
                "remarks": [EARLY],
            },
        ],
    }


def test_the_status_is_that_of_the_instant():
    """A pending flow is expired when its time is over."""
    assert [report_of(row(), [], after(second), None, False).status for second in (599, 600)] == ["pending", "expired"]


def test_a_client_that_never_polled_is_silent():
    """There is nothing to judge."""
    assert judged() == ("silent", [])


def test_a_client_that_keeps_pace_is_correct():
    """The first poll is free (row TK-09), later ones wait, the last gets the token."""
    assert judged((0, 5, PENDING), (5, 5, PENDING), (11, 5, "token")) == ("correct", [[], [], []])


@pytest.mark.parametrize(
    ("interval", "gap", "early"),
    [
        (5, 4.5, False),
        (5, 4.499, True),
        (60, 54, False),
        (60, 53.999, True),
        (1, 0.75, False),
        (1, 0.749, True),
        (5, -3, False),
    ],
)
def test_a_gap_has_the_tolerance_of_the_server(interval, gap, early):
    """10 %, but at least 250 ms (row TK-09b); a clock that was set back accuses nobody."""
    expected = ("hasty", [[], [EARLY]]) if early else ("correct", [[], []])
    assert judged((10, interval, PENDING), (10 + gap, interval, PENDING)) == expected


def test_a_client_that_slows_down_is_hasty_no_more():
    """It polled too early once, was told, and waited for ten seconds from then on."""
    polls = (0, 5, PENDING), (2, 5, SLOW), (12, 10, PENDING), (22, 10, PENDING)
    assert judged(*polls) == ("hasty", [[], [EARLY], [], []])


def test_a_slow_down_without_cause_has_to_be_obeyed_too():
    """A script may demand it: who waits is correct, who does not is deaf."""
    assert judged((0, 5, PENDING), (5, 5, SLOW), (15, 10, PENDING)) == ("correct", [[], [], []])
    assert judged((0, 5, PENDING), (5, 5, SLOW), (10, 10, SLOW)) == ("deaf", [[], [], [EARLY, IGNORED]])


def test_the_gap_counts_from_the_last_answer():
    """The server lets the third poll pass, since it came ten seconds after the first; its client was told to wait ten."""
    assert judged((0, 5, PENDING), (2, 5, SLOW), (10, 10, PENDING)) == ("deaf", [[], [EARLY], [EARLY, IGNORED]])


def test_slow_down_holds_for_good():
    """A client that goes back to its old pace later has ignored it (row TK-07)."""
    polls = (0, 5, PENDING), (2, 5, SLOW), (12, 10, PENDING), (17, 10, SLOW)
    assert judged(*polls) == ("deaf", [[], [EARLY], [], [EARLY, IGNORED]])


@pytest.mark.parametrize("answer", ["access_denied", "expired_token", "invalid_grant", "token"])
def test_polls_after_a_final_answer_are_relentless(answer):
    """However slow they are (row TK-22)."""
    polls = (0, 5, answer), (60, 5, "invalid_grant"), (120, 5, "invalid_grant")
    assert judged(*polls) == ("relentless", [[], [FINAL], [FINAL]])


def test_a_request_that_was_wrong_is_not_the_flows_end():
    """The flow was not harmed, so that the next poll is judged by its pace alone."""
    assert judged((0, 5, "invalid_request"), (5, 5, PENDING)) == ("correct", [[], []])


def test_the_poll_that_meets_the_expiry_is_correct():
    """It is how a client learns of it; the next one is relentless."""
    expiry = (0, 5, PENDING), (600, 5, "expired_token")
    assert judged(*expiry) == ("correct", [[], [EXPIRED]])
    assert judged(*expiry, (605, 5, "expired_token")) == ("relentless", [[], [EXPIRED], [FINAL, EXPIRED]])


@pytest.mark.parametrize("remark", [QUERY, TWO_WAYS])
def test_a_wrong_request_is_malformed(remark):
    """What the token endpoint has noted on the poll stands in the report (row X-13)."""
    assert judged((0, 5, "invalid_request", remark)) == ("malformed", [[remark]])


def test_the_worst_verdict_counts():
    """Each poll adds something worse, so that the word changes with each."""
    polls = [
        (0, 5, PENDING),
        (1, 5, SLOW),
        (2, 10, SLOW),
        (30, 15, "access_denied"),
        (60, 15, "access_denied"),
        (90, 15, "invalid_request", QUERY),
    ]
    words = [judged(*polls[:length])[0] for length in range(7)]
    assert words == ["silent", "correct", "hasty", "deaf", "deaf", "relentless", "malformed"]


def begun(earlier):
    """Return both durations that a report tells of the flow's beginning, and its warnings."""
    report = report_of(row(), [], AT, earlier, False)
    return report.seconds_after_previous_flow, report.seconds_after_failure, report.warnings


def test_a_first_flow_has_no_past():
    """There is nothing to compare with, and no warning."""
    assert begun(None) == (None, None, [])


@pytest.mark.parametrize("status", ["pending", "approved", "redeemed"])
def test_flows_back_to_back_are_told(status):
    """Less than five seconds after the one before (row DA-11)."""
    warning = f"The flow was started 4.9 s after the client's previous one: {LAST}"
    assert begun(row(created=after(-4.9), status=status)) == (4.9, None, [warning])
    assert begun(row(created=after(-5), status=status)) == (5.0, None, [])


@pytest.mark.parametrize(
    ("ended", "since_failure"),
    [
        ({"status": "denied", "decided_at": after(-3)}, 3.0),
        ({"status": "denied", "decided_at": after(-60), "last_poll_at": after(-2)}, 2.0),
        ({"expires_at": after(-4.5), "last_poll_at": after(-6)}, 4.5),
        ({"expires_at": after(-60), "last_poll_at": after(-0.1)}, 0.1),
        ({"status": "approved", "expires_at": after(-1)}, 1.0),
        ({"status": "denied", "decided_at": after(-4), "last_poll_at": after(1)}, 4.0),
    ],
)
def test_a_flow_right_after_a_failure_is_told(ended, since_failure):
    """It counts from the poll that was told of it, if there was one before the new flow (rows DA-11, TK-24)."""
    warning = f"The flow was started {since_failure:.1f} s after the client's previous one had failed: {LAST}"
    assert begun(row(created=after(-90), **ended)) == (90.0, since_failure, [warning])


@pytest.mark.parametrize(
    "ended",
    [
        {"status": "denied", "decided_at": after(-5)},
        {"expires_at": after(-30), "last_poll_at": after(-5)},
    ],
)
def test_a_flow_some_time_after_a_failure_is_no_warning(ended):
    """A person may have wished for it; the duration is told all the same."""
    assert begun(row(created=after(-90), **ended)) == (90.0, 5.0, [])


@pytest.mark.parametrize(
    "ended",
    [
        {"status": "denied", "decided_at": after(1)},
        {"expires_at": after(1)},
        {"status": "redeemed", "expires_at": after(-1)},
    ],
)
def test_a_flow_that_had_not_failed_by_then_is_no_failure(ended):
    """It was still waiting, or it ended well."""
    assert begun(row(created=after(-90), **ended)) == (90.0, None, [])
