"""Many tests that would disturb each other on one server: each makes the same client, and finds no other's."""

import pytest


@pytest.mark.parametrize("number", range(40))
def test_alone(tms, number):
    """The client is new each time, and the clock is this test's own."""
    tms.control.clock.freeze(f"2030-01-01T00:00:{number:02}Z")
    tms.control.settings.set(enable_mvp=False)
    body = {"client_id": "same", "tenant": "test", "app_name": "same", "app_version": "1"}
    assert tms.client.post("/v1/tms/client", json=body).status_code == 201
    assert tms.client.post("/v1/tms/client", json=body).status_code == 500
    assert tms.control.clock.now().second == number
    print(f"PORT {tms.url}")
