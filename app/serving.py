"""Serves one process's stand-in: settings, then the socket, then uvicorn on it. What is served is create_app's work."""

import contextlib
import os
import resource
import signal
import socket
import sys
from io import FileIO
from threading import Event, Thread
from types import FrameType
from typing import Any, NoReturn

from .errors import StartRefused
from .settings import Settings

# The real server closes no idle connection but those with TLS (contract 1.1); uvicorn wants a number: an hour.
KEEP_ALIVE_SECONDS = 3600
TLS_KEEP_ALIVE_SECONDS = 50
# A request that hangs must not keep the process alive: a container has to be gone within two seconds.
SHUTDOWN_SECONDS = 1
ORPHAN_SECONDS = 10


def serve() -> int:
    """Serve by the settings until SIGINT or SIGTERM; return the exit status, 0, or 2 when the start is refused."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        settings = Settings.load()
        with listening_socket(settings.host, settings.http_port) as listener:
            _run(settings, listener)
    except StartRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    return 0


def serve_for_parent(descriptor: int) -> int:
    """Serve on a listening socket that the parent has opened, until the parent closes our standard input, or is gone.

    Returns the exit status like `serve`.
    """
    signal.signal(signal.SIGTERM, _leave)
    try:
        settings = Settings.load()
        with socket.socket(fileno=descriptor) as listener:
            Thread(target=_stop_with_parent, daemon=True).start()
            _run(settings, listener)
    except StartRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    finally:
        # The parent may close our input while we leave already.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises StartRefused with the host, the port and how to choose others."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # create_server writes the address behind the system's words; this sentence has it already.
        reason = str(error.strerror).partition(" (while")[0].lower()
        raise StartRefused(
            f"Cannot listen on host {host}, port {port}: {reason}; another port is chosen with http_port or "
            "TMS_STANDIN_HTTP_PORT, another host with standin.host or TMS_STANDIN_HOST."
        ) from None


def connection_options(settings: Settings) -> dict[str, Any]:
    """Return uvicorn's options for http or https; raises StartRefused where https lacks what it needs."""
    if not settings.serves_tls:
        return {"timeout_keep_alive": KEEP_ALIVE_SECONDS}
    # Imported here, since a start without TLS must not pay for it.
    from .tls import server_files

    files = server_files(settings)
    return {
        "timeout_keep_alive": TLS_KEEP_ALIVE_SECONDS,
        "ssl_certfile": files.certificate,
        "ssl_keyfile": files.key,
    }


def _run(settings: Settings, listener: socket.socket) -> None:
    options = connection_options(settings)
    # Imported here, so that a refused start does not wait for the application.
    import uvicorn

    from .main import create_app
    from .uvicorn_protocol import BoundedProtocol

    _open_many_files()
    # With port 0 the system has chosen the port, and the banner has to name it.
    chosen = settings.model_copy(update={"http_port": listener.getsockname()[1]})
    config = uvicorn.Config(
        create_app(chosen),
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        # The application writes its own headers, in the real server's order, and reads no proxy's.
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **options,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _open_many_files() -> None:
    """Take all the open files that the system grants: every connection is one, and most shells begin with 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # Where even the hard limit is more than the system allows.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stop_with_parent() -> None:
    """End this process when standard input does, which happens however the parent ends, kill -9 included."""
    FileIO(0, closefd=False).readall()
    os.kill(os.getpid(), signal.SIGTERM)
    Event().wait(ORPHAN_SECONDS)
    # Nobody is left to wait for what hangs, and nobody to see this status.
    os._exit(1)  # pragma: no cover - what ends a process so ends the counting, too


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    # uvicorn raises the signal again after it has shut down; both that and one before it ran end with status 0.
    sys.exit(0)
