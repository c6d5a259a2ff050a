"""What a declaration of an endpoint becomes, and which ones stop the import."""

# ruff: noqa: ARG001 - endpoints declared here need not look at what they are given

from typing import Any

import pytest
from msgspec import Struct

from app.declare import Gate, Guarded, Int32, Reply, Resource


class ReqThing(Struct):
    """A body."""

    tenant: str
    size: Int32


class RespThing(Reply):
    """A reply."""

    size: Int32


async def check(call: Any) -> None:
    """Pass."""


def guard(deny: str = "", differ: str = "", statuses: tuple[int, ...] = (400, 401)) -> Any:
    """Return a decorator with one check."""
    return lambda handler: Guarded(Gate((check,), deny, differ, statuses, ("X-TMS-TENANT",)), handler)


def test_a_guarded_declaration():
    """Method, whole path, statuses, and each parameter with its type, sorted into path, query and body."""
    on = Resource("/tms/things", "Things")

    @on.post("/{client_id}/{number}", RespThing, also=(404,))
    @guard("No {client_id} {number} {tenant} {size}.", "Not {client_id}.")
    async def make_thing(call: Any, client_id: str, number: Int32, flag: bool | None, body: ReqThing) -> RespThing:
        """Make a thing.

        More of it.
        """
        return RespThing(size=body.size)

    (operation,) = on.operations
    assert isinstance(make_thing, Guarded)
    assert operation.handler is make_thing.handler
    assert {name: getattr(operation, name) for name in operation.__dataclass_fields__ if name != "handler"} == {
        "method": "POST",
        "path": "/v1/tms/things/{client_id}/{number}",
        "status": 201,
        "reply": RespThing,
        "gate": Gate(
            (check,), "No {client_id} {number} {tenant} {size}.", "Not {client_id}.", (400, 401), ("X-TMS-TENANT",)
        ),
        "body": ReqThing,
        "path_parameters": {"client_id": str, "number": Int32},
        "query_parameters": {"flag": bool | None},
        "statuses": (201, 400, 401, 404, 500),
        "tag": "Things",
    }
    assert (operation.operation_id, operation.summary) == ("make_thing", "Make a thing.")


def test_each_method():
    """Every verb has its status; without a gate there is no check; a reply of plain text cannot fail."""
    on = Resource("/tms/things", "Things")

    async def thing(call: Any) -> str:
        """Be a thing."""
        return "thing"

    for declare in (on.get("", None), on.get("/a", Reply), on.post("", Reply), on.post("/b", Reply, status=200)):
        declare(thing)
    for declare in (on.patch("", Reply, also=(404,)), on.delete("", Reply)):
        declare(thing)
    assert [(one.method, one.path, one.status, one.statuses) for one in on.operations] == [
        ("GET", "/v1/tms/things", 200, (200,)),
        ("GET", "/v1/tms/things/a", 200, (200, 500)),
        ("POST", "/v1/tms/things", 201, (201, 500)),
        ("POST", "/v1/tms/things/b", 200, (200, 500)),
        ("PATCH", "/v1/tms/things", 200, (200, 404, 500)),
        ("DELETE", "/v1/tms/things", 200, (200, 500)),
    ]
    assert [(one.gate, one.body, one.path_parameters, one.query_parameters) for one in on.operations] == [
        (Gate(), None, {}, {})
    ] * 6


async def test_a_guarded_function_can_be_called_without_its_checks():
    """Which is what a test or another endpoint wants."""

    async def refuse(call: Any) -> None:
        raise AssertionError

    async def thing(call: Any, size: int) -> str:
        return f"thing of {size}"

    assert await Guarded(Gate((refuse,)), thing)(None, size=3) == "thing of 3"


@pytest.mark.parametrize(("deny", "differ"), [("No {thing}.", ""), ("", "Not {size}."), ("No {tenant} {thing}", "")])
def test_a_message_that_names_no_field_stops_the_import(deny, differ):
    """A field that neither path nor body has is found when the module is loaded, not when somebody is refused."""
    on = Resource("/tms/things", "Things")

    async def thing(call: Any, client_id: str) -> Reply:
        """Be a thing."""
        return Reply()

    with pytest.raises(TypeError, match=r"no such field in the request: (thing|size)$"):
        on.get("/{client_id}", Reply)(guard(deny, differ)(thing))
    assert on.operations == []


def test_a_parameter_that_the_function_lacks_stops_the_import():
    """Every name in the path has to be an argument, or nothing would convert it."""
    on = Resource("/tms/things", "Things")

    async def thing(call: Any) -> Reply:
        """Be a thing."""
        return Reply()

    with pytest.raises(KeyError, match="client_id"):
        on.get("/{client_id}", Reply)(thing)


def test_a_reply():
    """Every success says so."""
    assert (RespThing(size=1).result_code, RespThing(size=1).result_msg) == ("0", "success")
