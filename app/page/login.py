"""Whether a browser may use the page where standin.control_token is set: a cookie instead of the token (design 2.7)."""

import hmac
from hashlib import sha256

from starlette.types import Scope

from ..cookies import cookie_of

COOKIE = "tms-standin-page"
LOGIN, STATIC = "/page/login", "/page/static/"
_PAGE = ("/", "/events")
_BELOW = "/page/"


def path_of(scope: Scope) -> str:
    """Return the path behind /_standin."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def is_page(path: str) -> bool:
    """Return whether the cookie is good for a path: the page's own, and no call of the control plane."""
    return path in _PAGE or path.startswith(_BELOW)


def is_open(path: str) -> bool:
    """Return whether a path is there without a login: the form itself, its stylesheet and its icon."""
    return path == LOGIN or path.startswith(STATIC)


def cookie_value(control_token: str) -> str:
    """Return what the cookie holds: made from the token, but no token, so that it opens nothing but the page."""
    return hmac.new(control_token.encode(), b"the page at /_standin/", sha256).hexdigest()


def has_cookie(scope: Scope, control_token: str) -> bool:
    """Return whether a request carries the cookie, in constant time."""
    for name, value in scope["headers"]:
        if name == b"cookie" and hmac.compare_digest(_cookie(value), cookie_value(control_token).encode()):
            return True
    return False


def _cookie(header: bytes) -> bytes:
    return cookie_of(header.decode("latin-1"), COOKIE).encode()
