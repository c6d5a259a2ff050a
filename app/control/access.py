"""Who may use the control plane: no page of another origin, and with `standin.control_token` its bearers alone.

Without a token, no page either whose name leads here by DNS rebinding. A browser that has shown the token carries a
cookie instead, good for the page and for none of the calls.
"""

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..page import login
from ..records import same_text
from ..settings import Settings
from .hosts import OwnNames
from .problems import Refused, problem_response

_CHALLENGE = 'Bearer realm="tms-standin control plane"'
_STRANGERS_NAME = (
    "Without standin.control_token the control plane answers to localhost, addresses, names of one label, names that "
    "are never public, such as host.docker.internal, and those of the settings; the Host header has another name."
)
_OTHER_SITES = (b"cross-site", b"same-site")


class Access:
    """Pure ASGI in front of the control plane: 403 for a foreign page, 401 without the token, or the login form."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.control_token
        self._names = OwnNames(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        refused = _foreign(scope) or self._rebound(scope) or self._unauthorized(scope)
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await _answer(refused, scope)(scope, receive, send)

    def _rebound(self, scope: Scope) -> Refused | None:
        """Return a refusal where a stranger's name leads here: its page has no other way to tell, but knows no token."""
        hosts = [host.decode("latin-1") for host in _values(scope, b"host")]
        if self._token is not None or all(map(self._names.has, hosts)):
            return None
        return Refused(403, _STRANGERS_NAME)

    def _unauthorized(self, scope: Scope) -> Refused | None:
        """Return a refusal unless the request carries the token (RFC 6750 2.1, 3), or the page's cookie."""
        if self._token is None:
            return None
        path, shown = login.path_of(scope), _values(scope, b"authorization")
        if not shown:
            if login.is_open(path) or (login.is_page(path) and login.has_cookie(scope, self._token)):
                return None
            return _refused("The control plane asks for the bearer token of standin.control_token.", _CHALLENGE)
        scheme, _, token = shown[0].partition(b" ")
        if (
            same_text(token.strip(b" ").decode("latin-1"), self._token)
            and scheme.lower() == b"bearer"
            and len(shown) == 1
        ):
            return None
        return _refused(
            "This is not the bearer token of standin.control_token.", f'{_CHALLENGE}, error="invalid_token"'
        )


def _answer(refused: Refused, scope: Scope) -> Response:
    """Return the problem, or to a browser that wants to see the page the way to its login form."""
    wants_page = login.path_of(scope) == "/" and not _values(scope, b"authorization")
    if refused.problem.status == 401 and (wants_page or _navigates(scope)):
        return RedirectResponse(f"{scope.get('root_path', '')}{login.LOGIN}", 303)
    return problem_response(refused)


def _foreign(scope: Scope) -> Refused | None:
    """Return a refusal for a request that a browser sends for a page of another origin than this server's.

    A browser that leaves Origin out tells the site; a link that somebody follows is good, since GET changes nothing.
    """
    origins, hosts = _values(scope, b"origin"), _values(scope, b"host")
    own = [scope["scheme"].encode() + b"://" + host.lower() for host in hosts]
    is_foreign = [origin.lower() for origin in origins] != own
    if not origins:
        from_elsewhere = any(site in _OTHER_SITES for site in _values(scope, b"sec-fetch-site"))
        is_foreign = from_elsewhere and not (scope["method"] in ("GET", "HEAD") and _navigates(scope))
    return Refused(403, "A page of another origin may not use the control plane.") if is_foreign else None


def _navigates(scope: Scope) -> bool:
    """Return whether a browser asks for what is to stand in its window."""
    return _values(scope, b"sec-fetch-mode") == [b"navigate"]


def _refused(detail: str, challenge: str) -> Refused:
    return Refused(401, detail, headers={"www-authenticate": challenge})


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for found, value in scope["headers"] if found == name]
