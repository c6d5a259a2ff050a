"""How long the TMS development server takes: its published load reports as distributions. It makes nobody wait.

Source: github tapis-project/tms_loadtest, results/, run 202604291329 (server 0.3.0): goose over the network, 1,000
requests per user.
"""

import math
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple


class Row(NamedTuple):
    """One line of a report: users, requests, then milliseconds."""

    users: int
    requests: int
    p50: int
    p75: int
    p98: int
    p99: int
    p999: int
    longest: int


REPORTS = {
    "createkey": (
        Row(1, 1_000, 15, 16, 20, 21, 23, 67),
        Row(5, 5_000, 13, 15, 18, 20, 40, 217),
        Row(10, 10_000, 19, 22, 28, 29, 59, 72),
        Row(25, 25_000, 41, 48, 57, 59, 110, 145),
        Row(50, 50_000, 74, 89, 100, 110, 170, 233),
        Row(100, 100_000, 140, 180, 210, 220, 440, 475),
    ),
    "getclient": (
        Row(1, 1_000, 7, 8, 9, 10, 20, 40),
        Row(5, 5_000, 7, 8, 10, 11, 27, 33),
        Row(10, 10_000, 6, 7, 9, 10, 13, 34),
        Row(25, 25_000, 6, 7, 10, 11, 16, 35),
        Row(50, 50_000, 6, 7, 9, 10, 15, 33),
        Row(100, 100_000, 6, 7, 9, 10, 16, 215),
    ),
    "getkey": (
        Row(1, 1_000, 4, 4, 7, 8, 18, 41),
        Row(5, 5_000, 4, 5, 6, 7, 12, 29),
        Row(10, 10_000, 4, 5, 6, 6, 8, 28),
        Row(25, 25_000, 4, 5, 6, 7, 14, 26),
        Row(50, 50_000, 4, 5, 6, 7, 10, 33),
        Row(100, 100_000, 4, 5, 7, 8, 16, 210),
    ),
    "getversion": (
        Row(1, 1_000, 3, 3, 4, 4, 8, 28),
        Row(5, 5_000, 2, 3, 4, 4, 8, 30),
        Row(10, 10_000, 2, 3, 4, 4, 6, 28),
        Row(25, 25_000, 3, 3, 5, 6, 9, 212),
        Row(50, 50_000, 3, 3, 5, 5, 8, 30),
        Row(100, 100_000, 2, 3, 4, 5, 9, 32),
    ),
}
KINDS = tuple(REPORTS)

# The time published as p99.9 is reached a little earlier and hardly rises at first: so a run of some thousand requests,
# of which only a few are slower, shows that number too.
_TAIL = 0.9987
_QUANTILES = (0.0, 0.5, 0.75, 0.98, 0.99, _TAIL)
# The fit goes through every published percentile; between them it is straight in log(ms) over -log(1 - quantile), and
# between two numbers of users each percentile is straight in log(ms) over log(users).
_RUNS = 10  # in which the longest time of one run comes up once
# No report tells the shortest time; with four fifths of the median the mean agrees with the published requests per second.
_SHORTEST = 0.8


class Fit(NamedTuple):
    """Logarithms of milliseconds at _QUANTILES, that of the longest time, and the quantile from which that holds."""

    heights: tuple[float, ...]
    longest: float
    last: float


def milliseconds(kind: str, users: int, drawn: float) -> float:
    """Return how long a request takes of which `users`, itself included, are under way, for a draw between 0 and 1."""
    fit = _fit(kind, users)
    if drawn >= _TAIL:
        return math.exp(_tail(fit, drawn))
    at = bisect_right(_QUANTILES, drawn)
    low, high = fit.heights[at - 1 : at + 1]
    left, place, right = (_depth(quantile) for quantile in (_QUANTILES[at - 1], drawn, _QUANTILES[at]))
    return math.exp(low + (high - low) * (place - left) / (right - left))


def _depth(quantile: float) -> float:
    return -math.log(1 - quantile)


def _tail(fit: Fit, drawn: float) -> float:
    """Return the logarithm of milliseconds between p99.9 and the longest time."""
    share = (_depth(drawn) - _depth(_TAIL)) / (_depth(fit.last) - _depth(_TAIL))
    return fit.heights[-1] + (fit.longest - fit.heights[-1]) * min(share, 1.0) ** 3


@lru_cache(1_000)
def _fit(kind: str, users: int) -> Fit:
    rows = REPORTS[kind]
    wanted = min(max(users, rows[0].users), rows[-1].users)
    less = max(row for row in rows if row.users <= wanted)
    more = min(row for row in rows if row.users >= wanted)
    share = math.log(wanted / less.users) / math.log(more.users / less.users) if more is not less else 0.0
    levels = [low + (high - low) * share for low, high in zip(_levels(less), _levels(more), strict=True)]
    *heights, longest, requests = levels
    return Fit(tuple(heights), longest, 1 - 1 / (_RUNS * math.exp(requests)))


def _levels(row: Row) -> list[float]:
    values = (_SHORTEST * row.p50, row.p50, row.p75, row.p98, row.p99, row.p999, row.longest, row.requests)
    return [math.log(value) for value in values]
