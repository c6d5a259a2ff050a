"""Clocks that stand still: one until a test moves it, and that of a server for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.clock import Clock


class StillClock(Clock):
    """2026-11-23T18:53:33.248Z; `moment` and `measured` are for tests to set."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = 1_795_460_013.2487
        self.measured = 100.0

    def seconds(self) -> float:
        """Return the instant that was set."""
        return self.moment

    def stopwatch(self) -> float:  # type: ignore[override] # one that can be set needs its instance
        """Return the duration that was set."""
        return self.measured


@contextmanager
def standing_clock(http: httpx.Client) -> Iterator[None]:
    """Let a server's clock stand still, so that what comes at once does so however busy the machine is."""
    now = http.get("/_standin/clock").raise_for_status().json()["now"]
    http.put("/_standin/clock", json={"mode": "frozen", "now": now}).raise_for_status()
    try:
        yield
    finally:
        http.put("/_standin/clock", json={"mode": "real"}).raise_for_status()
