"""What a check and an endpoint can read of their request."""

import pytest
from msgspec import Struct

from app.call import Call
from app.declare import Int32, Operation, Reply, Resource
from app.errors import Refusal

on = Resource("/tms/things", "Things")


class ReqThing(Struct):
    """A body."""

    tenant: str
    thing: str


@on.post("/{client_id}/{number}", Reply)
async def make_thing(call: Call, client_id: str, number: Int32, body: ReqThing) -> Reply:  # noqa: ARG001 - never run
    """Make a thing."""
    return Reply()


OPERATION: Operation = on.operations[0]


def call_with(*headers: tuple[bytes, bytes]) -> Call:
    """Return a call with these headers; it is not on its way through any part."""
    return Call(None, OPERATION, list(headers))  # type: ignore[arg-type] # nothing asked here needs the parts


def refused(call: Call, name: str) -> tuple[int, str]:
    """Return status and message of the refusal of a header."""
    with pytest.raises(Refusal) as refusal:
        call.required_header(name)
    return refusal.value.status, refusal.value.message


def test_a_header():
    """White space around a value is cut off, inside it stays, and values are not split."""
    call = call_with((b"x-tms-tenant", b" \t a b,\tc\t "), (b"x-tms-client-id", b""))
    assert (call.header("X-TMS-TENANT"), call.required_header("X-TMS-TENANT")) == ("a b,\tc", "a b,\tc")
    assert (call.header("X-TMS-CLIENT-ID"), call.required_header("X-TMS-CLIENT-ID")) == ("", "")


def test_other_headers_are_not_read():
    """Only the five headers of TMS are there; an underscore makes another name."""
    call = call_with((b"x_tms_tenant", b"test"), (b"authorization", b"Bearer x"))
    assert (call.header("X-TMS-TENANT"), call.header("authorization")) == (None, None)


def test_the_first_of_repeated_headers_counts():
    """Even when it is empty, or unusable."""
    call = call_with(
        (b"x-tms-tenant", b"first"), (b"x-tms-tenant", b"second"),
        (b"x-tms-admin-id", b" "), (b"x-tms-admin-id", b"second"),
        (b"x-tms-client-id", b"\xe9"), (b"x-tms-client-id", b"second"),
    )  # fmt: skip
    names = ("X-TMS-TENANT", "X-TMS-ADMIN-ID", "X-TMS-CLIENT-ID")
    assert [call.header(name) for name in names] == ["first", "", None]


@pytest.mark.parametrize("name", ["X-TMS-TENANT", "X-TMS-CLIENT-ID"])
def test_a_required_header(name):
    """Absent and unusable have a sentence each, with the header's name in its usual letters."""
    assert refused(call_with(), name) == (400, f"Required '{name}' HTTP header not found")
    text = f"Invalid string assigned to header {name}: failed to convert header to a str"
    assert refused(call_with((name.lower().encode(), b"a\x80")), name) == (400, text)


def test_named():
    """What the path names comes before what the body names; what neither has is a fault of ours."""
    call = call_with()
    call.arguments = {"client_id": "of the path", "thing": "of the path"}
    call.body = ReqThing(tenant="of the body", thing="of the body")
    assert [call.named(name) for name in ("client_id", "thing", "tenant")] == [
        "of the path", "of the path", "of the body",
    ]  # fmt: skip
    with pytest.raises(AttributeError):
        call.named("number")


def test_sentence():
    """Fields of the request win over the headers; values are put in as they are, braces included."""
    call = call_with()
    call.tenant, call.client_id = "header tenant", "header client"
    assert call.sentence("{client_id}@{tenant}") == "header client@header tenant"
    call.arguments = {"client_id": "{tenant}", "number": 7}
    call.body = ReqThing(tenant="%s{0}", thing="é\n")
    assert call.sentence("{client_id}@{tenant} {number} {thing}") == "{tenant}@%s{0} 7 é\n"


def test_a_fresh_call():
    """Nothing is known of a caller before the checks have run."""
    call = call_with((b"x-tms-tenant", b"test"), (b"x-tms-client-id", b"me"))
    assert (call.tenant, call.client_id, call.caller, call.arguments, call.body) == ("", "", None, {}, None)
    assert call.gate is OPERATION.gate
