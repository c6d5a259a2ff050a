"""Who may ask and who may approve: the seed, and what tms.toml puts on top of it."""

import pytest

from app.oauth.registry import _CLIENT, Client, has_password, is_loopback
from app.oauth_tables import oauth_clients
from app.statements import Insert
from tests.oauth.driver import CONFIDENTIAL, DEVICE_CODE, EVERY_SCOPE, PUBLIC, refused

EVERY_GRANT = (DEVICE_CODE, "refresh_token", "authorization_code")
BOTH = ("client_secret_basic", "client_secret_post")


def client(client_id, secret=None, **changed):
    """Return a client with the defaults."""
    return Client(client_id, secret, client_id, tuple(EVERY_SCOPE.split()), EVERY_GRANT, BOTH, (), ())._replace(
        **changed
    )


async def found(standin, client_id):
    """Return a client."""
    return await standin.parts.registry.client(standin.parts.store, client_id)


async def with_client_of(standin, tenant, client_id):
    """Store a client of a Tapis tenant, which is like a seeded one otherwise."""

    async def work(transaction):
        row = (await transaction.one(_CLIENT, client_id="tapis_cli"))._asdict()
        await transaction.insert(Insert(oauth_clients), **row | {"client_id": client_id, "tapis_tenant": tenant})

    await standin.parts.store.write(work)


async def test_the_seeded_clients(standin):
    """Three of them, one with a secret (design 2.5)."""
    seeded = [client(PUBLIC), client("tapis_cli"), client(CONFIDENTIAL, "secret1")]
    assert await standin.parts.registry.clients(standin.parts.store) == seeded
    assert [await found(standin, one.client_id) for one in seeded] == seeded
    assert await found(standin, "nobody") is None


async def test_a_client_of_another_tapis_tenant(standin):
    """It is none of the authorization server's, whose simulator would offer it."""
    registry, store = standin.parts.registry, standin.parts.store
    before = await registry.clients(store)
    await with_client_of(standin, "astro", "theirs")
    assert await registry.clients(store) == before
    assert await registry.client(store, "theirs") is None
    assert await registry.client(store, "theirs", "astro") == client("theirs")._replace(client_name="tapis_cli")


async def test_the_seeded_users(standin):
    """Two of them with their passwords (design 2.5)."""
    for number in (1, 2):
        user = await standin.parts.registry.user(standin.parts.store, f"testuser{number}")
        checks = [has_password(user, text) for text in (f"password{number}", "password", "", "é")]
        assert (user.username, checks) == (f"testuser{number}", [True, False, False, False])
    assert await standin.parts.registry.user(standin.parts.store, "nobody") is None


async def test_the_file_comes_on_top(standin_for):
    """A new name is added, the same name replaces the seeded one, as a whole."""
    replaced = {"client_id": PUBLIC, "client_secret": "s", "scopes": ("openid",), "client_name": "Mine"}
    oauth = {
        "clients": [{"client_id": "added"}, replaced],
        "users": [{"username": "alice", "password": "a"}, {"username": "testuser1", "password": "b"}],
    }
    standin = await standin_for(oauth=oauth)
    known = await standin.parts.registry.clients(standin.parts.store)
    mine = client(PUBLIC, "s", client_name="Mine", scopes=("openid",))
    assert known == [client("added"), mine, client("tapis_cli"), client(CONFIDENTIAL, "secret1")]
    assert await found(standin, PUBLIC) == mine
    for username, right, wrong in (("alice", "a", "b"), ("testuser1", "b", "password1")):
        user = await standin.parts.registry.user(standin.parts.store, username)
        assert (has_password(user, right), has_password(user, wrong)) == (True, False)
    refused(await standin.post("/oauth2/device_authorization", client_id=PUBLIC), 401, "invalid_client")


async def test_a_seeded_client_with_everything(standin_for, tmp_path):
    """It comes back from the database as the file says."""
    (tmp_path / "seed.toml").write_text(
        '[[oauth.clients]]\nclient_id = "x"\nclient_secret = "s"\nclient_name = "X"\nscopes = ["a", "b"]\n'
        'grant_types = ["refresh_token"]\nauth_methods = ["client_secret_post"]\nscript = ["deny"]\n'
        'redirect_uris = ["https://x/1", "https://x/2"]\n'
    )
    standin = await standin_for(seed=str(tmp_path / "seed.toml"))
    assert await found(standin, "x") == Client(
        *("x", "s", "X", ("a", "b"), ("refresh_token",), ("client_secret_post",)),
        *(("https://x/1", "https://x/2"), ("deny",)),
    )


async def test_whose_script_is_played(standin_for):
    """The client's, else the named issuer's, else none."""
    oauth = {
        "clients": [{"client_id": "robot", "script": ("deny",)}],
        "issuers": [{"name": "a", "script": ("expire",)}],
    }
    standin = await standin_for(oauth=oauth)
    registry, robot, plain = standin.parts.registry, await found(standin, "robot"), await found(standin, PUBLIC)
    assert [registry.script(one, name) for one in (robot, plain) for name in ("a", "b", "")] == [
        *[("deny",)] * 3,
        *[("expire",), (), ()],
    ]


@pytest.mark.parametrize(
    ("secret", "method", "may"),
    [
        (None, "none", True),
        (None, "client_secret_post", False),
        ("s", "none", False),
        ("s", "client_secret_post", True),
        ("s", "client_secret_basic", False),
    ],
)
def test_how_a_client_may_authenticate(secret, method, may):
    """A public one by its id alone; one with a secret as it is registered."""
    one = client("x", secret, auth_methods=("client_secret_post",))
    assert one.check_endpoint_auth_method(method, "token") is may


def test_a_secret():
    """It is compared whole; a client without one has none that fits."""
    assert client("x", "sé").check_client_secret("sé") is True
    assert client("x", "s").check_client_secret("s ") is False
    assert client("x").check_client_secret("s") is False


@pytest.mark.parametrize(
    ("asked", "granted"),
    [(None, EVERY_SCOPE), ("", EVERY_SCOPE), (" ", EVERY_SCOPE), ("email openid", "email openid"), ("a  b a", "a b")],
)
def test_the_scope_to_grant(asked, granted):
    """What was asked for in its order, each once; all where nothing was (row OA-16)."""
    assert client("x").get_allowed_scope(asked) == granted


@pytest.mark.parametrize(
    ("registered", "uri", "may"),
    [
        (("https://x/back",), "https://x/back", True),
        (("https://x/back",), "https://x/back/", False),
        (("https://x/back",), "http://localhost/back", False),
        ((), "http://localhost:1234/back?x=y", True),
        (("http://127.0.0.1/back", "https://x:1/back"), "http://127.0.0.1:51234/back", True),
        (("http://[::1]:1/back",), "http://[::1]:2/back", True),
        (("http://127.0.0.1/back",), "http://127.0.0.1:1/other", False),
        (("http://127.0.0.1/back",), "http://127.0.0.1:1@evil/back", False),
        (("http://127.0.0.1/back",), "https://127.0.0.1:1/back", False),
        (("http://localhost/back", "https://x:1/back"), "http://localhost:1/back", False),
        (("https://x:1/back",), "https://x:2/back", False),
        ((), "https://x/back", False),
    ],
)
def test_where_the_browser_may_be_sent(registered, uri, may):
    """To the letter where something is registered, but for the port of this machine's address, else to this machine (RFC 8252 7.3)."""
    assert client("x", redirect_uris=registered).check_redirect_uri(uri) is may


@pytest.mark.parametrize(
    ("uri", "stays"),
    [
        *[(uri, True) for uri in ("http://localhost", "http://127.0.0.1:1/a?b", "http://[::1]/")],
        *[(uri, False) for uri in ("http://localhost.evil/", "http://evil/?http://localhost", "https://localhost/")],
        *[
            (uri, False)
            for uri in ("http://localhost/#x", "javascript:alert(1)", "localhost", "", "http://[::1", "//localhost")
        ],
        *[(uri, False) for uri in ("http://localhost@evil/", "http://127.0.0.2/")],
    ],
)
def test_what_stays_on_this_machine(uri, stays):
    """By host, without fragment, and nothing that only looks like it."""
    assert is_loopback(uri) is stays


def test_the_default_redirect():
    """The one that is registered, if it is one."""
    uris = [(), ("http://a",), ("http://a", "http://b")]
    assert [client("x", redirect_uris=found).get_default_redirect_uri() for found in uris] == [None, "http://a", None]


@pytest.mark.parametrize(
    ("response_type", "grants", "may"),
    [("code", EVERY_GRANT, True), ("token", EVERY_GRANT, False), ("code", (), False)],
)
def test_what_a_client_may_ask_the_browser_for(response_type, grants, may):
    """A code, if it has that grant."""
    assert client("x", grant_types=grants).check_response_type(response_type) is may
