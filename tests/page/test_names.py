"""What a client needs to know of the seed."""

import pytest

from app.page.names import exports_of, names_of
from app.settings import OAuth, OAuthClient, OAuthUser, Settings

SEED = """
[[tenants]]
tenant = "t1"
admin_secret = "own1"
[[tenants]]
tenant = "t2"
[[clients]]
tenant = "t1"
app_name = "a"
app_version = "1.0"
client_id = "c1"
client_secret = "s1"
[[oauth.users]]
username = "alice"
password = "wonder"
"""


def test_the_standard_seed():
    """Clients, administrators, users, secrets in clear."""
    secret = ("secret", "adminsecret1")
    assert names_of(Settings(), True) == {
        "TMS clients": [(("tenant", "test"), ("client", "testclient1"), ("secret", "secret1"))],
        "Administrators": [
            (("tenant", tenant), ("administrator", "~~admin"), secret) for tenant in ("default", "test")
        ],
        "OAuth clients": [
            (("client", "device-public"),),
            (("client", "testclient1"), ("secret", "secret1")),
            (("client", "tapis_cli"),),
        ],
        "Users": [(("user", f"testuser{n}"), ("password", f"password{n}")) for n in (1, 2)],
    }


def test_a_secret_that_another_start_has_stored():
    """Is not known, and not told."""
    lines = names_of(Settings(), False)["Administrators"]
    assert lines == [(("tenant", tenant), ("administrator", "~~admin")) for tenant in ("default", "test")]
    assert "ADMIN_SECRET" not in exports_of(Settings(), "http://a", False)
    assert 'export X_TMS_ADMIN_SECRET="adminsecret1"' in exports_of(Settings(), "http://a", True).splitlines()


def test_a_seed_file_and_the_settings(tmp_path):
    """What the file names, an administrator's own secret, and what the settings define in place of the seed's."""
    path = tmp_path / "seed.toml"
    path.write_text(SEED)
    oauth = OAuth(clients=(OAuthClient(client_id="cli"),), users=(OAuthUser(username="alice", password="other"),))
    assert names_of(Settings(seed=str(path), admin_secret="shared", oauth=oauth), True) == {
        "TMS clients": [(("tenant", "t1"), ("client", "c1"), ("secret", "s1"))],
        "Administrators": [
            (("tenant", "t1"), ("administrator", "~~admin"), ("secret", "own1")),
            (("tenant", "t2"), ("administrator", "~~admin"), ("secret", "shared")),
        ],
        "OAuth clients": [(("client", "cli"),)],
        "Users": [(("user", "alice"), ("password", "other"))],
    }


@pytest.mark.parametrize("seed", ["gone.toml", "/"])
def test_a_seed_file_that_is_gone(seed):
    """Names nothing; the page is shown all the same."""
    assert names_of(Settings(seed=seed), True) == {}
