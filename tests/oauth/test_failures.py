"""The count of wrong guesses: how many, for how long, and whose."""

from datetime import UTC, datetime, timedelta

import pytest

from app.oauth.failures import Limit, person_limit, program_limit

START = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
LIMIT = Limit("user_code", 2, timedelta(seconds=300))


async def noted(standin, seconds, limit=LIMIT, source="a"):
    """Count one wrong guess."""
    await standin.parts.store.write(lambda write: limit.note(write, source, START + timedelta(seconds=seconds)))


async def wait(standin, seconds, limit=LIMIT, source="a"):
    """Return how long the source has to wait."""
    return await limit.seconds_to_wait(standin.parts.store, source, START + timedelta(seconds=seconds))


async def test_the_window_begins_with_the_first(standin):
    """It ends by itself, and not later because somebody went on guessing (row SEC-01)."""
    assert await wait(standin, 0) == 0
    await noted(standin, 0)
    assert await wait(standin, 100) == 0
    await noted(standin, 100)
    for seconds in (100, 299.5):
        told = await wait(standin, seconds)
        assert 300 <= seconds + told <= 301
    assert await wait(standin, 300) == 0


async def test_a_clock_that_was_set_back(standin):
    """Nobody waits for it to catch up: the window is of a time that has yet to come, and the count begins anew."""
    for _ in range(2):
        await noted(standin, 86_400)
    assert await wait(standin, 86_400) > 0
    assert await wait(standin, 0) == 0
    await noted(standin, 0)
    assert await wait(standin, 0) == 0
    await noted(standin, 1)
    assert await wait(standin, 1) > 0


async def test_a_guess_that_was_counted_before_an_earlier_one(standin):
    """The earlier one wipes nothing out."""
    for seconds in (10, 10, 9):
        await noted(standin, seconds)
    for seconds in (9, 10):
        assert await wait(standin, seconds) > 0


async def test_a_new_window(standin):
    """After the end the count begins anew."""
    for seconds in (0, 100, 300):
        await noted(standin, seconds)
    assert await wait(standin, 300) == 0
    await noted(standin, 301)
    assert await wait(standin, 301) > 0


async def test_kinds_and_sources_are_counted_apart(standin):
    """Nobody waits for what another one did."""
    for _ in range(2):
        await noted(standin, 0)
    other = LIMIT._replace(kind="password")
    assert await wait(standin, 0) > 0
    assert (await wait(standin, 0, source="b"), await wait(standin, 0, other)) == (0, 0)


@pytest.mark.parametrize(("limit", "minutes"), [(person_limit, 5), (program_limit, 1)])
def test_how_long_the_windows_are(limit, minutes):
    """As the settings' help says."""
    assert limit("kind", 7) == Limit("kind", 7, timedelta(minutes=minutes))


async def test_the_count_is_in_the_database(standin_for, tmp_path):
    """A second worker knows it."""
    database = f"sqlite:///{tmp_path / 'tms.db'}"
    one, other = await standin_for(database=database), await standin_for(database=database)
    await noted(one, 0)
    await noted(other, 0)
    assert await wait(one, 0) == await wait(other, 0) > 0
