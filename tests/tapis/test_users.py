"""/v3/oauth2/userinfo and profiles (contract tapis 2.7)."""

import pytest

from tests.tapis.driver import OTHERS, TENANTS, access, bearing, refused, told

ONE, ALL = "User profile retrieved successfully.", "Profiles retrieved successfully."
UNKNOWN = "Error retrieving user; debug information: {'result': 32, 'description': 'noSuchObject'}"


def person(name, tenant="dev"):
    """Return a profile."""
    return {
        "create_time": None,
        "dn": f"cn={name},ou=tenants.{tenant},dc=tapis",
        "email": f"{name}@example.com",
        "given_name": name,
        "last_name": name,
        "mobile_phone": None,
        "phone": None,
        "uid": None,
        "username": name,
    }


async def test_ones_own_and_others(standin):
    """By the token, and by name."""
    headers = bearing(await access(standin))
    told(await standin.http.get("/v3/oauth2/userinfo", headers=headers), ONE, person("testuser1"))
    told(await standin.http.get("/v3/oauth2/profiles/testuser2", headers=headers), ONE, person("testuser2"))
    for name in ("nobody", "Testuser1", "%20"):
        refused(await standin.http.get(f"/v3/oauth2/profiles/{name}", headers=headers), UNKNOWN)


@pytest.mark.parametrize(
    ("query", "names", "offset"),
    [
        ("", ["alice", "testuser1", "testuser2"], "3"),
        ("?limit=2", ["alice", "testuser1"], "2"),
        ("?limit=2&offset=2", ["testuser2"], "3"),
        ("?offset=9", [], "9"),
        ("?limit=x&offset=-1", ["alice", "testuser1", "testuser2"], "3"),
    ],
)
async def test_a_list(standin_for, query, names, offset):
    """The header tells where the next one begins; users of the settings are among them."""
    standin = await standin_for(oauth={"users": [{"username": "alice", "password": "x"}]})
    answer = await standin.http.get(f"/v3/oauth2/profiles{query}", headers=bearing(await access(standin)))
    told(answer, ALL, [person(name) for name in names])
    assert answer.headers["x-tapis-offset"] == offset


async def test_the_users_of_another_tenant(standin_for):
    """Its own, and no others."""
    standin = await standin_for(**TENANTS)
    headers = bearing(await access(standin, OTHERS, username="carol", password="carolpass"))
    told(await standin.http.get(f"{OTHERS}/v3/oauth2/profiles", headers=headers), ALL, [person("carol", "other")])
    refused(await standin.http.get(f"{OTHERS}/v3/oauth2/profiles/testuser1", headers=headers), UNKNOWN)
