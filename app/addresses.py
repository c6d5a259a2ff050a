"""Tells where a client on this machine finds a stand-in with these settings. It opens no connection."""

from ipaddress import ip_address

from .settings import Settings


def local_url(settings: Settings) -> str:
    """Return the base URL for a client on this machine; one that is bound to every address is met on loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "localhost": "127.0.0.1"}.get(settings.host)  # noqa: S104 - compared, not bound
    scheme = "https" if settings.serves_tls else "http"
    return f"{scheme}://{host or _bracketed(settings.host)}:{settings.http_port}"


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address is this machine's own, without asking a name server."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
