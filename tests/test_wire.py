"""Tests of app/wire.py against the table of contract 1.6, row by row and column by column."""

from datetime import UTC, datetime

import pytest

from app.clock import NEVER
from app.errors import DatabaseAway, DatabaseError
from app.wire import WIRES

WHOLE = datetime(2024, 5, 28, 15, 18, 3, tzinfo=UTC)


def at(microsecond):
    """Return an instant with this fraction."""
    return datetime(2026, 11, 23, 16, 31, 58, microsecond, tzinfo=UTC)


def rows(**columns):
    """Return the cells of one row of the table: version, instant, text."""
    cells = [(WIRES[name[1:].replace("_", ".")], *cell) for name, column in columns.items() for cell in column]
    return pytest.mark.parametrize(("wire", "moment", "text"), cells)


@rows(
    v0_1_0=[
        (datetime(2025, 9, 17, 19, 36, 54, 8386, tzinfo=UTC), "2025-09-17T19:36:54.008386Z"),
        (at(54280), "2026-11-23T16:31:58.054280Z"),
        (at(145000), "2026-11-23T16:31:58.145000Z"),
        (at(1), "2026-11-23T16:31:58.000001Z"),
        (at(999999), "2026-11-23T16:31:58.999999Z"),
        (WHOLE, "2024-05-28T15:18:03Z"),
    ],
    v0_3_0=[
        (at(248743), "2026-11-23T16:31:58.248743+00:00"),
        (at(54280), "2026-11-23T16:31:58.054280+00:00"),
        (at(145000), "2026-11-23T16:31:58.145+00:00"),
        (at(100000), "2026-11-23T16:31:58.100+00:00"),
        (at(1000), "2026-11-23T16:31:58.001+00:00"),
        (at(1), "2026-11-23T16:31:58.000001+00:00"),
        (at(0), "2026-11-23T16:31:58+00:00"),
        (WHOLE, "2024-05-28T15:18:03+00:00"),
        (NEVER, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_stamp(wire, moment, text):
    """`created` and `updated`; 0.3.0 drops a trailing group of three zeros and keeps single ones."""
    assert wire.stamp(moment) == text


@rows(
    v0_1_0=[
        (at(0), "2026-11-23T16:31:58Z"),
        (at(1), "2026-11-23T16:31:58Z"),
        (at(999999), "2026-11-23T16:31:58Z"),
        (NEVER, "9999-12-31T23:59:59Z"),
    ],
    v0_3_0=[
        (at(0), "2026-11-23T16:31:58+00:00"),
        (at(145000), "2026-11-23T16:31:58.145+00:00"),
        (at(468241), "2026-11-23T16:31:58.468241+00:00"),
        (at(999999), "2026-11-23T16:31:58.999999+00:00"),
        (NEVER, "9999-12-31T23:59:59+00:00"),
        (datetime(6109, 12, 16, 20, 7, tzinfo=UTC), "6109-12-16T20:07:00+00:00"),
    ],
)
def test_expiry(wire, moment, text):
    """`expires_at` as it is read back: 0.1.0 cuts the fraction off and never rounds."""
    assert wire.expiry(moment) == text


@pytest.mark.parametrize(
    ("version", "moment", "kept"),
    [
        ("0.1.0", at(999999), at(0)),
        ("0.1.0", at(0), at(0)),
        ("0.1.0", NEVER, NEVER),
        ("0.3.0", at(999999), at(999999)),
        ("0.3.0", NEVER, NEVER),
    ],
)
def test_kept_expiry(version, moment, kept):
    """What is stored: 0.1.0 keeps whole seconds, so that an expiry is over when its shown second begins."""
    assert WIRES[version].kept_expiry(moment) == kept


@pytest.mark.parametrize(
    ("version", "moment", "nanosecond", "text"),
    [
        ("0.1.0", at(468241), 153, "2026-11-23T16:31:58Z"),
        ("0.1.0", at(999999), 999, "2026-11-23T16:31:58Z"),
        ("0.1.0", NEVER, 153, "9999-12-31T23:59:59Z"),
        ("0.3.0", at(468241), 153, "2026-11-23T16:31:58.468241153+00:00"),
        ("0.3.0", at(468241), 5, "2026-11-23T16:31:58.468241005+00:00"),
        ("0.3.0", at(0), 7, "2026-11-23T16:31:58.000000007+00:00"),
        ("0.3.0", at(468241), 0, "2026-11-23T16:31:58.468241+00:00"),
        ("0.3.0", at(468000), 0, "2026-11-23T16:31:58.468+00:00"),
        ("0.3.0", at(0), 0, "2026-11-23T16:31:58+00:00"),
        ("0.3.0", NEVER, 153, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_fresh_expiry(version, moment, nanosecond, text):
    """`expires_at` of a create call: nine digits in 0.3.0, whole groups of zeros dropped; never stays never."""
    assert WIRES[version].fresh_expiry(moment, nanosecond) == text


@rows(
    v0_1_0=[
        (datetime(2025, 9, 17, 19, 49, 29, 327761, tzinfo=UTC), "2025-09-17T19:49:29Z"),
        (NEVER, "9999-12-31T23:59:59Z"),
    ],
    v0_3_0=[
        (datetime(2025, 9, 17, 19, 49, 29, 327761, tzinfo=UTC), "2025-09-17 19:49:29.327761 UTC"),
        (at(145000), "2026-11-23 16:31:58.145 UTC"),
        (at(0), "2026-11-23 16:31:58 UTC"),
        (NEVER, "9999-12-31 23:59:59 UTC"),
    ],
)
def test_spoken_expiry(wire, moment, text):
    """Inside error messages 0.3.0 has spaces and the word UTC."""
    assert wire.spoken_expiry(moment) == text


@pytest.mark.parametrize(
    ("version", "name", "moment", "text"),
    [
        ("0.1.0", "expires_at", at(327761), "2026-11-23T16:31:58Z"),
        ("0.1.0", "expires_at", at(0), "2026-11-23T16:31:58Z"),
        ("0.3.0", "expires_msg", at(327761), "2026-11-23 16:31:58.327761042 UTC"),
        ("0.3.0", "expires_msg", at(0), "2026-11-23 16:31:58.000000042 UTC"),
    ],
)
def test_updated_expiry(version, name, moment, text):
    """The update answers of user hosts and delegations: another field name and another form per version."""
    wire = WIRES[version]
    assert (wire.updated_expiry_name, wire.updated_expiry(moment, 42)) == (name, text)


@pytest.mark.parametrize(
    ("version", "value", "shown"),
    [("0.1.0", True, 1), ("0.1.0", False, 0), ("0.3.0", True, True), ("0.3.0", False, False)],
)
def test_flag(version, value, shown):
    """`enabled` of a single record is 0 or 1 in 0.1.0, a boolean in 0.3.0 (contract section 4)."""
    written = WIRES[version].flag(value)
    assert (written, type(written)) == (shown, type(shown))


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("0.1.0", "error returned from database: (code: 787) FOREIGN KEY constraint failed"),
        ("0.3.0", "error returned from database: violates foreign key constraint"),
    ],
)
def test_database_text(version, text):
    """Each version shows its own database's words behind the driver's prefix."""
    error = DatabaseError("(code: 787) FOREIGN KEY constraint failed", "violates foreign key constraint")
    assert WIRES[version].database_text(error) == text


@pytest.mark.parametrize("version", ["0.1.0", "0.3.0"])
def test_database_text_of_a_database_that_is_away(version):
    """The driver speaks for itself, without a prefix (contract 2.0, DB)."""
    text = "pool timed out while waiting for an open connection"
    assert WIRES[version].database_text(DatabaseAway(text)) == text


@pytest.mark.parametrize(
    ("version", "git_commit", "refuses_nul", "reuses_row_ids"),
    [("0.1.0", "15cad37", False, True), ("0.3.0", "1fd2b61", True, False)],
)
def test_what_else_a_version_says_of_itself(version, git_commit, refuses_nul, reuses_row_ids):
    """The commit of E02, NUL characters and row ids (contract section 4)."""
    wire = WIRES[version]
    found = (wire.version, wire.git_commit, wire.refuses_nul, wire.reuses_row_ids)
    assert found == (version, git_commit, refuses_nul, reuses_row_ids)
