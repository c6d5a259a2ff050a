"""Which issuer a request is for: the base URL as the caller sees it, or a named one below it (design 2.5)."""

import re
from typing import Any, NamedTuple

from ..settings import Settings
from ..settings_tables import ISSUER_NAME

_HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?")
_LAST_PORT = 65_535
_NAMED = re.compile(rf"/issuers/({ISSUER_NAME})(/.*)")
_NAMED_BEHIND = re.compile(rf"(/\.well-known/[a-z-]+)/issuers/({ISSUER_NAME})")


class HostError(ValueError):
    """The Host header is missing, there twice, or no host's name."""


class Issuer(NamedTuple):
    """An issuer: the name it is stored by ("" for the unnamed one), and the URL that stands in `iss`."""

    name: str
    url: str

    @property
    def prefix(self) -> str:
        """The path in front of the issuer's endpoints, as a browser has to ask for them."""
        _, slash, path = self.url.partition("://")[2].partition("/")
        return slash + path


def prefix_of(name: str) -> str:
    """Return the path of an issuer of this name."""
    return f"/issuers/{name}" if name else ""


def split_path(path: str) -> tuple[str, str]:
    """Return an issuer's name and the path behind it. RFC 8414 3.1 puts the name behind the well-known part."""
    if path.startswith("/issuers/") and (named := _NAMED.fullmatch(path)):
        return named[1], named[2]
    if path.startswith("/.well-known/") and (named := _NAMED_BEHIND.fullmatch(path)):
        return named[2], named[1]
    return "", path


def issuer_of(name: str, scope: Any, settings: Settings) -> Issuer:
    """Return the issuer, whose URL is `oauth.issuer` or follows the Host header. Raises HostError."""
    base = settings.oauth.issuer or f"{scope['scheme']}://{host_of(scope['headers'])}"
    return Issuer(name, base + prefix_of(name))


def host_of(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the one Host header. Raises HostError."""
    found = [value.decode("latin-1") for name, value in headers if name == b"host"]
    host = _HOST.fullmatch(found[0]) if len(found) == 1 else None
    if host is None or int(host["port"] or 0) > _LAST_PORT:
        raise HostError
    return host[0]
