"""Rotates an issuer's signing key (OpenID Connect Core 10.1.1). What was signed before stays good."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from .shapes import IssuerGiven, Issuers, RunningParts

on = APIRouter(tags=["keys"])


class Rotation(BaseModel):
    """Whose key is to be replaced."""

    model_config = ConfigDict(extra="forbid")

    issuer: IssuerGiven | None = Field(default=None, description="A named issuer, by its name or its URL.")


class RotatedKeys(BaseModel):
    """The keys of an issuer after a rotation."""

    issuer: str = Field(description="The URL as the caller of this call sees it.")
    kid: str = Field(description="The key that signs from now on.")
    published: list[str] = Field(description="Every key of the issuer's JWKS, the new one first.")


@on.post("/jwks/rotate")
async def rotate_signing_key(
    parts: RunningParts, issuers: Issuers, rotation: Annotated[Rotation | None, Body()] = None
) -> RotatedKeys:
    """Make a new signing key. The one before stays in the JWKS while tokens signed with it are alive (row JK-05)."""
    name = issuers.name_of(rotation.issuer) if rotation and rotation.issuer else ""
    await parts.signing.rotate(name)
    published = [key.kid for key in await parts.signing.published(name)]
    return RotatedKeys(issuer=issuers.of(name), kid=published[0], published=published)
