"""A thousand resets, timed for whoever reads the output."""

import time

TIMES = 1000


def test_a_thousand_resets(tms_control):
    """Each one leaves the seed; the time is printed."""
    started = time.perf_counter()
    assert {tms_control.reset() for _ in range(TIMES)} == {"standard"}
    print(f"{TIMES} resets: {time.perf_counter() - started:.2f} s")
