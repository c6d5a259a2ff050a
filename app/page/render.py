"""Renders the page's templates and hands out its files, each read once. It knows no request and no data."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES, _STATIC = Path(__file__).parent / "templates", Path(__file__).parent / "static"
_DASH = "\N{EN DASH}"
MEDIA_TYPES = {
    "icon.svg": "image/svg+xml",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "plots.js": "text/javascript; charset=utf-8",
    "uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "uPlot.min.css": "text/css; charset=utf-8",
}
# `same-origin`, for without a referrer a browser tells the origin `null` with each form (Fetch, 3.2).
HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
STATIC_HEADERS = {**HEADERS, "cache-control": "public, max-age=31536000, immutable"}


def render(template: str, /, **context: Any) -> str:
    """Return what `templates/{template}.html` makes of the context, all of it escaped."""
    return _environment().get_template(f"{template}.html").render(context)


@cache
def static(name: str) -> bytes:
    """Return a file of the page; `name` is one of MEDIA_TYPES."""
    return (_STATIC / name).read_bytes()


@cache
def version_of(name: str) -> str:
    """Return what changes with the file, so that browsers keep one until there is another."""
    return hashlib.sha256(static(name)).hexdigest()[:12]


def _moment(value: str | datetime | None) -> str:
    """Return an instant as people read it, in UTC, to the second."""
    if value is None:
        return ""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _size(value: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    if value < 1_000_000:
        return f"{value / 1000:.0f} kB"
    return f"{value / 1_000_000:.1f} MB"


def _milliseconds(value: float | None) -> str:
    """Return a duration in milliseconds with three digits, or a dash."""
    return _DASH if value is None else f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


@cache
def _environment() -> "Environment":
    # Imported here, since most runs of tests never see the page and need not pay for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "size": _size, "milliseconds": _milliseconds}
    environment.globals["version_of"] = version_of
    return environment
