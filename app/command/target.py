"""The options that say which running stand-in a command is for, and its address where nobody says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click
from click.shell_completion import CompletionItem

from ..remote.calls import Server
from ..remote.control import Control
from ..remote.refusals import CallRefused, Unreachable

COMPLETION_SECONDS = 2

Command = Callable[..., Any]


class _Url(click.ParamType[str]):
    name = "url"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        """Return the URL without its last slash; fails for what is no http(s) URL of a server."""
        text = str(value).rstrip("/")
        try:
            address = urlsplit(text)
            valid = address.scheme in ("http", "https") and address.hostname and (address.port is None or address.port)
        except ValueError:
            valid = False
        if not valid or address.path or address.query:
            self.fail(f"{value!r} is not the URL of a server, such as http://127.0.0.1:3000.", parameter, context)
        return text


URL = _Url()


def for_running(command: Command) -> Command:
    """Give a command the options --url and --token, which `server_at` takes."""
    token = click.option(
        "--token",
        envvar="TMS_STANDIN_CONTROL_TOKEN",
        show_envvar=True,
        help="Its standin.control_token, if it has one.",
    )
    url = click.option(
        "--url",
        type=URL,
        envvar="TMS_URL",
        show_envvar=True,
        help="The running stand-in; left out, at the port of the settings.",
    )
    return url(token(command))


def server_at(url: str | None, token: str | None) -> Server:
    """Return the stand-in at a URL, or the one that the settings of this folder and environment would start.

    Raises StartRefused where they are needed and wrong.
    """
    if url is not None:
        return Server(url, token)
    address = _by_settings()
    return Server(address.url, token or address.token, address.authority)


class _Address(NamedTuple):
    url: str
    token: str | None
    authority: Path | None


def _by_settings() -> _Address:
    # Imported here: reading settings takes longer than asking a server whose address is given.
    from ..addresses import local_url
    from ..settings import Settings
    from ..tls import authority_path

    settings = Settings.load()
    own = settings.tls_certificate
    authority = (authority_path(settings) if own is None else Path(own)) if settings.serves_tls else None
    return _Address(local_url(settings), settings.control_token, authority)


def completed_by(names: Callable[[Control], list[str]]) -> Callable[..., list[CompletionItem]]:
    """Return what proposes names that the running stand-in knows; nothing where it does not answer."""

    def propose(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            server = server_at(context.params.get("url"), context.params.get("token"))
            found = names(Control(server.patient(COMPLETION_SECONDS)))
        except (CallRefused, Unreachable):
            return []
        return [CompletionItem(name) for name in found if name.startswith(begun)]

    return propose
