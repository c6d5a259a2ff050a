"""Hands out the certificate authority that clients have to trust under `make run TLS=1`. No key leaves this module."""

from typing import Any

from fastapi import APIRouter, Request, Response

from .problems import Problem, Refused

MEDIA_TYPE = "application/x-pem-file"

on = APIRouter(tags=["certificate"])

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
    404: {"model": Problem, "description": "There is no such authority."},
}


@on.get("/ca.pem", response_class=Response, responses=_RESPONSES)
async def download_certificate_authority(request: Request) -> Response:
    """Download the certificate of the authority that the stand-in made at its first start with TLS."""
    authority: bytes | None = request.app.state.authority
    if authority is None:
        raise Refused(404, "The stand-in made no certificate authority: it serves plain http, or files of your own.")
    return Response(authority, media_type=MEDIA_TYPE)
