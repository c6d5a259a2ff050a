"""Which names the control plane knows itself by, so that no page gets at it by DNS rebinding. It refuses nobody itself.

A page of evil.example whose name leads to this machine is of the same origin as the stand-in, for its browser.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..settings import Settings

# None of these can be a name in the public DNS, where alone a stranger could point one at this machine (RFC 6761, 6762,
# 8375, and ICANN's .internal): a single label, such as a container's name, or one below a reserved one.
_NEVER_PUBLIC = re.compile(r"([^.]+|.+\.(localhost|localdomain|local|internal|test|home\.arpa))\.?")
_PORT = re.compile(r":\d*\Z")


class OwnNames:
    """The names of one stand-in: those of its settings, and every one that no stranger can have."""

    def __init__(self, settings: Settings) -> None:
        tapis = [host for tenant in settings.tapis.tenants for host in tenant.hosts]
        issuer = urlsplit(settings.oauth.issuer or "").hostname or ""
        self._configured = {name.lower() for name in (settings.host, issuer, *tapis)}

    def has(self, host: str) -> bool:
        """Return whether a Host header, with its port or without, names this stand-in and can name nothing else."""
        name = _PORT.sub("", host.lower())
        return name in self._configured or _is_address(name) or _NEVER_PUBLIC.fullmatch(name) is not None


def _is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
