"""`python -m app`: settings, then the socket, then the server on it. What is served is create_app's business."""

import gc

# What a start imports and makes stays; looking through it for garbage again and again is a tenth of the start's time.
gc.disable()

import argparse
import signal
import socket
import sys
from types import FrameType
from typing import Any, NoReturn

from . import __version__
from .errors import StartRefused
from .settings import Settings, settings_table

# The real server closes no idle connection but those with TLS (contract 1.1); uvicorn wants a number: an hour.
KEEP_ALIVE_SECONDS = 3600
TLS_KEEP_ALIVE_SECONDS = 50
# A request that a fault rule lets hang must not keep the process alive.
LAST_ANSWERS_SECONDS = 3


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status, 0, or 2 when the start is refused."""
    _command_line().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        settings = Settings.load()
        with listening_socket(settings.host, settings.http_port) as listener:
            _serve(settings, listener)
    except StartRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
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


def _serve(settings: Settings, listener: socket.socket) -> None:
    options = connection_options(settings)
    # Imported here, so that a refused start does not wait for the application.
    import uvicorn

    from .main import create_app

    # With port 0 the system has chosen the port, and the banner has to name it.
    chosen = settings.model_copy(update={"http_port": listener.getsockname()[1]})
    config = uvicorn.Config(
        create_app(chosen),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        # The application writes its own headers, in the real server's order, and reads no proxy's.
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
        **options,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    # uvicorn raises the signal again after it has shut down; both that and one before it ran end with status 0.
    sys.exit(0)


def _command_line() -> argparse.ArgumentParser:
    width = max(len(setting.key) for setting in settings_table())
    settings = "\n".join(f"  {setting.key:<{width}}  {setting.help}" for setting in settings_table())
    parser = argparse.ArgumentParser(
        prog="tms-standin",
        description="Serve the TMS stand-in with the settings of the environment, tms.toml and the defaults.",
        epilog=f"settings (in the environment TMS_STANDIN_ and the upper-case name):\n{settings}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    sys.exit(main())
