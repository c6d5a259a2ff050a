"""The decoders of TMS requests: JSON, bodies, content types, paths and queries (contract 6)."""

from functools import cache
from urllib.parse import parse_qsl

from app import serde_json
from app.bodies import BodyDecoder, check_content_type, path_value, query_values
from app.declare import Int32
from app.errors import FrameworkRefusal
from app.routes import Routes
from app.tms import OPERATIONS
from tests.fuzz import oracles

from . import goldens
from .target import Target, only

_JSON_TOKENS = (
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b'"a":', b"null", b"true", b"false", b"-0", b"1e400", b"1e-400"),
    *(
        b"0.1",
        b"18446744073709551615",
        b"-9223372036854775809",
        b"\\ud800",
        b"\\udc00",
        b"\\u0000",
        b"\xff",
        b"[" * 127,
    ),
)
_READERS = ("app.serde_json", "app.serde_reader", "app.serde_numbers")
_OF_BODIES = ("app.bodies", "app.routes")
_NONE = "the client request does not include the `Content-Type` header"
_OTHER = "the `Content-Type` requested by the client is not supported: "
_ADMITTED = {"application/json", "application/problem+json"}


def json_reader(raw: bytes) -> None:
    """It reads what Python reads, and what it writes it reads again."""
    try:
        theirs = oracles.json_value(raw)
    except oracles.RefusedError:
        theirs = oracles.RefusedError
    try:
        ours = serde_json.parse(raw)
    except serde_json.JsonError as error:
        assert theirs is oracles.RefusedError, f"refused ({error}), though it is {theirs!r}"
        _check_place(str(error), raw)
        return
    assert theirs is not oracles.RefusedError, f"accepted as {ours!r}"
    assert oracles.same_value(ours, theirs), f"{ours!r} is not {theirs!r}"
    again = serde_json.parse(serde_json.dump(ours).encode())
    assert oracles.same_value(again, ours), f"written and read again it is {again!r}"


def _check_place(sentence: str, raw: bytes) -> None:
    """The place that an error tells is a place in the input."""
    words = sentence.split()
    line, column = int(words[-3]), int(words[-1])
    lines = raw.split(b"\n")
    assert 1 <= line <= len(lines), sentence
    assert 0 <= column <= len(lines[line - 1]) + 1, sentence


@cache
def _decoders() -> list[BodyDecoder]:
    schemas = {operation.body for operation in OPERATIONS if operation.body}
    return [BodyDecoder(schema) for schema in sorted(schemas, key=lambda schema: schema.__name__)]


def body(data: bytes) -> None:
    """The quick way and the careful one decode alike; a refusal is 400 with the reference's words."""
    decoder = _decoders()[data[0] % len(_decoders())] if data else _decoders()[0]
    raw = data[1:]
    quick = decoder._ordinary(raw)
    try:
        found = decoder._careful(raw)
    except FrameworkRefusal as refusal:
        assert quick is None, f"accepted as {quick!r}, though it is refused: {refusal.text}"
        assert refusal.status == 400
        only(refusal.text, "parse request payload error: ")
        refusal.text.encode()
        return
    assert quick is None or quick == found, f"{quick!r} is not {found!r}"
    assert decoder.decode_at_once(raw) == found


def content_type(data: bytes) -> None:
    """It is JSON or refused with 415."""
    value = data.translate(None, bytes(range(9)) + bytes(range(10, 32)) + b"\x7f")  # The rest never passes the server.
    try:
        check_content_type([(b"content-type", value)])
    except FrameworkRefusal as refusal:
        assert refusal.status == 415
        only(refusal.text, _NONE, _OTHER)
        assert value.decode("latin-1") not in _ADMITTED
        return
    media_type = value.decode().partition(";")[0].strip().lower()
    assert media_type.startswith("application/"), f"{value!r} is admitted"
    assert media_type == "application/json" or media_type.endswith("+json"), f"{value!r} is admitted"


@cache
def _routes() -> Routes:
    return Routes(OPERATIONS)


def path(data: bytes) -> None:
    """A method and a path are an endpoint with its values, none, or refused with 400 or 405."""
    method, _, target = data.partition(b" ")
    try:
        raw_path, _, query = target.partition(b"?")
        found = _routes().find(method.decode("latin-1"), raw_path)
        if found is None:
            return
        operation, values = found
        for name, kind in operation.path_parameters.items():
            _path_value(name, values[name], kind)
        _query(query, operation.query_parameters)
    except FrameworkRefusal as refusal:
        assert refusal.status in (400, 405)
        only(refusal.text, "method not allowed", "invalid path params", "failed to parse p")


def _path_value(name: str, text: str, kind: object) -> None:
    number = oracles.int32(text) if kind is Int32 else text
    try:
        value = path_value(name, text, kind)
    except FrameworkRefusal:
        assert number is None, f"{text!r} is refused"
        raise
    assert value == number, f"{text!r} becomes {value!r}, not {number!r}"


def _query(query: bytes, kinds: dict[str, object]) -> None:
    values = query_values(query, kinds)
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
    first = dict(reversed(pairs)) if query.isascii() else None
    for name in kinds:
        if first is not None:
            shown = {True: "true", False: "false"}.get(values[name], values[name])
            assert shown == first.get(name), f"{name} is {shown!r}, not {first.get(name)!r}"


def targets() -> list[Target]:
    """Return them."""
    bodies = goldens.bodies()
    marked = tuple(bytes([number % 18]) + each for number, each in enumerate(bodies))
    types = (b"application/json", b"application/problem+json; charset=utf-8", b'application/x+json;a="b"', b"text/json")
    pieces = (b"%", b"%2F", b"%00", b"%FF", b"//", b"/", b"?", b"&", b"=", b"+", b"-1", b"2147483648", b"enabled=true")
    return [
        Target("JSON reader", json_reader, bodies, _JSON_TOKENS, _READERS),
        Target("request bodies", body, marked, _JSON_TOKENS, (*_READERS, "app.bodies")),
        Target(
            "content types",
            content_type,
            types,
            (b";", b" ", b"=", b'"', b"+json", b"application/", b"/", b"*"),
            _OF_BODIES,
        ),
        Target("paths and queries", path, goldens.paths(), (*pieces, b"GET ", b"PATCH ", b"/v1/tms/"), _OF_BODIES),
    ]
