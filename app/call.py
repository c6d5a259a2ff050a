"""One request on its way through the gate and the endpoint. It reads headers and fields, and decides nothing."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from .declare import Gate, Operation
from .errors import Refusal
from .parts import Parts
from .transaction import Transaction

Result = TypeVar("Result")

TENANT, CLIENT_ID, CLIENT_SECRET = "X-TMS-TENANT", "X-TMS-CLIENT-ID", "X-TMS-CLIENT-SECRET"
ADMIN_ID, ADMIN_SECRET = "X-TMS-ADMIN-ID", "X-TMS-ADMIN-SECRET"

_NAMES = {name.lower().encode(): name for name in (TENANT, CLIENT_ID, CLIENT_SECRET, ADMIN_ID, ADMIN_SECRET)}


class Call:
    """What a check or an endpoint can know of its request.

    `epoch` is that of the rows which the request reads, `has_written` whether it has changed any. `tenant` and
    `client_id` are the headers' values once their checks have passed. `caller` is the id of a caller who was authorized
    as a client, None for an administrator.
    """

    __slots__ = (
        "_headers",
        "_raw_headers",
        "arguments",
        "body",
        "caller",
        "client_id",
        "epoch",
        "gate",
        "has_written",
        "operation",
        "parts",
        "tenant",
    )

    def __init__(self, parts: Parts, operation: Operation, headers: list[tuple[bytes, bytes]]) -> None:
        self.parts = parts
        self.operation = operation
        self.gate: Gate = operation.gate
        self.arguments: dict[str, Any] = {}
        self.body: Struct | None = None
        self.tenant = ""
        self.client_id = ""
        self.caller: str | None = None
        self.epoch: int | None = None
        self.has_written = False
        self._raw_headers = headers
        self._headers: dict[str, bytes] | None = None

    def header(self, name: str) -> str | None:
        """Return a header's value without the white space around it, None where it is absent or not ASCII."""
        value = self._value(name)
        return value.decode() if value is not None and value.isascii() else None

    def required_header(self, name: str) -> str:
        """Return the value of a header. Raises Refusal 400 (contract 1.2); an empty value passes."""
        value = self._value(name)
        if value is None:
            raise Refusal(400, f"Required '{name}' HTTP header not found")
        if not value.isascii():
            raise Refusal(400, f"Invalid string assigned to header {name}: failed to convert header to a str")
        return value.decode()

    def _value(self, name: str) -> bytes | None:
        if self._headers is None:
            self._headers = _tms_headers(self._raw_headers)
        return self._headers.get(name)

    def begin(self) -> None:
        """Read from now on; what was read before, of rows that were replaced since, is forgotten."""
        self.caller = None
        self.has_written = False
        self.epoch = self.parts.steering.epoch

    async def write(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Do what Store.write does, unless the rows that this request has read were replaced: RowsReplaced is raised."""
        result = await self.parts.store.write(work, self.epoch)
        self.has_written = True
        return result

    def named(self, field: str) -> Any:
        """Return the value of a field that the request names in its path or its body."""
        return self.arguments[field] if field in self.arguments else getattr(self.body, field)

    def sentence(self, template: str) -> str:
        """Return a message with its fields filled in; what path and body name wins over the headers."""
        body = {} if self.body is None else asdict(self.body)
        return template.format_map({"tenant": self.tenant, "client_id": self.client_id, **self.arguments, **body})


def _tms_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, bytes]:
    """Return the first value of each X-TMS header; of repeated headers the first counts, even an empty one."""
    found: dict[str, bytes] = {}
    for name, value in headers:
        if name in _NAMES and _NAMES[name] not in found:
            found[_NAMES[name]] = value.strip(b" \t")
    return found
