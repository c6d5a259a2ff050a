"""Brings the stand-in back to its seed. How that is done is app/reset.py's business."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from ..errors import StartRefused
from ..reset import reset
from .problems import wrong_field
from .shapes import RunningParts, Text

on = APIRouter(tags=["reset"])


class ResetWish(BaseModel):
    """What to come back to."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seed: Text | None = Field(
        default=None,
        description="standard, empty or the path of a TOML file on the server; left out, the seed of the start.",
    )
    settings: bool = Field(default=False, description="Whether the modes of PATCH settings go back to the start's too.")


class ResetDone(BaseModel):
    """What the stand-in holds now."""

    seed: str


@on.post("/reset")
async def reset_everything(parts: RunningParts, wish: Annotated[ResetWish | None, Body()] = None) -> ResetDone:
    """Bring rows, clock, faults, journal and device flows back to the seed; a request sees the state before or after."""
    asked = wish or ResetWish()
    try:
        return ResetDone(seed=await reset(parts, asked.seed, asked.settings))
    except StartRefused as refused:
        raise wrong_field("seed", f"cannot be planted: {str(refused).rstrip('.')}") from None
