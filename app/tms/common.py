"""What several resources share: how a row is shown, how long a record lives. No endpoint."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from ..call import Call
from ..declare import Answer, Listing, Reply
from ..errors import DatabaseError, Refusal
from ..records import UNLIMITED
from ..statements import Statement
from ..wire import Wire

_NOT_A_TEXT = 'column "updated" is of type timestamp with time zone but expression is of type text'


def not_found() -> Refusal:
    """Return NF."""
    return Refusal(404, "NOT_FOUND")


def shown(wire: Wire, row: Any) -> dict[str, Any]:
    """Return a row's columns with its times and its flag as the answer for a single record shows them."""
    values: dict[str, Any] = row._asdict()
    values["created"] = wire.stamp(values["created"])
    values["updated"] = wire.stamp(values["updated"])
    if "expires_at" in values:
        values["expires_at"] = wire.expiry(values["expires_at"])
    if "enabled" in values:
        values["enabled"] = wire.flag(values["enabled"])
    return values


def listing(
    call: Call, name: str, count: str, element: type[Struct], statement: Statement, **parameters: Any
) -> Listing:
    """Return the rows of a long read as an array of `element`; in arrays `enabled` is 0 or 1 in both versions."""
    shows_enabled = "enabled" in element.__struct_fields__

    async def pages() -> AsyncGenerator[list[Struct], None]:
        # Under defect D2 nobody reads them all.
        async with aclosing(call.parts.store.pages(statement, **parameters)) as found:
            async for rows in found:
                values = [shown(call.parts.modes.wire, row) for row in rows]
                for value in values if shows_enabled else ():
                    value["enabled"] = int(value["enabled"])
                yield [element(**value) for value in values]

    return Listing(name, count, pages(), shows_enabled)


def expiry_after(call: Call, ttl_minutes: int) -> datetime:
    """Return now + minutes; a negative number is the largest one, about 4083 years (contract 1.7)."""
    after = call.parts.clock.after(UNLIMITED if ttl_minutes < 0 else ttl_minutes)
    return call.parts.modes.wire.kept_expiry(after)


def fresh_expiry(call: Call, moment: datetime) -> str:
    """Return `expires_at` for the answer of a create call."""
    return call.parts.modes.wire.fresh_expiry(moment, call.parts.clock.nanosecond())


def stamps(call: Call) -> dict[str, datetime]:
    """Return the two columns of a new row, which are the same instant."""
    now = call.parts.clock.now()
    return {"created": now, "updated": now}


def broken_update(call: Call) -> None:
    """Raise the error that every update statement of 0.3.0 ends in, where its defects are reproduced (D1)."""
    if call.parts.modes.real_defects:
        raise DatabaseError("", _NOT_A_TEXT)


def expiry_update(call: Call, reply: Reply, moment: datetime) -> Answer:
    """Return the answer of E24 or E29: the field's name and form depend on the version, or it says UNCHANGED."""
    wire = call.parts.modes.wire
    members = asdict(reply)
    del members["expires_msg"]
    changed = members["fields_updated"] > 0
    text = wire.updated_expiry(moment, call.parts.clock.nanosecond()) if changed else "UNCHANGED"
    return {**members, wire.updated_expiry_name: text}
