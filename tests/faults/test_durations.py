"""Draws and distributions: repeatable, even, and with the percentiles that were asked for."""

import pytest

from app.faults.durations import LONGEST_SECONDS, draw, log_normal, uniform

NUMBER = 20_000
DRAWS = sorted(draw(1, "test", number) for number in range(NUMBER))


def quantile(values, share):
    """Return a quantile of sorted values."""
    return values[int(share * len(values))]


def test_a_draw_depends_on_its_arguments_alone():
    """The same in every process, another for another seed, rule or number."""
    assert draw(1, "0 strike", 7) == draw(1, "0 strike", 7) == 0.23026301096075918
    assert len({draw(seed, what, number) for seed in (1, 2) for what in ("a", "b") for number in (0, 1)}) == 8


def test_draws_are_even_and_never_at_the_ends():
    """Each tenth of the way from 0 to 1 gets its tenth of the draws."""
    shares = [sum(tenth <= 10 * drawn < tenth + 1 for drawn in DRAWS) / NUMBER for tenth in range(10)]
    assert shares == pytest.approx([0.1] * 10, rel=0.1)
    assert DRAWS[0] > 0
    assert DRAWS[-1] < 1


def test_a_uniform_time():
    """From the first number to the second, half of the times below the middle."""
    times = [uniform(drawn, 10, 30) for drawn in DRAWS]
    assert (times[0], quantile(times, 0.5), times[-1]) == pytest.approx((0.01, 0.02, 0.03), rel=0.02)


def test_a_log_normal_time():
    """Median and p99 are those that were asked for."""
    times = [log_normal(drawn, 20, 400) for drawn in DRAWS]
    assert (quantile(times, 0.5), quantile(times, 0.99)) == pytest.approx((0.02, 0.4), rel=0.1)


def test_a_log_normal_time_has_an_end():
    """However long its tail is, nobody waits for more than an hour, and no number overflows."""
    assert log_normal(1 - 2**-53, 0.001, 3_600_000) == pytest.approx(LONGEST_SECONDS)
