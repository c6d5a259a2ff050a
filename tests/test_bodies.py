"""Every row of contract 6.2 and 6.3 but JSON's own grammar, which tests/test_serde_json.py has."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields as struct_fields

from app.bodies import BodyDecoder, check_content_type, path_value, query_values
from app.declare import Int32
from app.errors import FrameworkRefusal
from app.tms import OPERATIONS
from tests.conftest import ClientFor
from tests.raw import content, decoded
from tests.seeded import ADMIN

SCHEMAS = {operation.body.__name__: operation.body for operation in OPERATIONS if operation.body}
JSON_TYPE = {"Content-Type": "application/json"}


def refusal_of(function: Any, *arguments: Any) -> tuple[int, str] | None:
    """Return status and text of the refusal, or None where there is none."""
    try:
        function(*arguments)
    except FrameworkRefusal as refusal:
        return refusal.status, refusal.text
    return None


def read(schema: str, raw: str | bytes) -> Any:
    """Return a body's values, or the text of its refusal, which is always 400."""
    try:
        structure = BodyDecoder(SCHEMAS[schema]).decode_at_once(raw.encode() if isinstance(raw, str) else raw)
    except FrameworkRefusal as refusal:
        assert refusal.status == 400
        return refusal.text
    return msgspec.structs.asdict(structure)


def test_the_schemas_are_the_contracts():
    """Each body's name stands in texts, and its fields stand in the order in which a bad one is reported."""
    assert {name: " ".join(field.name for field in struct_fields(schema)) for name, schema in SCHEMAS.items()} == {
        "ReqCreateClient": "client_id tenant app_name app_version",
        "ReqNewSshKeys": "client_user_id host host_account num_uses ttl_minutes key_type",
        "ReqPublicKey": "user user_uid host public_key_fingerprint key_type",
        "ReqDeletePubkey": "client_id tenant host public_key_fingerprint",
        "ReqUpdatePubkey": "client_id tenant host public_key_fingerprint max_uses ttl_minutes",
        "ReqCreateUserMfa": "tenant tms_user_id ttl_minutes",
        "ReqUpdateUserMfa": "tms_user_id tenant enabled",
        "ReqCreateUserHosts": "tenant tms_user_id host host_account ttl_minutes",
        "ReqDeleteUserHosts": "tms_user_id tenant host host_account",
        "ReqUpdateUserHosts": "tms_user_id tenant host host_account ttl_minutes",
        "ReqCreateDelegations": "tenant client_id client_user_id ttl_minutes",
        "ReqDeleteDelegations": "client_id client_user_id tenant",
        "ReqUpdateDelegations": "client_id client_user_id tenant ttl_minutes",
        "ReqUpdateTenants": "tenant enabled",
        "ReqCreateHost": "tenant host addr",
        "ReqDeleteHosts": "tenant host addr",
        "ReqCreateReservation": "client_user_id host public_key_fingerprint ttl_minutes",
        "ReqExtendReservation": "client_user_id host public_key_fingerprint parent_resid",
    }


# Content types.

ACCEPTED_TYPES = [
    "application/json", "APPLICATION/JSON", "Application/Json", "application/json;", "application/json; charset=utf-8",
    "application/json;charset=UTF-8", "application/json; charset=latin-1", 'application/json; a="b c; d"',
    "application/json; a=b; c=d", "application/json; a=b;", "application/problem+json", "application/vnd.api+json",
    "application/a.b-c+json; v=1", "application/a+b+json", "APPLICATION/X+JSON", "  application/json\t",
]  # fmt: skip
REFUSED_TYPES = [
    "", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/json",
    "text/x+json", "application/json ; a=b", "application/json;charset", "application/json; charset",
    "application/json; charset=", "application/+json", "application/json, text/plain", "application/*", "*/*",
    '"application/json"', "application/json;;", "application/jsonx", "application/json+xml", "application/xml",
    "application", "json", "application/", "/json", "application/ json", "application /json", "application/js\ton",
]  # fmt: skip
NO_TYPE = (415, "the client request does not include the `Content-Type` header")


@pytest.mark.parametrize("value", ACCEPTED_TYPES)
def test_content_type_accepted(value):
    """JSON and anything that ends in +json, whatever its letters and parameters."""
    assert refusal_of(check_content_type, [(b"content-type", value.encode())]) is None


@pytest.mark.parametrize("value", REFUSED_TYPES)
def test_content_type_refused(value):
    """Anything else is 415 and is told back whole, parameters included."""
    text = f"the `Content-Type` requested by the client is not supported: {value}"
    assert refusal_of(check_content_type, [(b"content-type", value.encode())]) == (415, text)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"accept", b"application/json")],
        [(b"content-type", "application/json; a=é".encode())],
        [(b"content-type", b"\xff"), (b"content-type", b"application/json")],
    ],
)
def test_no_content_type(headers):
    """An absent header and one with bytes above 0x7F are the same."""
    assert refusal_of(check_content_type, headers) == NO_TYPE


def test_the_first_content_type_counts():
    """A second one neither helps nor harms."""
    good, bad = (b"content-type", b"application/json"), (b"content-type", b"text/plain")
    refused = (415, "the `Content-Type` requested by the client is not supported: text/plain")
    assert (refusal_of(check_content_type, [good, bad]), refusal_of(check_content_type, [bad, good])) == (None, refused)


# Bodies.

START = "parse request payload error: "
MFA = ' (occurred while parsing "ReqCreateUserMfa")'
KEYS = ' (occurred while parsing "ReqNewSshKeys")'
NEW_LIMITS = ' (occurred while parsing "optional<integer(uint32)>") (occurred while parsing "ReqUpdatePubkey")'
INT32_LIMITS = "Only integers from -2147483648 to 2147483647 are accepted."
UINT32_LIMITS = "Only integers from 0 to 4294967295 are accepted."


def mfa(user: str = '"u"', minutes: str = "1") -> str:
    """Return a body of E15 with these pieces of JSON in it."""
    return f'{{"tenant":"test","tms_user_id":{user},"ttl_minutes":{minutes}}}'


def limits(uses: str) -> str:
    """Return a body of E14 with this piece of JSON as `max_uses`."""
    return f'{{"client_id":"c","tenant":"t","host":"h","public_key_fingerprint":"f","max_uses":{uses}}}'


def new_key(key_type: str) -> str:
    """Return a body of E09 with this piece of JSON as `key_type`."""
    required = '"client_user_id":"u","host":"h","host_account":"a","num_uses":1,"ttl_minutes":2'
    return f'{{{required},"key_type":{key_type}}}'


REFUSED_BODIES = [
    # Empty is null; what is no object is told back compact, sorted, with its numbers in serde_json's form.
    ("ReqCreateUserMfa", "", 'Expected input type "ReqCreateUserMfa", found null.'),
    ("ReqCreateUserMfa", "null", 'Expected input type "ReqCreateUserMfa", found null.'),
    ("ReqPublicKey", "[1, 2]", 'Expected input type "ReqPublicKey", found [1,2].'),
    ("ReqPublicKey", "5", 'Expected input type "ReqPublicKey", found 5.'),
    ("ReqPublicKey", "true", 'Expected input type "ReqPublicKey", found true.'),
    ("ReqPublicKey", '"a\\u0001\\/é"', 'Expected input type "ReqPublicKey", found "a\\u0001/é".'),
    (
        "ReqPublicKey",
        '[{"b": 1e3, "a": -0, "b": [ ]}, -1.50, 1E-7, 18446744073709551616]',
        'Expected input type "ReqPublicKey", found [{"a":-0.0,"b":[]},-1.5,1e-7,1.8446744073709552e19].',
    ),
    # Not JSON at all.
    ("ReqCreateUserMfa", " ", "EOF while parsing a value at line 1 column 1"),
    ("ReqCreateUserMfa", "abc", "expected value at line 1 column 1"),
    ("ReqCreateUserMfa", '{"tenant":"a"} x', "trailing characters at line 1 column 16"),
    ("ReqCreateUserMfa", b'{"tenant":"\xff"}', "invalid unicode code point at line 1 column 13"),
    ("ReqCreateUserMfa", '{"x":"a\x01"}', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 8"),
    ("ReqCreateUserMfa", '{"x":"\\ud800"}', "unexpected end of hex escape at line 1 column 13"),
    ("ReqCreateUserMfa", '{"x":' + "[" * 127 + "]" * 127 + "}", "recursion limit exceeded at line 1 column 132"),
    # Strings.
    ("ReqCreateUserMfa", "{}", f'Expected input type "string", found null.{MFA}'),
    ("ReqCreateUserMfa", '{"tenant":null}', f'Expected input type "string", found null.{MFA}'),
    ("ReqCreateUserMfa", mfa("[1, 2]"), f'Expected input type "string", found [1,2].{MFA}'),
    ("ReqCreateUserMfa", mfa('{"b":1,"a":2}'), f'Expected input type "string", found {{"a":2,"b":1}}.{MFA}'),
    ("ReqNewSshKeys", new_key("[]"),
     f'Expected input type "string", found []. (occurred while parsing "optional<string>"){KEYS}'),
    ("ReqNewSshKeys", new_key('{"a":1}'),
     f'Expected input type "string", found {{"a":1}}. (occurred while parsing "optional<string>"){KEYS}'),
    # Numbers of 32 bits.
    ("ReqCreateUserMfa", '{"tenant":"test","tms_user_id":"u"}', f'Expected input type "integer(int32)", found null.{MFA}'),
    *[
        ("ReqCreateUserMfa", mfa(minutes=value), f'Expected input type "integer(int32)", found {value}.{MFA}')
        for value in ("null", '"5"', '""', "true", "false", "[]", '{"a":[1]}')
    ],
    *[
        ("ReqCreateUserMfa", mfa(minutes=value), f'failed to parse "integer(int32)": invalid integer{MFA}')
        for value in ("1.0", "1e3", "-0", "-0.0", "9223372036854775808", "18446744073709551615", "-9223372036854775809",
                      "18446744073709551616", "0.5", "1e300")
    ],
    *[
        ("ReqCreateUserMfa", mfa(minutes=value), f'failed to parse "integer(int32)": {INT32_LIMITS}{MFA}')
        for value in ("2147483648", "-2147483649", "9223372036854775807", "-9223372036854775808")
    ],
    *[
        ("ReqUpdatePubkey", limits(value), f'failed to parse "integer(uint32)": invalid integer{NEW_LIMITS}')
        for value in ("-1", "-0", "1.0", "1e3", "18446744073709551616", "-9223372036854775809", "0.5")
    ],
    *[
        ("ReqUpdatePubkey", limits(value), f'failed to parse "integer(uint32)": {UINT32_LIMITS}{NEW_LIMITS}')
        for value in ("4294967296", "9223372036854775808", "18446744073709551615")
    ],
    *[
        ("ReqUpdatePubkey", limits(value), f'Expected input type "integer(uint32)", found {value}.{NEW_LIMITS}')
        for value in ('"3"', "true", "[]", "{}")
    ],
    # Booleans.
    *[
        ("ReqUpdateTenants", f'{{"tenant":"t","enabled":{value}}}',
         f'Expected input type "boolean", found {value}. (occurred while parsing "ReqUpdateTenants")')
        for value in ("null", "0", "1", '"true"', "1.0", "[true]")
    ],
    ("ReqUpdateTenants", '{"tenant":"t"}',
     'Expected input type "boolean", found null. (occurred while parsing "ReqUpdateTenants")'),
    # Of several bad fields the first in declaration order is reported, whatever their order in the body.
    ("ReqCreateUserMfa", '{"ttl_minutes":"5","tms_user_id":[],"tenant":{}}',
     f'Expected input type "string", found {{}}.{MFA}'),
    ("ReqCreateUserMfa", '{"ttl_minutes":"5","tms_user_id":[],"tenant":"t"}',
     f'Expected input type "string", found [].{MFA}'),
    # Of duplicate keys the last one counts.
    ("ReqCreateUserMfa", '{"tenant":"a","tenant":null,"tms_user_id":"u","ttl_minutes":1}',
     f'Expected input type "string", found null.{MFA}'),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "raw", "text"), REFUSED_BODIES)
def test_body_refused(schema, raw, text):
    """The whole text of each refusal."""
    assert read(schema, raw) == START + text


COERCED = [
    ("5", "5"), ("-1", "-1"), ("true", "true"), ("false", "false"), ("1.0", "1.0"), ("1e3", "1000.0"), ("-0", "-0.0"),
    ("-1.50", "-1.5"), ("1e16", "1e16"), ("1E-7", "1e-7"), ("18446744073709551615", "18446744073709551615"),
    ("18446744073709551616", "1.8446744073709552e19"), ("-9223372036854775808", "-9223372036854775808"),
    ("-9223372036854775809", "-9.223372036854776e18"), ('"5"', "5"), ('""', ""), ('"-0"', "-0"),
    ('"\\u00e9\\ud83d\\ude00\\n"', "é😀\n"), ('"\\u0000"', "\0"), ('"é"', "é"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text"), COERCED)
def test_string_field(given, text):
    """A number or a boolean where a string belongs is taken as the text of its parsed value."""
    assert read("ReqCreateUserMfa", mfa(given)) == {"tenant": "test", "tms_user_id": text, "ttl_minutes": 1}


@pytest.mark.parametrize(
    ("given", "value"),
    [("null", None), ("5", "5"), ("true", "true"), ('"RSA"', "RSA"), ("1e3", "1000.0"), ('""', "")],
)
def test_optional_string_field(given, value):
    """Null is the same as absent; numbers and booleans become strings here too."""
    rest = {"client_user_id": "u", "host": "h", "host_account": "a", "num_uses": 1, "ttl_minutes": 2}
    assert read("ReqNewSshKeys", new_key(given)) == {**rest, "key_type": value}


def test_absent_optional_fields():
    """What is optional may be left out."""
    body = {"user": "a", "host": "h", "public_key_fingerprint": "f"}
    assert read("ReqPublicKey", json.dumps(body)) == {**body, "user_uid": None, "key_type": None}
    required = {"client_id": "c", "tenant": "t", "host": "h", "public_key_fingerprint": "f"}
    assert read("ReqUpdatePubkey", json.dumps(required)) == {**required, "max_uses": None, "ttl_minutes": None}


@pytest.mark.parametrize("value", [-2147483648, -1, 0, 1, 2147483647])
def test_int32_field(value):
    """All of its range."""
    assert read("ReqCreateUserMfa", mfa(minutes=str(value)))["ttl_minutes"] == value


@pytest.mark.parametrize("value", [None, 0, 1, 2147483648, 4294967295])
def test_uint32_field(value):
    """All of its range, and null for absent."""
    assert read("ReqUpdatePubkey", limits(json.dumps(value)))["max_uses"] == value


@pytest.mark.parametrize(
    "raw",
    [
        '{"tenant":"test","tms_user_id":"u","ttl_minutes":1}',
        '{"ttl_minutes":1,"unknown":[{"a":1.5}],"tms_user_id":"u","other":null,"tenant":"test"}',
        '{"tenant":[],"tms_user_id":"x","ttl_minutes":2,"tenant":"test","ttl_minutes":1,"tms_user_id":"u"}',
        ' \n\t\r{ "tenant" : "test" , "tms_user_id":"\\u0075","ttl_minutes":1 } \n',
        '{"t\\u0065nant":"test","tms_user_id":"u","ttl_minutes":1,"x":' + "[" * 126 + "]" * 126 + "}",
    ],
)
def test_order_unknown_and_duplicate_keys(raw):
    """Order and unknown fields do not matter; of duplicates the last one counts."""
    assert read("ReqCreateUserMfa", raw) == {"tenant": "test", "tms_user_id": "u", "ttl_minutes": 1}


def test_three_megabytes():
    """There is no limit of size."""
    assert read("ReqCreateUserMfa", mfa(json.dumps("x" * 3_000_000)))["tms_user_id"] == "x" * 3_000_000


# The two ways of the decoder.

ODD = [
    "-0", "-0.0", "1.0", "1e3", "1E-7", "1e16", "1e400", "2147483647", "2147483648", "-2147483649", "4294967295",
    "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "-9223372036854775808", "-9223372036854775809", "9" * 30, "01", "+1", ".5", "1.", "NaN", "Infinity", "nul",
    '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\q"', '"a\x01"', '"\x7f"', '"-0"', "'a'", "[1,]",
    "[" * 200 + "]" * 200, "\ufeff1", "\xa01", "\x0c1", "",
]  # fmt: skip
pieces = st.one_of(
    st.text(max_size=4).map(json.dumps),
    st.text(max_size=4).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers().map(str),
    st.integers(-2, 2).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["true", "false", "null", "[]", "{}", '[1,{"b":2,"a":1}]', '{"tenant":"x"}']),
    st.sampled_from(ODD),
)
plain = {"string": st.text(max_size=4).map(json.dumps), "int": st.integers(-(2**31), 2**31 - 1).map(str)}


@st.composite
def bodies(draw: Any) -> tuple[str, bytes]:
    """Return a schema's name and a body for it: mostly its own fields, mostly of their types, sometimes damaged."""
    schema = draw(st.sampled_from(sorted(SCHEMAS)))
    members = []
    for field in struct_fields(SCHEMAS[schema]):
        good = (
            st.sampled_from(["true", "false"])
            if field.type is bool
            else plain["string" if "str" in str(field.type) else "int"]
        )
        if draw(st.integers(0, 9)):
            members.append((json.dumps(field.name), draw(good if draw(st.integers(0, 3)) else pieces)))
    extra = st.tuples(st.sampled_from(['"tenant"', '"host"', '"x"', '""', '"-0"', '"\\u0068ost"', "x"]), pieces)
    members += draw(st.lists(extra, max_size=2)) if draw(st.booleans()) else []
    space = draw(st.sampled_from(["", " ", "\n", "\t\r\n"]))
    text = (
        "{" + ",".join(f"{space}{name}{space}:{value}" for name, value in draw(st.permutations(members))) + "}" + space
    )
    raw = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(raw)))
        raw = (
            raw[:at] + draw(st.sampled_from([b"", b"\xff", b"\0", b" x", b"{", b"\xed\xa0\x80", b","])) + raw[at + 1 :]
        )
    return schema, raw


def outcome(function: Any, raw: bytes) -> object:
    """Return the values with their types, or the refusal."""
    try:
        return repr(function(raw))
    except FrameworkRefusal as refusal:
        return refusal.status, refusal.text


@given(bodies())
@settings(max_examples=1500, deadline=None)
def test_the_fast_way_decides_as_the_careful_one(body):
    """What is plainly right is read by msgspec, everything else as serde_json reads it; nobody can tell which it was."""
    schema, raw = body
    decoder = BodyDecoder(SCHEMAS[schema])
    assert outcome(decoder.decode_at_once, raw) == outcome(decoder._careful, raw)


@given(st.binary(max_size=40) | st.sampled_from(ODD).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_decided_alike(raw):
    """No bytes end in another exception."""
    decoder = BodyDecoder(SCHEMAS["ReqPublicKey"])
    assert outcome(decoder.decode_at_once, raw) == outcome(decoder._careful, raw)


@pytest.mark.parametrize("piece", ODD)
@pytest.mark.parametrize("field", ["tenant", "ttl_minutes", "unknown"])
def test_odd_values_are_decided_alike(field, piece):
    """Each odd value in each place."""
    members = {"tenant": '"t"', "tms_user_id": '"u"', "ttl_minutes": "1", field: piece}
    raw = ("{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}").encode()
    decoder = BodyDecoder(SCHEMAS["ReqCreateUserMfa"])
    assert outcome(decoder.decode_at_once, raw) == outcome(decoder._careful, raw)


# Paths and queries.

NO_DIGIT, TOO_LARGE, TOO_SMALL = (
    "invalid digit found in string",
    "number too large to fit in target type",
    "number too small to fit in target type",
)


@pytest.mark.parametrize("name", ["seqno", "id"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *[
            (text, NO_DIGIT)
            for text in ("abc", "1.0", "0x10", " 1", "1 ", "-", "+", "+-5", "--5", "1_0", "²", "٣", "1e3", "list")
        ],
        *[(text, TOO_LARGE) for text in ("2147483648", "+2147483648", "99999999999999999999", "2147483648x")],
        *[(text, TOO_SMALL) for text in ("-2147483649", "-99999999999999999999")],
        ("214748364x", NO_DIGIT),
    ],
)
def test_path_number_refused(name, text, reason):
    """Rust's own sentence for the number, with the parameter's name."""
    whole = f'failed to parse path `{name}`: failed to parse "integer(int32)": {reason}'
    assert refusal_of(path_value, name, text, Int32) == (400, whole)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("+5", 5), ("-1", -1), ("007", 7), ("1", 1), ("0", 0), ("-0", 0), ("2147483647", 2147483647),
     ("-2147483648", -2147483648)],
)  # fmt: skip
def test_path_number(text, value):
    """Signs and leading zeros are welcome."""
    assert path_value("id", text, Int32) == value


def test_path_text():
    """A string is taken as it is."""
    assert path_value("client_id", "007", str) == "007"


NEITHER = "provided string was not `true` or `false`"
OPTIONAL_FLAG = '(occurred while parsing "optional<boolean>")'
BAD_FLAG = (400, f'failed to parse parameter `enabled`: failed to parse "boolean": {NEITHER} {OPTIONAL_FLAG}')
UPDATE = {"app_version": str | None, "enabled": bool | None}


@pytest.mark.parametrize(
    "query",
    [b"enabled=yes", b"enabled=1", b"enabled=True", b"enabled=TRUE", b"enabled=", b"enabled", b"enabled=true%20",
     b"enabled=yes&enabled=true", b"app_version=1&enabled=no", b"enabled=%ff", b"enabled=true;x=y"],
)  # fmt: skip
def test_bad_flag(query):
    """Only `true` and `false` are one; a name without `=` is an empty value, and the first value counts."""
    assert refusal_of(query_values, query, UPDATE) == BAD_FLAG


@pytest.mark.parametrize(
    ("query", "version", "enabled"),
    [
        (b"", None, None),
        (b"&&=&=x", None, None),
        (b"enabled=true", None, True),
        (b"enabled=false", None, False),
        (b"enabled=%74rue", None, True),
        (b"%65nabled=false", None, False),
        (b"enabled=true&enabled=yes", None, True),
        (b"Enabled=true&ENABLED=false", None, None),
        (b"unknown=1&enabled=true&x", None, True),
        (b"app_version=", "", None),
        (b"app_version", "", None),
        (b"app_version=1.0&app_version=2.0", "1.0", None),
        (b"app_version=a+b%20c%2Bd", "a b c+d", None),
        (b"app+version=1", None, None),
        (b"app_version=%zz%4%", "%zz%4%", None),
        (b"app_version=a;b=c", "a;b=c", None),
        (b"app_version=a=b", "a=b", None),
        (b"app_version=%C3%A9", "é", None),
        ("app_version=é".encode(), "é", None),
        (b"app_version=%FFx%C3", "\ufffdx\ufffd", None),
        (b"app_version=\xff", "\ufffd", None),
        (b"app_version=%E2%82", "\ufffd", None),
        (b"app_version=%26%3D", "&=", None),
    ],
)
def test_query(query, version, enabled):
    """Form rules: `+` is a space, a bad `%` stays, what is not UTF-8 is replaced, pairs end at `&` alone."""
    assert query_values(query, UPDATE) == {"app_version": version, "enabled": enabled}


# Through the whole application, on a file whose every row is looked at from outside.


async def test_refused_requests_change_nothing(client_for: ClientFor, tmp_path):
    """Each refused body comes back as plain text, even where every header is right, and no row or id is spent."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    before = content(tmp_path / "tms.db")
    rows = [(raw, START + text) for schema, raw, text in REFUSED_BODIES if schema == "ReqCreateUserMfa"]
    zipped = gzip.compress(mfa().encode(), mtime=0)
    rows.append((zipped, START + "expected value at line 1 column 1"))
    headers = {**ADMIN, **JSON_TYPE}
    sent = [await client.post("/v1/tms/usermfa", content=raw, headers=headers) for raw, _ in rows]
    assert [decoded(answer) for answer in sent] == [(400, text) for _, text in rows]
    typeless = await client.post("/v1/tms/usermfa", content=mfa(), headers=ADMIN)
    assert decoded(typeless) == NO_TYPE
    form = await client.post("/v1/tms/usermfa", data={"tenant": "test"}, headers=ADMIN)
    assert decoded(form) == (
        415,
        "the `Content-Type` requested by the client is not supported: application/x-www-form-urlencoded",
    )
    assert content(tmp_path / "tms.db") == before
    accepted = await client.post("/v1/tms/usermfa", content=mfa('"new"'), headers=headers)
    assert accepted.status_code == 201
    assert len(content(tmp_path / "tms.db")["user_mfa"]) == len(before["user_mfa"]) + 1


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/tms/pubkeys/id/abc", 400, f'failed to parse path `seqno`: failed to parse "integer(int32)": {NO_DIGIT}'),
        ("GET", "/v1/tms/userhosts/%201", 400, f'failed to parse path `id`: failed to parse "integer(int32)": {NO_DIGIT}'),
        ("GET", "/v1/tms/delegations/2147483648", 400,
         f'failed to parse path `id`: failed to parse "integer(int32)": {TOO_LARGE}'),
        ("GET", "/v1/tms/hosts/-2147483649", 400, f'failed to parse path `id`: failed to parse "integer(int32)": {TOO_SMALL}'),
        ("PATCH", "/v1/tms/client/upd/testclient1?enabled=yes", *BAD_FLAG),
        ("POST", "/v1/tms/usermfa", *NO_TYPE),
        ("DELETE", "/v1/tms/pubkeys/del", *NO_TYPE),
    ],
)  # fmt: skip
async def test_refused_before_any_header_is_looked_at(client, method, path, status, text):
    """No header of TMS is there, yet the answer is about the path, the query or the body."""
    assert decoded(await client.request(method, path)) == (status, text)


@pytest.mark.parametrize("number", ["1", "+1", "001", "%31"])
async def test_path_number_through_the_application(client, number):
    """Each way to write the number finds the record."""
    answer = await client.get(f"/v1/tms/delegations/{number}", headers=ADMIN)
    assert (answer.status_code, answer.json()["id"]) == (200, 1)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, JSON_TYPE])
async def test_a_body_where_none_belongs_is_ignored(client, headers):
    """Its type and content do not matter."""
    answer = await client.request("GET", "/v1/tms/hello?name=x", content=b"\xff{", headers=headers)
    assert decoded(answer) == (200, "hello, x!")
    answer = await client.request("DELETE", "/v1/tms/usermfa/del/nobody", content=b"[", headers={**ADMIN, **headers})
    message = "MFA user nobody NOT FOUND - Nothing deleted"
    assert decoded(answer) == (200, {"num_deleted": 0, "result_code": "0", "result_msg": message})


async def test_an_empty_version_counts_as_given(client):
    """`app_version=` goes to the version check, whose status is 500 here (D7)."""
    answer = await client.patch("/v1/tms/client/upd/testclient1?app_version=&enabled=false", headers=ADMIN)
    message = "ERROR: unexpected end of input while parsing major version number"
    assert decoded(answer) == (500, {"result_code": "500", "result_msg": message})
    shown = await client.get("/v1/tms/client/testclient1", headers=ADMIN)
    assert shown.json()["enabled"] is True
