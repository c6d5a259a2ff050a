"""Which issuer a request is for: by its path and by its Host header."""

import pytest

from app.oauth.issuers import HostError, Issuer, issuer_of, split_path
from app.settings import OAuth, Settings
from tests.oauth.driver import PUBLIC, refused
from tests.raw import ask

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def asked(*hosts, name="", scheme="http", issuer=None):
    """Return the issuer of a request with these Host headers."""
    scope = {"scheme": scheme, "headers": [(b"x", b"y"), *[(b"host", host) for host in hosts]]}
    return issuer_of(name, scope, Settings(oauth=OAuth(issuer=issuer)))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/oauth2/token", ("", "/oauth2/token")),
        ("/issuers/a/oauth2/token", ("a", "/oauth2/token")),
        ("/issuers/A.b_c-1/device", ("A.b_c-1", "/device")),
        (f"/issuers/a{WELL_KNOWN}", ("a", WELL_KNOWN)),
        (f"{WELL_KNOWN}/issuers/a", ("a", WELL_KNOWN)),
        (f"/issuers/{'a' * 64}/device", ("a" * 64, "/device")),
        *[
            (path, ("", path))
            for path in (
                *("/", "", "/issuers", "/issuers/", "/issuers/a", "/issuers//device", "/issuers/-a/device"),
                *("/issuers/a%20b/device", f"/issuers/{'a' * 65}/device", f"{WELL_KNOWN}/issuers/a/b"),
                *(f"{WELL_KNOWN}/issuers/", f"{WELL_KNOWN}/a", "/issuers/é/device", "/issuersa/device"),
            )
        ],
    ],
)
def test_the_path(path, found):
    """A name before the endpoint, or behind the well-known part; anything else is no issuer's (row MD-01)."""
    assert split_path(path) == found


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:3000", "127.0.0.1", "a-b.c_d.example:65535", "[::1]", "[::1]:3000", "a"),
        *("STANDIN", "xn--bcher-kva.example"),
    ],
)
def test_a_host(host):
    """The base URL is what the caller wrote, with the scheme that it used (row MD-12)."""
    assert asked(host.encode()) == Issuer("", f"http://{host}")
    assert asked(host.encode(), name="a", scheme="https") == Issuer("a", f"https://{host}/issuers/a")


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        (b"a", b"b"),
        (b"a", b"a"),
        *[
            (host,)
            for host in (
                *(
                    b"",
                    b" ",
                    b"a b",
                    b"a/b",
                    b"a@b",
                    b"a?b",
                    b"a#b",
                    b"a\\b",
                    b"a:",
                    b":80",
                    b"a:b",
                    b"a:123456",
                    b"a:1:2",
                ),
                *(
                    b"-a",
                    b"a-",
                    b".",
                    b"[::1",
                    b"::1]",
                    b"[x]",
                    b'a"',
                    b"<a>",
                    b"a,b",
                    "é".encode(),
                    b"\xff",
                    b"a\n",
                    b"a:65536",
                ),
            )
        ],
    ],
)
def test_a_host_that_is_none(hosts):
    """Missing, there twice, or nothing that could stand in a URL."""
    with pytest.raises(HostError):
        asked(*hosts)


@pytest.mark.parametrize("hosts", [(), (b"a", b"b"), (b"!",)])
def test_a_fixed_issuer_asks_for_no_host(hosts):
    """What is set holds (row MD-12)."""
    assert asked(*hosts, name="b", issuer="https://x/y") == Issuer("b", "https://x/y/issuers/b")


def test_the_prefix():
    """The path in front of an issuer's endpoints."""
    assert (Issuer("", "http://a").prefix, Issuer("b", "http://a/issuers/b").prefix) == ("", "/issuers/b")


def test_the_prefix_behind_a_proxy():
    """A browser asks for the path of `oauth.issuer` as well, which a proxy takes away (row X-10)."""
    assert asked(b"a", name="b", issuer="https://x/auth").prefix == "/auth/issuers/b"


@pytest.mark.parametrize("hosts", [[], [b"standin", b"evil"], [b"a b"], [b""], [b"standin:port"]])
@pytest.mark.parametrize(
    "path", ["/oauth2/device_authorization", "/oauth2/token", "/oauth2/jwks", WELL_KNOWN, "/oauth2/userinfo"]
)
async def test_host_header_games(standin, hosts, path):
    """Status 400 in JSON, and nothing begins (row X-03)."""
    edge, body = standin.http._transport.app, b"client_id=device-public"
    headers = [(b"host", host) for host in hosts] + [(b"content-type", b"application/x-www-form-urlencoded")]
    method = "POST" if path in ("/oauth2/device_authorization", "/oauth2/token") else "GET"

    async def application(scope, receive, send):
        await edge({**scope, "scheme": "http"}, receive, send)

    answer = await ask(application, method, path.encode(), headers, messages=[{"type": "http.request", "body": body}])
    told = dict(answer.headers)
    assert (answer.status, told["content-type"], told["cache-control"]) == (400, "application/json", "no-store")
    assert answer.body == (
        b'{"error":"invalid_request","error_description":"The Host header is missing or no host\'s name"}'
    )
    assert (await standin.rows())["device_flows"] == []


async def test_another_port(standin):
    """The host is the caller's to name, and the answer follows it; what was issued is good under each name."""
    headers = {"host": "elsewhere:8443"}
    answer = await standin.post("/oauth2/device_authorization", client_id=PUBLIC, headers=headers)
    flow = answer.json()
    assert flow["verification_uri"] == "http://elsewhere:8443/device"
    await standin.approve(flow)
    tokens = (await standin.poll(flow)).json()
    _, claims = await standin.verified(tokens["access_token"])
    assert claims["iss"] == "http://standin"
    assert (await standin.http.get("/oauth2/userinfo", headers=headers)).status_code == 401
    headers["authorization"] = f"Bearer {tokens['access_token']}"
    assert (await standin.http.get("/oauth2/userinfo", headers=headers)).status_code == 200


async def test_a_forwarded_host_is_not_believed(standin):
    """Whoever may write it is not known."""
    headers = {"x-forwarded-host": "evil", "x-forwarded-proto": "https", "forwarded": "host=evil"}
    flow = (await standin.post("/oauth2/device_authorization", client_id=PUBLIC, headers=headers)).json()
    assert flow["verification_uri"] == "http://standin/device"


async def test_issuers_need_no_configuration_and_share_nothing(standin):
    """Codes, tokens and keys of one are unknown to the others (design 2.5)."""
    flow = await standin.begin(issuer="a")
    for other in ("", "b"):
        refused(await standin.poll(flow, issuer=other), 400, "invalid_grant")
    refused(await standin.poll(flow, issuer="a"), 400, "authorization_pending")


@pytest.mark.parametrize("path", ["/issuers/-a/oauth2/token", "/issuers/a/b/oauth2/token", "/issuers/oauth2/token"])
async def test_a_path_that_is_no_issuers(standin, path):
    """It is nobody's."""
    assert (await standin.http.post(path, data={"client_id": PUBLIC})).status_code == 404
