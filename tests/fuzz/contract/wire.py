"""Raw requests, byte by byte, as no client library would send them: what the documents cannot say. It starts no server."""

import json
import re
import socket
import time
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from app.errors import FrameworkRefusal
from app.oauth.endpoints import PAGES, PROTOCOL
from app.routes import Routes
from app.tapis.endpoints import ENDPOINTS
from app.tms import OPERATIONS
from tests.fuzz.outcome import Find
from tests.fuzz.targets import goldens

from .allowed import Setup, may_drop, section_of

NAME = "raw requests"
BY = "hypothesis"
_WAIT_SECONDS = 30
_EXAMPLES = 300
_FORM = b"application/x-www-form-urlencoded"
_OURS = (
    b"host: 127.0.0.1", b"x-tms-tenant: test", b"x-tms-client-id: testclient1", b"x-tms-client-secret: secret1",
    b"x-tms-admin-id: ~~admin", b"x-tms-admin-secret: adminsecret1",
)  # fmt: skip
_ODD = (
    b"host: \xff", b"host: a, b", b"cookie: \xff=\xfe; =; a", b'cookie: a="\\', b"cookie: session=eyJ9.x.y", b"range: bytes=0-",
    b"authorization: Basic \xff", b"authorization: Basic /w==", b"authorization: Basic dGVzdGNsaWVudDE6c2VjcmV0MQ==",
    b"authorization: Bearer eyJhbGciOiJub25lIn0.e30.", b"authorization: Bearer \xe9", b"x-tapis-token: a.b.c",
    b"x-tapis-token: \xff", b"origin: null", b"origin: http://\xff", b"origin: http://127.0.0.1", b"accept: \xff, text/*;q=z",
    b"accept-language: *", b"user-agent: \xff\xc3", b"x-tms-tenant: \xe9", b"x-tms-tenant:", b"x-tms-client-id: a'b",
    b"x-forwarded-for: \xff", b"x-tapis-tenant: \xff", b"x-tapis-local-tenant: tacc", b"content-encoding: gzip",
    b"if-none-match: x", b"access-control-request-method: X", b"sec-fetch-site: cross-site", b"last-event-id: \xff",
)  # fmt: skip
_TYPES = (
    b"application/json",
    _FORM,
    b"application/json; charset=\xff",
    b"text/plain",
    b"multipart/form-data; boundary=a",
)
_CONTROL = (
    b"/_standin/", b"/_standin/records?table=clients", b"/_standin/journal?limit=1", b"/_standin/journal.har?limit=5",
    b"/_standin/metrics", b"/_standin/device", b"/_standin/snapshots/a", b"/_standin/page/login", b"/_standin/page/clock",
    b"/openapi.json", b"/spec", b"/",
)  # fmt: skip
_BODIES = (
    b"client_id=device-public&scope=openid",
    b"user_code=AAAA-BBBB&csrf_token=x",
    b"\xff",
    b"{}",
    b"a=%C3%A9&a=b",
    b"",
)
_PIECES = (
    b"%",
    b"%2F",
    b"%00",
    b"%FF",
    b"%C3%A9",
    b"/",
    b"//",
    b"?",
    b"&",
    b"=",
    b"+",
    b";",
    b"..",
    b"\xe9",
    b"'",
    b"1",
    b"a=b&",
)
_routes = Routes(OPERATIONS)


class WireError(AssertionError):
    """An answer that is none, or a 500 that the contract does not name."""


def requests() -> st.SearchStrategy[bytes]:
    """Return what makes requests, whole ones that no server has to refuse for their form alone."""
    lines = st.sampled_from([*_lines(), *(b"GET " + path for path in _CONTROL), *goldens.paths()])
    pieces = st.one_of(
        st.just([]), st.just([]), st.lists(st.tuples(st.integers(0, 400), st.sampled_from(_PIECES)), max_size=3)
    )
    methods = st.sampled_from([b""] * 25 + [b"GET", b"POST", b"HEAD", b"OPTIONS", b"QUERY"])
    ours = st.lists(st.sampled_from(_OURS), unique=True).map(
        lambda left_out: [each for each in _OURS if each not in left_out]
    )
    headers = st.one_of(st.just(list(_OURS)), st.just(list(_OURS)), ours)
    odd = st.lists(st.sampled_from(_ODD), max_size=3, unique=True)
    bodies = st.sampled_from([*_BODIES, *goldens.bodies()])
    types = st.one_of(st.just(_TYPES[0]), st.just(_FORM), st.sampled_from(_TYPES))
    changed = st.builds(_changed, bodies, pieces)
    return st.builds(_request, methods, lines, pieces, headers, odd, types, changed)


def _lines() -> list[bytes]:
    """Return method and path of every endpoint of OAuth, of a named issuer's and of Tapis."""
    tables = {**PROTOCOL, **PAGES, **ENDPOINTS}
    lines = [f"{method} {path.replace('*', 'x')}" for path, methods in tables.items() for method in methods]
    named = [line.replace(" /oauth2", " /issuers/a/oauth2") for line in lines if " /oauth2" in line]
    return [line.encode() for line in (*lines, *named)]


def _changed(text: bytes, pieces: list[tuple[int, bytes]]) -> bytes:
    for place, piece in pieces:
        start = place % (len(text) + 1)
        text = text[:start] + piece + text[start:]
    return text


def _request(
    other: bytes,
    line: bytes,
    pieces: list[tuple[int, bytes]],
    ours: list[bytes],
    odd: list[bytes],
    kind: bytes,
    body: bytes,
) -> bytes:
    """Return the bytes, `other` is another method; a target begins with a slash, and holds no blank (contract 6.4)."""
    method, _, target = line.partition(b" ")
    path = b"/" + _changed(target, pieces).lstrip(b"/").replace(b" ", b"+")
    method = other or method
    lines = [b"%s %s HTTP/1.1" % (method, path), *ours, *odd, b"connection: close"]
    if method not in (b"GET", b"HEAD"):
        lines += [b"content-type: " + kind, b"content-length: %d" % len(body)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body
    return b"\r\n".join(lines) + b"\r\n\r\n"


def fed(port: int, setup: Setup, number: int, ends: float | None, examples: int = _EXAMPLES) -> tuple[int, Find | None]:
    """Send requests and return how many, and the first that is a find."""
    cases = 0
    find: Find | None = None

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def send(data: bytes) -> None:
        nonlocal cases, find
        if ends is None or time.monotonic() < ends:
            cases += 1
            try:
                check(port, setup, data)
            except (WireError, OSError) as failure:
                find = Find(f"{type(failure).__name__}: {failure} after {data[:300]!r}", data)
                raise

    with suppress(WireError, OSError):
        send()
    return cases, find


def check(port: int, setup: Setup, data: bytes) -> None:
    """Send a request. Raises WireError for an answer that nothing allows, OSError where none ends."""
    answer = _answered(port, data)
    if not answer and may_drop(setup, _operation(data)):
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
    if status is None:
        raise WireError(f"no answer, but {answer[:100]!r}")
    if status[1] == b"500" and section_of(setup, _operation(data), _sentence(body)) is None:
        raise WireError(f"no section of the contract names {body[:300]!r}")


def _answered(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), _WAIT_SECONDS) as connection:
        connection.sendall(data)
        pieces = []
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def _operation(data: bytes) -> str:
    method, target = data.split(b" ", 2)[:2]
    try:
        found = _routes.find(method.decode(), target.partition(b"?")[0])
    except FrameworkRefusal:
        return ""
    return found[0].operation_id if found else ""


def _sentence(body: bytes) -> str:
    try:
        return str(json.loads(body)["result_msg"])
    except (ValueError, KeyError, TypeError):
        return ""
