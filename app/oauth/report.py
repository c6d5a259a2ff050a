"""Judges a client by the polls of one device flow (RFC 8628 3.1, 3.5, 5.6). Pure: no clock, no database, no HTTP."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from .device_flows import DENIED, EXPIRED, TAPIS, shown_code, status_of
from .pace import Pace

TOO_EARLY = "too early"
IGNORED = "slow_down ignored"
AFTER_FINAL = "after a final answer"
AFTER_EXPIRY = "after expiry"
IN_THE_QUERY = "parameters in the query"
TWO_WAYS = "two ways of authentication"
REMARKS = (TOO_EARLY, IGNORED, AFTER_FINAL, AFTER_EXPIRY, IN_THE_QUERY, TWO_WAYS)

# The worst first. `after expiry` is not among them: a poll that crosses the expiry is how a client learns of it.
_VERDICTS = {
    IN_THE_QUERY: "malformed",
    TWO_WAYS: "malformed",
    AFTER_FINAL: "relentless",
    IGNORED: "deaf",
    TOO_EARLY: "hasty",
}
FINAL = frozenset(("access_denied", "expired_token", "invalid_grant", "token"))
TAPIS_GO_ON = "device code not ready."  # Every other answer ends a Tapis client's polling (contract tapis 5.1).
_SOON = timedelta(seconds=5)  # Nobody has read a new code, or asked for another one, in less.

Instant = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat),  # Pydantic's own form ends in Z, all others here in +00:00.
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class JudgedPoll(BaseModel):
    """One poll, its gap to the one before against the interval that the client had been told by then."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(description="From 1.")
    at: Instant
    gap_seconds: float | None = Field(description="Since the poll before, whatever it was answered; null: the first.")
    allowed_seconds: float | None = Field(description="10 %, but at least 250 ms, less is still in time.")
    answer: str = Field(description='"token", or the error that was answered.')
    remarks: list[str] = Field(description=f"Any of: {', '.join(REMARKS)}.")


class Report(BaseModel):
    """What one device flow tells of its client, so far."""

    model_config = ConfigDict(frozen=True)

    user_code: str
    client_id: str
    status: str
    verdict: str = Field(description="correct, silent, hasty, deaf, relentless or malformed: the worst that applies.")
    counts: dict[str, int] = Field(description="How many of the listed polls have each remark.")
    warnings: list[str] = Field(description="Sentences on the client that do not change the verdict.")
    seconds_after_previous_flow: float | None = Field(
        description="From the start of the client's flow before, same issuer and address; null: there is none."
    )
    seconds_after_failure: float | None = Field(
        description="From the end of that flow, as far as its client knew it; null: it was not denied, nor expired."
    )
    polls_made: int
    polls_not_listed: int = Field(description="Those past the first 500: they are counted, and not judged.")
    polls: list[JudgedPoll]


def report_of(flow: Any, polls: Iterable[Any], now: datetime, earlier: Any, client_is_confidential: bool) -> Report:
    """Return the report on a row of device_flows and its rows of device_polls, in their order.

    `earlier` is the row of the flow that the same client started before from the same address, or None.
    """
    judged = list(_judged(flow, polls))
    counted = Counter(remark for poll in judged for remark in poll.remarks)
    since_start = None if earlier is None else flow.created - earlier.created
    since_failure = _since_failure(flow, earlier)
    return Report(
        user_code=shown_code(flow),
        client_id=flow.client_id,
        status=status_of(flow, now),
        verdict=_verdict(counted, flow.polls),
        counts={remark: counted[remark] for remark in REMARKS},
        warnings=list(_warnings(flow.client_id, client_is_confidential, since_start, since_failure)),
        seconds_after_previous_flow=_seconds(since_start),
        seconds_after_failure=_seconds(since_failure),
        polls_made=flow.polls,
        polls_not_listed=flow.polls - len(judged),
        polls=judged,
    )


def _judged(flow: Any, polls: Iterable[Any]) -> Iterator[JudgedPoll]:
    answered: set[str] = set()
    for poll in polls:
        yield JudgedPoll(
            number=poll.number + 1,
            at=poll.at,
            gap_seconds=_thousandth(poll.gap_milliseconds),
            allowed_seconds=_thousandth(poll.allowed_milliseconds),
            answer=poll.answer,
            remarks=list(_remarks(flow, poll, answered)),
        )
        answered.add(poll.answer)
        if flow.dialect == TAPIS and poll.answer != TAPIS_GO_ON:
            answered.add("invalid_grant")


def _remarks(flow: Any, poll: Any, answered: set[str]) -> Iterator[str]:
    """Yield what is wrong with a poll whose client has been `answered` these before."""
    if _too_early(poll):
        yield TOO_EARLY
        if "slow_down" in answered:
            yield IGNORED
    if answered & FINAL:
        yield AFTER_FINAL
    if poll.at >= flow.expires_at:
        yield AFTER_EXPIRY
    if poll.remarks:
        yield poll.remarks


def _too_early(poll: Any) -> bool:
    """Return whether a poll came before its client had waited as long as it was told, by the server's own tolerance.

    The server counts from the last poll that it did not reject, which is more lenient; the client has to count from
    the answer that it got last (RFC 8628 3.5).
    """
    if poll.gap_milliseconds is None:
        return False
    before = poll.at - timedelta(milliseconds=poll.gap_milliseconds)
    return Pace(poll.allowed_milliseconds // 1000, 0, before).too_early(poll.at)


def _verdict(counted: Counter[str], polls_made: int) -> str:
    found = next((word for remark, word in _VERDICTS.items() if counted[remark]), None)
    return found or ("correct" if polls_made else "silent")


def _since_failure(flow: Any, earlier: Any) -> timedelta | None:
    """Return how long after the failure of its earlier flow a client started this one (rows DA-11, TK-24)."""
    if earlier is None:
        return None
    failed_at = {DENIED: earlier.decided_at, EXPIRED: earlier.expires_at}.get(status_of(earlier, flow.created))
    if failed_at is None or failed_at > flow.created:
        return None
    told_at = earlier.last_poll_at
    known_at = told_at if told_at is not None and failed_at <= told_at <= flow.created else failed_at
    elapsed: timedelta = flow.created - known_at
    return elapsed


def _warnings(
    client_id: str, confidential: bool, since_start: timedelta | None, since_failure: timedelta | None
) -> Iterator[str]:
    if confidential:
        yield f"{client_id} is a confidential client: a secret that is shipped in a device is no secret (RFC 8628 5.6)."
    if since_failure is not None and since_failure < _SOON:
        yield (
            f"The flow was started {since_failure.total_seconds():.1f} s after the client's previous one had failed: "
            "only a person's wish should start one (RFC 8628 3.1)."
        )
    elif since_start is not None and since_start < _SOON:
        yield (
            f"The flow was started {since_start.total_seconds():.1f} s after the client's previous one: "
            "only a person's wish should start one (RFC 8628 3.1)."
        )


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds(), 3)


def _thousandth(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
