"""Renders templates to whole HTML documents, and tells the headers that each page carries. It knows no request."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"
_HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


def render(name: str, **context: Any) -> bytes:
    """Return the document that `templates/{name}.html` makes of the context, all of it escaped, in UTF-8."""
    return _environment().get_template(f"{name}.html").render(context).encode("utf-8", "replace")


def headers(redirect_uri: str | None = None) -> list[tuple[bytes, bytes]]:
    """Return what every page carries (UI-19, UI-23, SEC-10).

    `redirect_uri`: where the answer to the page's form may send the browser on to. Chromium applies `form-action` to
    that as well, so a page of the authorization code flow has to name it.
    """
    policy = (
        f"default-src 'none'; style-src '{_style_hash()}'; img-src data:; "
        f"form-action {_form_action(redirect_uri)}; frame-ancestors 'none'; base-uri 'none'"
    )
    return [*_HEADERS, (b"content-security-policy", policy.encode())]


def _form_action(redirect_uri: str | None) -> str:
    """Return the sources that a form may lead to: this server, and the origin or the scheme of the redirect."""
    try:
        redirect = urlsplit(redirect_uri or "")
    except ValueError:
        return "'self'"
    if redirect.scheme in ("http", "https") and _HOST.fullmatch(redirect.netloc):
        return f"'self' {redirect.scheme}://{redirect.netloc}"
    # A policy has no form for [::1], nor for a native client's own scheme (RFC 8252 7.1) but its name.
    return f"'self' {redirect.scheme}:" if _SCHEME.fullmatch(redirect.scheme) else "'self'"


@cache
def _style_hash() -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(_stylesheet().encode()).digest()).decode()


@cache
def _stylesheet() -> str:
    return (_FOLDER / "style.css").read_text("utf-8")


@cache
def _environment() -> "Environment":
    # Imported here, since most runs of tests never see a page and the start need not pay for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["stylesheet"] = Markup(_stylesheet())  # noqa: S704 - our own file
    return environment
