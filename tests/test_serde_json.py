"""The expected texts are the contract's (1.3, 6.3) and answers of serde_json 1.0.133 itself to these very bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.serde_json import JsonError, Value, dump, parse, text_of

ERRORS = [
    # One group per row of the contract's table of JSON parser texts, in its order.
    (b"abc", "expected value at line 1 column 1"),
    (b'{"a":NaN}', "expected value at line 1 column 6"),
    (b'{"a":+1}', "expected value at line 1 column 6"),
    (b'{"a":.5}', "expected value at line 1 column 6"),
    (b"\xef\xbb\xbf{}", "expected value at line 1 column 1"),
    (b"\xff\xfe{\0}\0", "expected value at line 1 column 1"),
    (b"\0", "expected value at line 1 column 1"),
    (b'{"a":\xff}', "expected value at line 1 column 6"),
    (b"\xc3\xa9", "expected value at line 1 column 1"),
    (b"\x0c1", "expected value at line 1 column 1"),
    (b'{\n "a": 1,\n "b": x\n}', "expected value at line 3 column 7"),
    (b"", "EOF while parsing a value at line 1 column 0"),
    (b" ", "EOF while parsing a value at line 1 column 1"),
    (b" \n\t\r ", "EOF while parsing a value at line 2 column 3"),
    (b"\n\n ", "EOF while parsing a value at line 3 column 1"),
    (b"nul", "EOF while parsing a value at line 1 column 3"),
    (b"tru", "EOF while parsing a value at line 1 column 3"),
    (b"fals", "EOF while parsing a value at line 1 column 4"),
    (b'{"a":', "EOF while parsing a value at line 1 column 5"),
    (b"[1,", "EOF while parsing a value at line 1 column 3"),
    (b'{"a":1,', "EOF while parsing a value at line 1 column 7"),
    (b"-", "EOF while parsing a value at line 1 column 1"),
    (b"1.", "EOF while parsing a value at line 1 column 2"),
    (b"1e", "EOF while parsing a value at line 1 column 2"),
    (b"1e+", "EOF while parsing a value at line 1 column 3"),
    (b"{", "EOF while parsing an object at line 1 column 1"),
    (b'{"a"', "EOF while parsing an object at line 1 column 4"),
    (b'{"a":1', "EOF while parsing an object at line 1 column 6"),
    (b"[1", "EOF while parsing a list at line 1 column 2"),
    (b"[", "EOF while parsing a list at line 1 column 1"),
    (b"[[]", "EOF while parsing a list at line 1 column 3"),
    (b'{"a', "EOF while parsing a string at line 1 column 3"),
    (b'"', "EOF while parsing a string at line 1 column 1"),
    (b'"\\', "EOF while parsing a string at line 1 column 2"),
    (b'"\\u"', "EOF while parsing a string at line 1 column 4"),
    (b'"\\u00', "EOF while parsing a string at line 1 column 5"),
    (b'"\\ud800', "EOF while parsing a string at line 1 column 7"),
    (b'"\\ud800\\', "EOF while parsing a string at line 1 column 8"),
    (b'"\\ud800\\u00', "EOF while parsing a string at line 1 column 11"),
    (b"{} x", "trailing characters at line 1 column 4"),
    (b"{}{}", "trailing characters at line 1 column 3"),
    (b"{}\n\nx", "trailing characters at line 3 column 1"),
    (b"-0x", "trailing characters at line 1 column 3"),
    (b"1\0", "trailing characters at line 1 column 2"),
    (b'"\xc3\xa9" x', "trailing characters at line 1 column 6"),
    (b'{"a":1,}', "trailing comma at line 1 column 8"),
    (b"[1,]", "trailing comma at line 1 column 4"),
    (b"[1 , ]", "trailing comma at line 1 column 6"),
    (b"{'a':1}", "key must be a string at line 1 column 2"),
    (b"{1:2}", "key must be a string at line 1 column 2"),
    (b"{/*x*/}", "key must be a string at line 1 column 2"),
    (b"{,}", "key must be a string at line 1 column 2"),
    (b'{"a":1,2:3}', "key must be a string at line 1 column 8"),
    (b"{\0}\0", "key must be a string at line 1 column 2"),
    (b'{"a" 1}', "expected `:` at line 1 column 6"),
    (b'{"a":1 "b":2}', "expected `,` or `}` at line 1 column 8"),
    (b'{"a":1]', "expected `,` or `}` at line 1 column 7"),
    (b"[1 2]", "expected `,` or `]` at line 1 column 4"),
    (b"[1}", "expected `,` or `]` at line 1 column 3"),
    (b"trux", "expected ident at line 1 column 4"),
    (b"nuxx", "expected ident at line 1 column 3"),
    (b"f alse", "expected ident at line 1 column 2"),
    (b"01", "invalid number at line 1 column 2"),
    (b"-01", "invalid number at line 1 column 3"),
    (b'{"a":1.}', "invalid number at line 1 column 8"),
    (b"1.x", "invalid number at line 1 column 3"),
    (b"--1", "invalid number at line 1 column 2"),
    (b"1ex", "invalid number at line 1 column 3"),
    (b"1e+-1", "invalid number at line 1 column 4"),
    (b"1e400", "number out of range at line 1 column 5"),
    (b"-1e400", "number out of range at line 1 column 6"),
    (b'{"a":1e400}', "number out of range at line 1 column 10"),
    (b"17976931348623159e292", "number out of range at line 1 column 21"),
    (b"1e99999999999999", "number out of range at line 1 column 12"),
    (b"1" * 400, "number out of range at line 1 column 400"),
    (b'"\0"', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2"),
    (b'"\x1f"', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2"),
    (b'"ab\tc"', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 4"),
    (b'{"a":"b\nc"}', "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"),
    (b'"\\q"', "invalid escape at line 1 column 3"),
    (b'"\\u00zz"', "invalid escape at line 1 column 7"),
    (b'"\\uz    "', "invalid escape at line 1 column 7"),
    (b'"\\ud800"', "unexpected end of hex escape at line 1 column 8"),
    (b'"\\ud800\\n"', "unexpected end of hex escape at line 1 column 9"),
    (b'"\\ude00"', "lone leading surrogate in hex escape at line 1 column 7"),
    (b'"\\ud800\\u0041"', "lone leading surrogate in hex escape at line 1 column 13"),
    (b'"\xff"', "invalid unicode code point at line 1 column 3"),
    (b'"a\xc3"', "invalid unicode code point at line 1 column 4"),
    (b'{"\xff":1}', "invalid unicode code point at line 1 column 4"),
    (b'"\xed\xa0\x80"', "invalid unicode code point at line 1 column 5"),
    (b'"\xff', "EOF while parsing a string at line 1 column 2"),
    (b"[" * 128 + b"]" * 128, "recursion limit exceeded at line 1 column 128"),
    (b'{"x":' * 128 + b"1" + b"}" * 128, "recursion limit exceeded at line 1 column 636"),
    (b'{"a":[\n' + b"[" * 127, "recursion limit exceeded at line 2 column 126"),
]

VALUES: list[tuple[bytes, Value, str]] = [
    (b"null", None, "null"),
    (b" true\n", True, "true"),
    (b"\tfalse\r", False, "false"),
    (b"0", 0, "0"),
    (b"5", 5, "5"),
    (b"-1", -1, "-1"),
    (b"18446744073709551615", 18446744073709551615, "18446744073709551615"),
    (b"-9223372036854775808", -9223372036854775808, "-9223372036854775808"),
    (b"18446744073709551616", 1.8446744073709552e19, "1.8446744073709552e19"),
    (b"-9223372036854775809", -9.223372036854776e18, "-9.223372036854776e18"),
    (b"1.0", 1.0, "1.0"),
    (b"1e3", 1000.0, "1000.0"),
    (b"-1.50", -1.5, "-1.5"),
    (b"-0", -0.0, "-0.0"),
    (b"-0e5", -0.0, "-0.0"),
    (b"1e15", 1e15, "1000000000000000.0"),
    (b"1e16", 1e16, "1e16"),
    (b"1.2345E+16", 1.2345e16, "1.2345e16"),
    (b"1e-4", 0.0001, "0.0001"),
    (b"1e-5", 0.00001, "0.00001"),
    (b"-1.5e-5", -0.000015, "-0.000015"),
    (b"1e-6", 0.000001, "1e-6"),
    (b"1E-7", 0.0000001, "1e-7"),
    (b"5e-324", 5e-324, "5e-324"),
    (b"-1e-400", -0.0, "-0.0"),
    (b"1e-99999999999", 0.0, "0.0"),
    (b"0e99999999999", 0.0, "0.0"),
    (b"1.7976931348623157e308", 1.7976931348623157e308, "1.7976931348623157e308"),
    (b"18446744073709551616.5", 1.8446744073709552e19, "1.8446744073709552e19"),
    (b"123456789012345678901234567890.123e-10", 1.2345678901234567e19, "1.2345678901234567e19"),
    (b"0.12345678901234567890123", 0.12345678901234568, "0.12345678901234568"),
    (b'"\\u00E9\\ud83d\\ude00 \xc3\xa9\\/"', "é😀 é/", '"é😀 é/"'),
    (b'"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\"', '\0\x1f\b\t\n\f\r"\\', '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\"'),
    (b'"\x7f/<&"', "\x7f/<&", '"\x7f/<&"'),
    (b"[ ]", [], "[]"),
    (b'[1 , {"b" : null , "a" : [ ]}]', [1, {"b": None, "a": []}], '[1,{"a":[],"b":null}]'),
    (b"{ }", {}, "{}"),
    (b'{"b":1,"a":2,"b":3}', {"b": 3, "a": 2}, '{"a":2,"b":3}'),
    (
        '{"é":1,"😀":2,"\ufffd":3,"Z":4,"a":5}'.encode(),
        {"é": 1, "😀": 2, "\ufffd": 3, "Z": 4, "a": 5},
        '{"Z":4,"a":5,"é":1,"\ufffd":3,"😀":2}',
    ),
]

# serde_json's own reading of these differs in the last digit from the nearest float.
ROUNDED_TWICE = [
    (b"12345678901234567.0", "1.2345678901234566e16"),
    (b"0.89929189057336568", "0.8992918905733658"),
    (b"99503877288742456e-29", "9.950387728874248e-13"),
    (b"2.2250738585072011e-308", "2.2250738585072014e-308"),
]

# Numbers of at most 15 digits behind a short decimal power: serde_json reads them to the nearest float.
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(-(10**14), 10**14).map(lambda thousandths: thousandths / 1000)
    | st.text()
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@pytest.mark.parametrize(("raw", "text"), ERRORS)
def test_error(raw: bytes, text: str) -> None:
    """What is not JSON is refused with serde_json's text and position."""
    with pytest.raises(JsonError) as caught:
        parse(raw)
    assert str(caught.value) == text


def test_error_is_a_value_error() -> None:
    """Callers may treat the refusal as any other bad value."""
    assert issubclass(JsonError, ValueError)


@pytest.mark.parametrize(("raw", "value", "text"), VALUES)
def test_value(raw: bytes, value: Value, text: str) -> None:
    """What is JSON becomes a value of the right type, and that value is written as serde_json writes it."""
    assert (repr(parse(raw)), dump(value)) == (repr(value), text)


@pytest.mark.parametrize(("raw", "text"), ROUNDED_TWICE)
def test_long_number_is_rounded_twice(raw: bytes, text: str) -> None:
    """A number of many digits is off by the last digit exactly where serde_json's is."""
    assert dump(parse(raw)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (-7, "-7"), (True, "true"), (False, "false"), (1000.0, "1000.0"), (-0.0, "-0.0"), (1e16, "1e16")],
)
def test_text_of(value: float | bool, text: str) -> None:
    """A number or boolean given for a string becomes the text that JSON has for it."""
    assert text_of(value) == text


@pytest.mark.parametrize("text", ["[" * 127 + "]" * 127, '{"x":' * 127 + "1" + "}" * 127])
def test_127_levels_are_accepted(text: str) -> None:
    """One level less than the limit is read and written."""
    assert dump(parse(text.encode())) == text


def test_siblings_do_not_add_up_to_the_depth() -> None:
    """Only open arrays count towards the recursion limit."""
    assert parse(b"[" + b"[]," * 200 + b"[]]") == [[]] * 201


def test_large_body() -> None:
    """A body of more than one million bytes is read whole."""
    records = [{"client_id": f"client{number}", "ttl_minutes": number, "note": "é\n" * 20} for number in range(10_000)]
    raw = json.dumps(records).encode()
    assert (len(raw) > 1_000_000, parse(raw)) == (True, records)


@given(value=values, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 2))
def test_parse_agrees_with_the_standard_library(value: Value, ascii_only: bool, indent: int | None) -> None:
    """Valid JSON means here what it means everywhere."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert repr(parse(text.encode())) == repr(json.loads(text))


@given(values)
def test_dump_agrees_with_the_standard_library(value: Value) -> None:
    """Away from very large and very small floats the compact sorted form is the usual one."""
    assert dump(value) == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@given(values)
def test_dump_then_parse_is_the_identity(value: Value) -> None:
    """What is written is read back as the same value."""
    written = dump(value)
    assert (parse(written.encode()), dump(parse(written.encode()))) == (value, written)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_written_so_that_it_can_be_read(value: float) -> None:
    """The text of a float has no plus sign and no padding, and names that very float."""
    text = dump(value)
    mantissa, _, exponent = text.partition("e")
    assert (float(text), exponent.lstrip("-0") == exponent.lstrip("-"), "+" in text) == (value, True, False)
    assert ("." in mantissa) or bool(exponent)


@given(st.text('{}[]":,0159.-+eE \\\nutfalsrn\0é', max_size=15).map(str.encode) | st.binary(max_size=15))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No input ends in another exception, and the standard library takes whatever is accepted."""
    try:
        parse(raw)
    except JsonError:
        return
    json.loads(raw)
