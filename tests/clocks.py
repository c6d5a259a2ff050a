"""A clock that stands still until a test moves it."""

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
