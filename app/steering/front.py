"""What stands in front of everything while a journal is kept or a fault rule is set. It never sees the control plane."""

from typing import Protocol

from ..edge import Application, Receive, Scope
from ..uvicorn_connection import Send
from .operations import Named, OperationNames
from .steering import Steering

CONTROL_PLANE = b"/_standin"


class Hook(Protocol):
    """Something that may see or change what happens to a request on its way to `forward` and back."""

    async def __call__(self, named: Named, scope: Scope, receive: Receive, send: Send, forward: Application) -> None:
        """Answer the request, or have it answered by `forward`."""


class Front:
    """Leads a request through the hooks that are there, the journal outside, the faults inside."""

    def __init__(self, steering: Steering, names: OperationNames, forward: Application) -> None:
        self._steering = steering
        self._names = names
        self._forward = forward
        self.journal: Hook | None = None
        self.faults: Hook | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        self._steering.refresh()
        raw_path: bytes = scope["raw_path"]
        if raw_path == CONTROL_PLANE or raw_path.startswith(CONTROL_PLANE + b"/"):
            await self._forward(scope, receive, send)
            return
        named = self._names.find(scope["method"], raw_path)
        forward = self._forward
        for hook in (self.faults, self.journal):
            forward = forward if hook is None else _through(hook, named, forward)
        await forward(scope, receive, send)


def _through(hook: Hook, named: Named, forward: Application) -> Application:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await hook(named, scope, receive, send, forward)

    return application
