"""The control plane as a FastAPI application of its own, with the document that tells what it can do (design 2.7)."""

from typing import Any

from fastapi import FastAPI

from .. import __version__
from ..page import events, page, records
from ..parts import Parts
from . import certificate, clock, device, faults, health, journal, keys, metrics, problems, reset, settings, snapshots
from .access import Access
from .body_limit import BodyLimit


class Plane(FastAPI):
    """FastAPI, whose document tells of problems and of the token."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        for path in document["paths"].values():
            for operation in path.values():
                _tell_problems(operation["responses"])
        if self.state.parts.settings.control_token is not None:
            document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"bearer": []}]
        return document


def control_plane(parts: Parts, authority: bytes | None) -> FastAPI:
    """Return the application. `authority` is the PEM of the certificate authority that the stand-in made, if it did."""
    plane = Plane(
        title="TMS stand-in: control plane",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        exception_handlers=problems.HANDLERS,
        responses={"default": {"model": problems.Problem, "description": "The call is refused."}},
    )
    plane.state.parts = parts
    plane.state.authority = authority
    plane.state.listeners = events.listeners_to(parts)
    plane.add_middleware(BodyLimit)
    plane.add_middleware(Access, settings=parts.settings)
    for concern in (health, reset, clock, settings, snapshots, faults, journal, metrics, device, keys, certificate):
        plane.include_router(concern.on)
    for concern in (records, events, page):
        plane.include_router(concern.on)
    return plane


def _tell_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if not status.startswith("2"):
            response["content"] = {problems.MEDIA_TYPE: next(iter(response["content"].values()))}
