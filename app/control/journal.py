"""Shows, waits for, exports and empties the journal (design 2.7). It records nothing."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from ..journal.har import archive
from ..journal.ring import MOST_ENTRIES, Found, Wanted
from ..settings_tables import shaped
from .problems import wrong_field
from .shapes import RunningParts, Text

on = APIRouter(tags=["journal"])

_LONGEST_WAIT = 300.0
_STATUS = r"[0-5]\d\d|[1-5]xx|0"


class RequestShown(BaseModel):
    """What came in, secrets hidden as ***."""

    headers: dict[str, str]
    body: Any = Field(description="A JSON body as its value, a form as text; null where none was read.")


class ResponseShown(BaseModel):
    """What went out, secrets hidden as ***."""

    headers: dict[str, str]
    body: Any = Field(description="A JSON body as its value, plain text as text; null where there was none.")


class JournalEntry(BaseModel):
    """A request and its answer."""

    id: int
    at: datetime = Field(description="When it came, by the stand-in's clock.")
    operation: str = Field(description='An operationId, or "METHOD /path/template".')
    method: str
    path: str = Field(description="With the query, as they were sent.")
    status: int = Field(description="0 where the connection was dropped.")
    took_ms: float
    request: RequestShown
    response: ResponseShown
    near_miss: list[str] = Field(default=[], description="What a refused request lacked. Left out where unknown.")


class JournalEntries(BaseModel):
    """The newest entries that match, the oldest first."""

    entries: list[JournalEntry]
    dropped: int = Field(description="How many have made room since the journal was emptied.")


class HarArchive(BaseModel):
    """An HTTP Archive 1.2."""

    log: dict[str, Any]


def _instant_or_id(given: str) -> str:
    _since(given)
    return given


def _since(given: str) -> tuple[float, int]:
    """Return the seconds and the id that `since` means, one of them 0."""
    if given.isascii() and given.isdigit() and len(given) < 16:
        return 0.0, int(given)
    try:
        instant = datetime.fromisoformat(given.replace(" ", "+"))  # A plus sign in a query means a blank.
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp(), 0
    except ValueError:
        raise PydanticCustomError("shape", "an instant in ISO 8601, or the id of an entry") from None


class Filter:
    """The entries that a call is about. Raises Refused for an operation that is none."""

    def __init__(
        self,
        parts: RunningParts,
        operation: Annotated[Text | None, Query(description='An operationId, or "METHOD /path/template".')] = None,
        status: Annotated[
            str | None, shaped(_STATUS, 'a status such as "404", "4xx", or "0" for a dropped connection'), Query()
        ] = None,
        since: Annotated[
            str | None,
            AfterValidator(_instant_or_id),
            Query(description="The first instant, or the id of the last entry that is known already."),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES, description="The newest so many.")] = 100,
    ) -> None:
        if operation is not None and operation not in parts.names.known and not _is_other(operation):
            accepted = ", ".join(sorted(parts.names.known))
            raise wrong_field("operation", f"must be one of {accepted}, or METHOD /(other)")
        least, most = _statuses(status)
        seconds, known = (0.0, 0) if since is None else _since(since)
        self.wanted = Wanted(operation, least, most, seconds, known, limit)


def _is_other(operation: str) -> bool:
    return operation.endswith(" /(other)") and operation.partition(" ")[0].isalpha()


def _statuses(status: str | None) -> tuple[int, int]:
    if status is None:
        return 0, 999
    return int(status.replace("x", "0")), int(status.replace("x", "9"))


Filtered = Annotated[Filter, Depends()]


@on.get("/journal", response_model=JournalEntries)
async def show_journal(
    parts: RunningParts,
    asked: Filtered,
    wait: Annotated[int, Query(ge=0, le=MOST_ENTRIES, description="Answer as soon as so many match.")] = 0,
    seconds: Annotated[
        float, Query(alias="timeout", ge=0, le=_LONGEST_WAIT, description="Real seconds to wait at most.")
    ] = 10.0,
) -> Response:
    """Show requests and their answers; with `wait`, as soon as so many match, else what is there after `timeout`."""
    found = await parts.journal.entries(asked.wanted, wait, seconds)
    entries = b",".join(b'{"id":%d,%s' % (number, entry[1:]) for number, entry in found.entries)
    return Response(b'{"entries":[%s],"dropped":%d}' % (entries, found.dropped), media_type="application/json")


@on.get("/journal.har", response_model=HarArchive)
async def export_journal(request: Request, parts: RunningParts, asked: Filtered) -> Response:
    """Export requests and their answers as an HTTP Archive 1.2."""
    found = await parts.journal.entries(asked.wanted)
    archived = await asyncio.to_thread(_archived, found, str(request.base_url))
    return Response(archived, media_type="application/json")


@on.delete("/journal")
async def empty_journal(parts: RunningParts) -> JournalEntries:
    """Remove all entries. Whether requests are recorded stays as it was."""
    await parts.journal.clear()
    return JournalEntries(entries=[], dropped=0)


def _archived(found: Found, url: str) -> bytes:
    return msgspec.json.encode(archive([msgspec.json.decode(entry) for _, entry in found.entries], url))
