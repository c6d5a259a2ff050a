"""Tells that the stand-in is up, and that its database is migrated and answers. It waits for nothing."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from ..errors import DatabaseGone
from .problems import Problem
from .shapes import RunningParts

on = APIRouter(tags=["health"])

_UNREADY: dict[int | str, dict[str, Any]] = {503: {"model": Problem, "description": "The database does not answer."}}


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The database is migrated, seeded and answers."""

    status: Literal["ready"] = "ready"


@on.get("/health/live")
async def check_liveness() -> Alive:
    """Answer as long as the process can."""
    return Alive()


@on.get("/health/ready", responses=_UNREADY)
async def check_readiness(parts: RunningParts) -> Ready:
    """Answer 200 once the stand-in is migrated and seeded, 503 while its database does not answer or tell of changes."""
    await parts.store.check()
    if not parts.steering.board.hears:
        raise DatabaseGone
    return Ready()
