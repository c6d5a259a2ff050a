"""The control plane below /_standin (design 2.7): calls for tests and for people, never part of an emulated API."""

import re

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from ..parts import Parts
from ..tls import certificate_authority


class ControlPlane:
    """What is mounted at /_standin; it is built at its first request, for which a start need not wait."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # Another start in the same folder may replace the file, while this one goes on serving what it has read.
        self._authority = certificate_authority(parts.settings)
        self._plane: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if self._plane is None:
            from .plane import control_plane

            self._plane = control_plane(self._parts, self._authority)
        await self._plane(scope, receive, send)


def mounted(parts: Parts) -> Mount:
    """Return the plane at its path, for every path below it: Starlette's own pattern ends at a newline."""
    mount = Mount("/_standin", ControlPlane(parts))
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


async def to_the_page(_request: Request) -> RedirectResponse:
    """Lead from /_standin to the page, whose address ends in a slash."""
    return RedirectResponse("/_standin/", 307)
