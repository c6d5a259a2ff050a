"""Every row of contract 6.1: on the router alone, and the same on a real server, byte for byte."""

import pytest

from app.errors import FrameworkRefusal
from app.routes import Routes
from app.tms import OPERATIONS
from tests.raw import JSON, TEXT, content, exchange, request_of

ROUTES = Routes(OPERATIONS)
NO_ROW = (404, JSON, '{"result_code":"404","result_msg":"NOT_FOUND"}')
NUL = 'ERROR: error returned from database: invalid byte sequence for encoding \\"UTF8\\": 0x00'
NO_NUMBER = 'failed to parse path `id`: failed to parse "integer(int32)": invalid digit found in string'
NOT_ALLOWED = (405, "method not allowed")
DAMAGED = (400, "invalid path params")

# The 44 endpoints of contract section 2, in its order.
ENDPOINTS = [
    "GET /v1/tms/hello",
    "GET /v1/tms/version",
    "GET /v1/tms/client/{client_id}",
    "GET /v1/tms/client/list",
    "POST /v1/tms/client",
    "PATCH /v1/tms/client/upd/{client_id}",
    "DELETE /v1/tms/client/del/{client_id}",
    "PATCH /v1/tms/client/secret/{client_id}",
    "POST /v1/tms/pubkeys/creds",
    "POST /v1/tms/pubkeys/creds/retrieve",
    "GET /v1/tms/pubkeys/id/{seqno}",
    "GET /v1/tms/pubkeys/list",
    "DELETE /v1/tms/pubkeys/del",
    "PATCH /v1/tms/pubkeys",
    "POST /v1/tms/usermfa",
    "GET /v1/tms/usermfa/{tms_user_id}",
    "GET /v1/tms/usermfa/list",
    "PATCH /v1/tms/usermfa/upd",
    "DELETE /v1/tms/usermfa/del/{tms_user_id}",
    "POST /v1/tms/userhosts",
    "GET /v1/tms/userhosts/{id}",
    "GET /v1/tms/userhosts/list",
    "DELETE /v1/tms/userhosts/del",
    "PATCH /v1/tms/userhosts/upd",
    "POST /v1/tms/delegations",
    "GET /v1/tms/delegations/{id}",
    "GET /v1/tms/delegations/list",
    "DELETE /v1/tms/delegations/del",
    "PATCH /v1/tms/delegations/upd",
    "GET /v1/tms/tenants/{tenant}",
    "GET /v1/tms/tenants/list",
    "POST /v1/tms/tenants/{tenant}",
    "DELETE /v1/tms/tenants/del/{tenant}",
    "PATCH /v1/tms/tenants/upd",
    "DELETE /v1/tms/tenants/wipe/{tenant}",
    "POST /v1/tms/hosts",
    "GET /v1/tms/hosts/{id}",
    "GET /v1/tms/hosts/list",
    "DELETE /v1/tms/hosts/del",
    "POST /v1/tms/reservations",
    "POST /v1/tms/reservations/extend",
    "GET /v1/tms/reservations/{client_id}/{resid}",
    "DELETE /v1/tms/reservations/del/{client_id}/{resid}",
    "DELETE /v1/tms/reservations/del/related/{client_id}/{resid}",
]

UNKNOWN = [
    # Unknown paths, the base paths themselves, and what has no route although it looks like one.
    b"/nothing", b"/v1", b"/v1/", b"/v1/nothing", b"/v1/tms", b"/v1/tms/", b"/v1/tms/nothing", b"/v2/tms/version",
    b"/v1/tms/tenants", b"/v1/tms/pubkeys/id", b"/v1/tms/pubkeys/x", b"/v1/tms/reservations/x", b"/tms/version",
    b"/v1/other/client/abc", b"/v0/tms/client/abc",
    # A slash at the end.
    b"/v1/tms/version/", b"/v1/tms/client/", b"/v1/tms/client/abc/", b"/v1/tms/reservations/abc/",
    b"/v1/tms/reservations/del/related/abc/", b"/v1/tms/usermfa/",
    # Double slashes and dot segments in static parts, and another letter case.
    b"//v1/tms/version", b"/v1//tms/version", b"/v1/tms//version", b"/v1/./tms/version", b"/v1/tms/../tms/version",
    b"/V1/tms/version", b"/v1/TMS/version", b"/v1/tms/Version", b"/v1/tms/Client/abc", b"//",
    # Static parts are compared undecoded.
    b"/v1/tms/%76ersion", b"/v1/tms/%63lient/abc", b"/%761/tms/version", b"/v1%2Ftms/version",
    # One segment too many.
    b"/v1/tms/client/abc/def", b"/v1/tms/hello/x", b"/v1/tms/pubkeys/creds/retrieve/x",
    b"/v1/tms/client/upd/x/y", b"/v1/tms/tenants/wipe/x/y",
]  # fmt: skip

REFUSED = [
    *[("GET", f"/v1/tms/{name}") for name in
      ("client", "pubkeys", "usermfa", "userhosts", "delegations", "hosts", "reservations")],
    *[("HEAD", f"/v1/tms/{name}") for name in ("client", "pubkeys/creds", "client/upd/x", "tenants/wipe/x")],
    *[(method, "/v1/tms/version") for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")],
    *[("GET", f"/v1/tms/{name}") for name in
      ("userhosts/upd", "userhosts/del", "delegations/upd", "delegations/del", "hosts/del", "usermfa/upd",
       "tenants/upd", "pubkeys/del", "pubkeys/creds", "pubkeys/creds/retrieve", "reservations/extend")],
    ("POST", "/v1/tms/tenants/list"),
    ("POST", "/v1/tms/tenants/upd"),
    ("DELETE", "/v1/tms/client/list"),
    ("GET", "/v1/tms/client/upd/x"),
    ("GET", "/v1/tms/client/secret/x"),
    ("GET", "/v1/tms/usermfa/del/x"),
    ("GET", "/v1/tms/tenants/wipe/x"),
    ("GET", "/v1/tms/reservations/del/x/y"),
    ("GET", "/v1/tms/reservations/del/related/x/y"),
    ("DELETE", "/v1/tms/reservations/extend"),
    ("POST", "/v1/tms/pubkeys/id/1"),
]  # fmt: skip

INVENTED = [
    ("get", b"/v1/tms/version"),
    ("FOO", b"/v1/tms/version"),
    ("Head", b"/v1/tms/version"),
    ("", b"/v1/tms/hello"),
]

FOUND = [
    # HEAD runs the GET.
    ("HEAD", b"/v1/tms/version", "GET /v1/tms/version", {}),
    ("HEAD", b"/v1/tms/client/abc", "GET /v1/tms/client/{client_id}", {"client_id": "abc"}),
    # An empty parameter in the middle.
    ("GET", b"/v1/tms/reservations//abc", "GET /v1/tms/reservations/{client_id}/{resid}",
     {"client_id": "", "resid": "abc"}),
    ("DELETE", b"/v1/tms/reservations/del//abc", "DELETE /v1/tms/reservations/del/{client_id}/{resid}",
     {"client_id": "", "resid": "abc"}),
    ("DELETE", b"/v1/tms/reservations/del/related//abc", "DELETE /v1/tms/reservations/del/related/{client_id}/{resid}",
     {"client_id": "", "resid": "abc"}),
    # Words that are static elsewhere are ordinary values where the static route needs a further segment.
    ("GET", b"/v1/tms/client/upd", "GET /v1/tms/client/{client_id}", {"client_id": "upd"}),
    ("GET", b"/v1/tms/client/del", "GET /v1/tms/client/{client_id}", {"client_id": "del"}),
    ("GET", b"/v1/tms/client/secret", "GET /v1/tms/client/{client_id}", {"client_id": "secret"}),
    ("GET", b"/v1/tms/tenants/del", "GET /v1/tms/tenants/{tenant}", {"tenant": "del"}),
    ("POST", b"/v1/tms/tenants/wipe", "POST /v1/tms/tenants/{tenant}", {"tenant": "wipe"}),
    ("GET", b"/v1/tms/usermfa/del", "GET /v1/tms/usermfa/{tms_user_id}", {"tms_user_id": "del"}),
    ("GET", b"/v1/tms/hosts/upd", "GET /v1/tms/hosts/{id}", {"id": "upd"}),
    ("GET", b"/v1/tms/client/list", "GET /v1/tms/client/list", {}),
    # Reservations: which segment is a parameter depends on the method and on how many there are.
    ("GET", b"/v1/tms/reservations/del/x", "GET /v1/tms/reservations/{client_id}/{resid}",
     {"client_id": "del", "resid": "x"}),
    ("GET", b"/v1/tms/reservations/extend/x", "GET /v1/tms/reservations/{client_id}/{resid}",
     {"client_id": "extend", "resid": "x"}),
    ("DELETE", b"/v1/tms/reservations/del/related/x", "DELETE /v1/tms/reservations/del/{client_id}/{resid}",
     {"client_id": "related", "resid": "x"}),
    # Percent-encoding is undone in parameters, once.
    ("GET", b"/v1/tms/tenants/lis%74", "GET /v1/tms/tenants/{tenant}", {"tenant": "list"}),
    ("POST", b"/v1/tms/tenants/up%64", "POST /v1/tms/tenants/{tenant}", {"tenant": "upd"}),
    ("GET", b"/v1/tms/client/a%2Fb", "GET /v1/tms/client/{client_id}", {"client_id": "a/b"}),
    ("GET", b"/v1/tms/client/a%2fb%2Fc", "GET /v1/tms/client/{client_id}", {"client_id": "a/b/c"}),
    ("GET", b"/v1/tms/client/%2525", "GET /v1/tms/client/{client_id}", {"client_id": "%25"}),
    ("GET", b"/v1/tms/client/%", "GET /v1/tms/client/{client_id}", {"client_id": "%"}),
    ("GET", b"/v1/tms/client/%zz%4", "GET /v1/tms/client/{client_id}", {"client_id": "%zz%4"}),
    ("GET", b"/v1/tms/client/a+b", "GET /v1/tms/client/{client_id}", {"client_id": "a+b"}),
    ("GET", b"/v1/tms/client/%C3%A9%F0%9F%98%80", "GET /v1/tms/client/{client_id}", {"client_id": "é😀"}),
    ("GET", b"/v1/tms/client/%00", "GET /v1/tms/client/{client_id}", {"client_id": "\0"}),
    ("GET", "/v1/tms/client/é".encode(), "GET /v1/tms/client/{client_id}", {"client_id": "é"}),
    ("GET", b"/v1/tms/client/.", "GET /v1/tms/client/{client_id}", {"client_id": "."}),
    ("GET", b"/v1/tms/client/..", "GET /v1/tms/client/{client_id}", {"client_id": ".."}),
]  # fmt: skip

NOT_UTF8 = [
    b"/%FF",
    b"/v1/tms/client/%FF",
    b"/v1/tms/tenants/%E9",
    b"/v1/tms/client/%C3",
    b"/v1/tms/client/%ED%A0%80",
    b"/v1/tms/version/%80",
    b"/%C3%28/x",
    b"/\xff",
]


def found(method: str, path: bytes) -> object:
    """Return the endpoint and its parameters, None for no route, or status and text of the refusal."""
    try:
        match = ROUTES.find(method, path)
    except FrameworkRefusal as refusal:
        return refusal.status, refusal.text
    return match and (f"{match[0].method} {match[0].path}", match[1])


def test_the_44_endpoints_and_no_other():
    """What is served is what the contract lists."""
    assert len(ENDPOINTS) == 44
    assert sorted(f"{operation.method} {operation.path}" for operation in OPERATIONS) == sorted(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_is_found(endpoint):
    """A path with values in it leads to its endpoint and gives the values."""
    method, template = endpoint.split(" ")
    names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    values = {name: f"value-{name}" for name in names}
    assert found(method, template.format(**values).encode()) == (endpoint, values)


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "FOO"])
def test_no_such_path(method, path):
    """It is nobody's, whatever the method."""
    assert found(method, path) is None


@pytest.mark.parametrize(("method", "path"), [*((method, path.encode()) for method, path in REFUSED), *INVENTED])
def test_wrong_method(method, path):
    """A known path with another method is refused, and a static segment wins regardless of the method."""
    assert found(method, path) == NOT_ALLOWED


@pytest.mark.parametrize(("method", "path", "endpoint", "values"), FOUND)
def test_parameters(method, path, endpoint, values):
    """Which endpoint takes the path, and what its parameters are."""
    assert found(method, path) == (endpoint, values)


@pytest.mark.parametrize("path", NOT_UTF8)
@pytest.mark.parametrize("method", ["GET", "FOO"])
def test_a_path_that_is_not_utf8(method, path):
    """It is refused before any routing, so neither 404 nor 405 comes first."""
    assert found(method, path) == DAMAGED


def on_the_wire(server, method: str, path: bytes) -> tuple[tuple[int, str, str], list[str]]:
    """Return what a real server answers, and the names of its headers."""
    answer = exchange(server.port, request_of(method, path.decode("latin-1")))
    return answer.what, answer.names


def test_refusals_on_the_wire(server):
    """A real server gives every refusal as plain text, no `allow` among the headers, and nothing has changed."""
    before = content(server.database_path)
    names = ["content-type", "content-length", "date"]
    sent = (
        [("GET", path, (404, TEXT, "not found")) for path in UNKNOWN]
        + [("DELETE", path, (404, TEXT, "not found")) for path in UNKNOWN]
        + [(method, path.encode(), (405, TEXT, "method not allowed")) for method, path in REFUSED if method != "HEAD"]
        + [("GET", path, (400, TEXT, "invalid path params")) for path in NOT_UTF8 if path.isascii()]
    )
    answers = [(method, path, *on_the_wire(server, method, path)) for method, path, _ in sent]
    assert answers == [(*row, names) for row in sent]
    assert content(server.database_path) == before


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("GET", b"/v1/tms/tenants/lis%74", NO_ROW),
        ("GET", b"/v1/tms/tenants/a%2Fb", NO_ROW),
        ("GET", b"/v1/tms/tenants/a%00b", (500, JSON, f'{{"result_code":"500","result_msg":"{NUL}"}}')),
        ("GET", b"http://elsewhere/v1/tms/hello", (200, TEXT, "hello!")),
        ("GET", b"/v1/tms/hello?name=a#b", (200, TEXT, "hello, a!")),
        ("GET", b"/v1/tms/hosts/upd", (400, TEXT, NO_NUMBER)),
    ],
)
def test_parameters_on_the_wire(server, method, path, what):
    """A real server undoes the percent-encoding of a parameter, takes whole URLs and cuts the fragment off."""
    assert on_the_wire(server, method, path)[0] == what
