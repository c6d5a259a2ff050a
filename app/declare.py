"""How an endpoint is declared: a route line, a gate line, a function. It runs nothing.

One declaration is the source of the route, the decoders, the checks and the OpenAPI entry (design 3.2.2).
"""

import inspect
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Struct
from msgspec.structs import fields as struct_fields

Int32 = Annotated[int, "int32"]
UInt32 = Annotated[int, "uint32"]
Flag = Annotated[bool | int, "boolean"]
Flag32 = Annotated[int, "int32"]
DateTime = Annotated[str, "date-time"]


class Reply(Struct, kw_only=True):
    """A success answer of TMS (contract 1.3). It goes out with its keys in alphabetical order."""

    result_code: str = "0"
    result_msg: str = "success"


@dataclass
class Listing:
    """A success answer with an array that may be long: `pages` yields its elements piece by piece."""

    name: str
    count: str
    pages: AsyncGenerator[list[Any], None]
    shows_enabled: bool = False


Answer = Reply | Listing | dict[str, Any] | str
Handler = Callable[..., Awaitable[Answer]]
Check = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Gate:
    """The checks before an endpoint's work, in order, with the whole sentences of its refusals.

    `deny` is the 401 of authorization, `differ` the 403 of a caller who is not the one named.
    """

    checks: tuple[Check, ...] = ()
    deny: str = ""
    differ: str = ""
    statuses: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guarded:
    """A function behind its gate."""

    gate: Gate
    handler: Handler

    async def __call__(self, *arguments: Any, **named: Any) -> Answer:
        """Run the function without its checks."""
        return await self.handler(*arguments, **named)


@dataclass(frozen=True, eq=False)
class Operation:
    """One endpoint of the API."""

    method: str
    path: str
    status: int
    reply: type[Reply] | None
    handler: Handler
    gate: Gate
    body: type[Struct] | None
    path_parameters: dict[str, Any]
    query_parameters: dict[str, Any]
    statuses: tuple[int, ...]
    tag: str

    @property
    def operation_id(self) -> str:
        """Return the function's name, which is unique in the API."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """Return the first line of the function's docstring."""
        return (self.handler.__doc__ or "").strip().splitlines()[0]


@dataclass
class Resource:
    """The endpoints of one resource, below one path."""

    prefix: str
    tag: str
    operations: list[Operation] = field(default_factory=list)

    def get(self, path: str, reply: type[Reply] | None, also: tuple[int, ...] = ()) -> Callable[..., Guarded]:
        """Declare a GET."""
        return self._declare("GET", path, reply, 200, also)

    def post(
        self, path: str, reply: type[Reply], status: int = 201, also: tuple[int, ...] = ()
    ) -> Callable[..., Guarded]:
        """Declare a POST."""
        return self._declare("POST", path, reply, status, also)

    def patch(self, path: str, reply: type[Reply], also: tuple[int, ...] = ()) -> Callable[..., Guarded]:
        """Declare a PATCH."""
        return self._declare("PATCH", path, reply, 200, also)

    def delete(self, path: str, reply: type[Reply]) -> Callable[..., Guarded]:
        """Declare a DELETE."""
        return self._declare("DELETE", path, reply, 200, ())

    def _declare(
        self, method: str, path: str, reply: type[Reply] | None, status: int, also: tuple[int, ...]
    ) -> Callable[[Handler | Guarded], Guarded]:
        def declare(function: Handler | Guarded) -> Guarded:
            guarded = function if isinstance(function, Guarded) else Guarded(Gate(), function)
            self.operations.append(self._operation(method, path, reply, status, also, guarded))
            return guarded

        return declare

    def _operation(
        self, method: str, path: str, reply: type[Reply] | None, status: int, also: tuple[int, ...], guarded: Guarded
    ) -> Operation:
        whole = f"/v1{self.prefix}{path}"
        parameters = dict(inspect.get_annotations(guarded.handler, eval_str=True))
        for name in ("call", "return"):
            parameters.pop(name, None)
        body = parameters.pop("body", None)
        in_path = {name: parameters.pop(name) for name in re.findall(r"{(\w+)}", whole)}
        failures = () if reply is None else (*guarded.gate.statuses, *also, 500)
        _verify(guarded.gate, body, in_path)
        statuses = (status, *sorted(failures))
        return Operation(
            method, whole, status, reply, guarded.handler, guarded.gate, body, in_path, parameters, statuses, self.tag
        )


def _verify(gate: Gate, body: type[Struct] | None, in_path: dict[str, Any]) -> None:
    """Stop the import when a message names a field that the request does not have."""
    known = {"tenant", "client_id", *in_path, *(field.name for field in (struct_fields(body) if body else ()))}
    unknown = set(re.findall(r"{(\w+)}", gate.deny + gate.differ)) - known
    if unknown:
        raise TypeError(f"no such field in the request: {', '.join(sorted(unknown))}")
