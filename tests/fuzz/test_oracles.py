"""The second opinions agree with the contract where it gives examples."""

import pytest

from tests.fuzz.oracles import RefusedError, int32, is_version_requirement, json_value, same_value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1",
            "1.0",
            "1.0.0",
            "0.0",
            "1.2.3-alpha.1",
            "1.2.3+build",
            "1.2.3-a, 2",
            "*",
            "x",
            "X",
            "1.*",
            "1.2.*",
            "1.0.x",
        ),
        *("^1.2", "~1.2.3", "=1.2.3", "= 1.0", ">=1.2, <2", "1,2", " 1.0 ", "2024.9.1", "18446744073709551615.0.0"),
    ],
)
def test_accepted_version_requirements(text):
    """Contract 1.8, the first list."""
    assert is_version_requirement(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "v1.0", "latest", ".1", "1.", "1..0", "01.0", "1.01", "1.2.3-01", "1.0.0.0", "1.0-beta", "1-beta"),
        *("1.2+b", "1 2", ">", "1,*", "1,", "18446744073709551616", "1.*.1", "é", ",".join(["1"] * 33)),
        # The grammar once took 20 seconds for this one, the parser 0.3 ms.
        pytest.param(" " * 65_536, id="spaces alone"),
    ],
)
def test_refused_version_requirements(text):
    """The second one."""
    assert not is_version_requirement(text)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"\xff",
            b"\xef\xbb\xbf1",
            b"NaN",
            b"1e400",
            b"-Infinity",
            b'"\\ud800"',
            b'{"a":"\\ud800","a":1}',
            b"01",
        ),
        *(b"[" * 128 + b"]" * 128, b'{"a":' * 128 + b"1" + b"}" * 128, b"[1,]"),
    ],
)
def test_refused_json(raw):
    """Contract 6.3: what Python reads and the reference does not is refused as well."""
    with pytest.raises(RefusedError):
        json_value(raw)


def test_accepted_json():
    """Numbers are those of serde_json."""
    assert json_value(b"[18446744073709551615, 18446744073709551616, -0, true]") == [2**64 - 1, 2.0**64, 0.0, True]
    assert isinstance(json_value(b"-0"), float)
    assert json_value(b"[" * 127 + b"]" * 127)


def test_equal_values():
    """Kinds count, the last digits of a float do not."""
    assert same_value({"a": [0.1, None]}, {"a": [0.1 + 1e-17, None]})
    for other in ({"a": [0.2, None]}, {"a": [0.1]}, {"b": [0.1, None]}, {"a": None}, []):
        assert not same_value({"a": [0.1, None]}, other)
    assert not same_value(True, 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+5", 5),
        ("-1", -1),
        ("007", 7),
        ("2147483648", None),
        ("1.0", None),
        ("", None),
        ("٣", None),
        ("9" * 5000, None),
    ],
)
def test_numbers_of_a_path(text, number):
    """Contract 6.2."""
    assert int32(text) == number
