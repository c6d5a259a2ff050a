"""Starts the server with a request log that notes nothing, so that the bench can tell what the log costs."""

import runpy

from app.request_log import RequestLog


def nothing(*_what: object) -> None:
    """Take a request and note nothing."""


def main() -> None:
    """Run the server as `python -m app` does, without its line for each request."""
    if not hasattr(RequestLog, "request"):
        raise SystemExit("RequestLog.request is gone; tests/load/unlogged.py has to follow it.")
    RequestLog.request = nothing
    runpy.run_module("app", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
