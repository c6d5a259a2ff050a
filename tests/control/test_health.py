"""Whether the stand-in is up, and whether it is ready (design 2.7)."""

import pytest

from tests.control.conftest import problem


async def test_up_and_ready(client):
    """Both at once: the socket opens when the database is migrated and seeded."""
    for path, status in (("live", "alive"), ("ready", "ready")):
        answer = await client.get(f"/_standin/health/{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": status})


@pytest.mark.on_sqlite
async def test_a_database_that_is_gone(standin):
    """It lives and is not ready, until the database is back."""
    connection = standin.parts.store._writer.connection
    connection.execute("ALTER TABLE alembic_version RENAME TO away")
    unready = await standin.http.get("/_standin/health/ready")
    problem(unready, 503, "Service Unavailable", "The database does not answer, try again.")
    assert unready.headers["retry-after"] == "1"
    assert (await standin.http.get("/_standin/health/live")).status_code == 200
    connection.execute("ALTER TABLE away RENAME TO alembic_version")
    assert (await standin.http.get("/_standin/health/ready")).status_code == 200
