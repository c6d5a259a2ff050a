"""The expected texts are the contract's (1.8) and the recordings'; the rows beyond them are semver 1.0.23's answers."""

import pytest

from app.version_requirement import VersionRequirementError, check

ACCEPTED = [
    *("1", "1.0", "1.0.0", "0.1.0", "0.0", "1.2.3-alpha.1", "1.2.3+build", "1.2.3-a, 2", "*", "x", "X", "1.*"),
    *("1.2.*", "1.0.x", "^1.2", "~1.2.3", "=1.2.3", "= 1.0", ">=1.2, <2", ">=1.2,<2", "1,2", " 1.0 ", "2024.9.1"),
    "18446744073709551615.0.0",
    # Beyond the contract's list.
    *(" * ", "1.*.*", "1.X.x", "1.2.3-a+b", "1.2.3--", "1.2.3+01", "1.2.3-0", "1.2.3-0a", "> 1 , <= 2", "1 ,  2 "),
    ",".join(["1"] * 32),
]

REJECTED = [
    ("", "unexpected end of input while parsing major version number"),
    ("   ", "unexpected end of input while parsing major version number"),
    ("v1.0", "unexpected character 'v' while parsing major version number"),
    ("latest", "unexpected character 'l' while parsing major version number"),
    (".1", "unexpected character '.' while parsing major version number"),
    ("1.", "unexpected end of input while parsing minor version number"),
    ("1..0", "unexpected character '.' while parsing minor version number"),
    ("01.0", "invalid leading zero in major version number"),
    ("1.01", "invalid leading zero in minor version number"),
    ("2024.09.01", "invalid leading zero in minor version number"),
    ("1.2.3-01", "invalid leading zero in pre-release identifier"),
    ("1.0.0.0", "expected comma after patch version number, found '.'"),
    ("1.0-beta", "expected comma after minor version number, found '-'"),
    ("1-beta", "expected comma after major version number, found '-'"),
    ("1.2+b", "expected comma after minor version number, found '+'"),
    ("1.0 beta", "expected comma after minor version number, found 'b'"),
    ("1.0\t", "expected comma after minor version number, found '\\t'"),
    ("1.0\n", "expected comma after minor version number, found '\\n'"),
    ("1.0\0", "expected comma after minor version number, found '\\0'"),
    ("1.0'", "expected comma after minor version number, found '\\''"),
    ("1.0\\", "expected comma after minor version number, found '\\\\'"),
    ("1.0\xa0", "expected comma after minor version number, found '\\u{a0}'"),
    ("1.0é", "expected comma after minor version number, found 'é'"),
    ('1.0"', "expected comma after minor version number, found '\"'"),
    (">1.2 <2", "expected comma after minor version number, found '<'"),
    ("<1 || >2", "expected comma after major version number, found '|'"),
    ("1.0,", "unexpected end of input while parsing major version number"),
    ("1.2.3-", "empty identifier segment in pre-release identifier"),
    ("1.2.3+", "empty identifier segment in build metadata"),
    ("1.*.2", "unexpected character after wildcard in version req"),
    ("X.x", "unexpected character after wildcard in version req"),
    ("*.1", "unexpected character after wildcard in version req"),
    ("x1", "unexpected character after wildcard in version req"),
    ("**", "unexpected character after wildcard in version req"),
    ("^*", "unexpected character '*' while parsing major version number"),
    (",1", "unexpected character ',' while parsing major version number"),
    ("1,,2", "unexpected character ',' while parsing major version number"),
    ("1.0.", "unexpected end of input while parsing patch version number"),
    ("1.2.01", "invalid leading zero in patch version number"),
    ("1.2.3-a_b", "expected comma after pre-release identifier, found '_'"),
    ("1.2.*-a", "expected comma after patch version number, found '-'"),
    ("* , 1", "wildcard req (*) must be the only comparator in the version req"),
    ("1, *", "wildcard req (*) must be the only comparator in the version req"),
    ("999999999999999999999", "value of major version number exceeds u64::MAX"),
    (",".join(["1"] * 33), "excessive number of version comparators"),
    # Beyond the contract's table.
    ("1.0\r", "expected comma after minor version number, found '\\r'"),
    ("1.0\x7f", "expected comma after minor version number, found '\\u{7f}'"),
    ("1.0\u0301", "expected comma after minor version number, found '\\u{301}'"),
    ("1.0\u09be", "expected comma after minor version number, found '\\u{9be}'"),
    ("1.0\u200b", "expected comma after minor version number, found '\\u{200b}'"),
    ("1.0😀", "expected comma after minor version number, found '😀'"),
    ("\t1", "unexpected character '\\t' while parsing major version number"),
    ("1.\u0663", "unexpected character '\u0663' while parsing minor version number"),
    ("1,x,2", "wildcard req (x) must be the only comparator in the version req"),
    ("X,1", "wildcard req (X) must be the only comparator in the version req"),
    ("1, * 2", "unexpected character '*' while parsing major version number"),
    ("1,1.x.1", "unexpected character after wildcard in version req"),
    ("1.*a", "expected comma after minor version number, found 'a'"),
    ("1.2.3-a..b", "empty identifier segment in pre-release identifier"),
    ("1.2.3-.a", "empty identifier segment in pre-release identifier"),
    ("1.2.3-a.", "empty identifier segment in pre-release identifier"),
    ("1.2.3-a.01", "invalid leading zero in pre-release identifier"),
    ("1.2.3+a..b", "empty identifier segment in build metadata"),
    ("1.2.3-a+", "empty identifier segment in build metadata"),
    ("1.2.3+b_", "expected comma after build metadata, found '_'"),
    ("18446744073709551616", "value of major version number exceeds u64::MAX"),
    ("1.18446744073709551616", "value of minor version number exceeds u64::MAX"),
    ("1.2.18446744073709551616", "value of patch version number exceeds u64::MAX"),
    ("9" * 5000, "value of major version number exceeds u64::MAX"),
    ("==1", "unexpected character '=' while parsing major version number"),
    ("<>1", "unexpected character '>' while parsing major version number"),
    (">=", "unexpected end of input while parsing major version number"),
    (",".join(["1"] * 33) + "x", "excessive number of version comparators"),
    (",".join(["1"] * 32) + "x", "expected comma after major version number, found 'x'"),
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    """A requirement that the real server takes is taken without a word."""
    check(text)


@pytest.mark.parametrize(("text", "message"), REJECTED)
def test_rejected(text: str, message: str) -> None:
    """Anything else is refused with the crate's own sentence."""
    with pytest.raises(VersionRequirementError) as caught:
        check(text)
    assert str(caught.value) == message


def test_refusal_is_a_value_error() -> None:
    """Callers may treat the refusal as any other bad value."""
    assert issubclass(VersionRequirementError, ValueError)
