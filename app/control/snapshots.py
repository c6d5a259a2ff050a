"""Keeps, lists, hands out and restores named states of the database (design 2.7)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from ..errors import StartRefused
from ..oauth.report import Instant
from ..parts import Parts
from ..settings_tables import shaped
from ..shelf import NAME
from .problems import Problem, Refused
from .shapes import RunningParts

MEDIA_TYPE = "application/vnd.sqlite3"

on = APIRouter(tags=["snapshots"])

_Name = Annotated[
    str,
    shaped(NAME, "up to 64 letters, digits, dots, dashes and underscores, the first a letter or a digit"),
    Field(json_schema_extra={"pattern": f"^{NAME}$"}),
    Path(),
]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No snapshot has this name."}}
_UNUSABLE: dict[int | str, dict[str, Any]] = {422: {"model": Problem, "description": "The file cannot be used here."}}
_FILE: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}


class SnapshotShown(BaseModel):
    """A named state."""

    name: str
    bytes: int = Field(description="The size of its file.")
    revision: str = Field(description="Of the schema; only a stand-in of the same one can restore it.")
    created: Instant


class SnapshotsShown(BaseModel):
    """All named states, by name."""

    snapshots: list[SnapshotShown]


class _Download(FileResponse):
    """A file that is let go of when it is sent, or cannot be."""

    def __init__(self, held: AsyncExitStack, *file: Any, **about: Any) -> None:
        super().__init__(*file, **about)
        self._held = held

    async def __call__(self, *request: Any) -> None:
        """Send it."""
        async with self._held:
            await super().__call__(*request)


@on.get("/snapshots")
async def list_snapshots(parts: RunningParts) -> SnapshotsShown:
    """List the named states."""
    found = [SnapshotShown(**each._asdict()) for each in await parts.snapshots.list()]
    return SnapshotsShown(snapshots=found)


@on.put(
    "/snapshots/{name}",
    responses=_UNUSABLE,
    openapi_extra={"requestBody": {"required": False, "content": _FILE}},
)
async def save_snapshot(parts: RunningParts, request: Request, name: _Name) -> SnapshotShown:
    """Keep the state as it is now; with a body, take in the file that GET has answered. The same name is replaced."""
    body = request.stream()
    first = b""
    async for first in body:
        if first:
            break
    if not first:
        return SnapshotShown(**(await parts.snapshots.save(name, parts.clock.now()))._asdict())
    return await _taken_in(parts, name, first, body)


@on.get("/snapshots/{name}", response_class=FileResponse, responses={200: {"content": _FILE}, **_UNKNOWN})
async def download_snapshot(parts: RunningParts, name: _Name) -> FileResponse:
    """Download a named state as one file, which PUT takes in again, here or elsewhere."""
    held = AsyncExitStack()
    try:
        path = await held.enter_async_context(parts.snapshots.at_hand(name))
    except KeyError:
        raise _unknown(name) from None
    return _Download(held, path, media_type=MEDIA_TYPE, filename=f"{name}.sqlite")


@on.delete("/snapshots/{name}", status_code=204, response_class=Response, responses=_UNKNOWN)
async def delete_snapshot(parts: RunningParts, name: _Name) -> None:
    """Forget a named state."""
    try:
        await parts.snapshots.delete(name)
    except KeyError:
        raise _unknown(name) from None


@on.post("/snapshots/{name}/restore", responses=_UNKNOWN | _UNUSABLE)
async def restore_snapshot(parts: RunningParts, name: _Name) -> SnapshotShown:
    """Leave a named state and nothing else; clock, faults and settings stay as they are."""
    try:
        return SnapshotShown(**(await parts.snapshots.restore(name))._asdict())
    except KeyError:
        raise _unknown(name) from None
    except StartRefused as refused:
        raise _unusable(refused) from None


async def _taken_in(parts: Parts, name: str, first: bytes, rest: AsyncIterator[bytes]) -> SnapshotShown:
    upload = parts.snapshots.new_file()
    try:
        async with await anyio.open_file(upload, "wb") as file:
            await file.write(first)
            async for piece in rest:
                await file.write(piece)
        return SnapshotShown(**(await parts.snapshots.adopt(name, upload))._asdict())
    except StartRefused as refused:
        raise _unusable(refused) from None
    finally:
        upload.unlink(missing_ok=True)


def _unknown(name: str) -> Refused:
    return Refused(404, f"There is no snapshot called {name}; GET snapshots lists all of them.")


def _unusable(refused: StartRefused) -> Refused:
    return Refused(422, f"The snapshot cannot be used: {refused}.")
