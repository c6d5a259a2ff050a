"""Tests of app/moving/digest.py."""

from collections import namedtuple
from datetime import UTC, datetime, timedelta, timezone

from app.moving.digest import Digest

Row = namedtuple("Row", "id text flag moment")
MOMENT = datetime(2026, 11, 23, 18, 0, 0, 123456, UTC)
ROWS = [Row(1, "a", True, MOMENT), Row(2, "é\n\0", False, None), Row(3, "", None, MOMENT)]


def digest(*chunks):
    """Return count and hash of chunks."""
    made = Digest()
    for chunk in chunks:
        made.add(chunk)
    return made.rows, made.hash


def test_chunks_do_not_matter():
    """The same rows in the same order are equal, however they come, in whatever zone of time."""
    whole = digest(ROWS)
    assert whole == digest(ROWS[:1], ROWS[1:]) == digest(*[[tuple(row)] for row in ROWS])
    elsewhere = MOMENT.astimezone(timezone(timedelta(0)))
    assert whole == digest([ROWS[0]._replace(moment=elsewhere), *ROWS[1:]])


def test_every_value_matters():
    """One microsecond, a number for a truth value, an empty text for nothing, another order: all are found."""
    others = [
        [ROWS[0]._replace(moment=MOMENT + timedelta(microseconds=1)), *ROWS[1:]],
        [ROWS[0]._replace(flag=1), *ROWS[1:]],
        [*ROWS[:2], ROWS[2]._replace(flag="")],
        [ROWS[1], ROWS[0], ROWS[2]],
        ROWS[:2],
        [],
    ]
    hashes = {digest(rows)[1] for rows in [ROWS, *others]}
    assert len(hashes) == len(others) + 1
