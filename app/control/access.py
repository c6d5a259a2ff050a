"""Who may use the control plane: no page of another origin, and with `standin.control_token` its bearers alone."""

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import Refused, problem_response

_CHALLENGE = 'Bearer realm="tms-standin control plane"'


class Access:
    """Pure ASGI in front of the control plane: 403 for a foreign Origin, 401 without the token."""

    def __init__(self, app: ASGIApp, control_token: str | None) -> None:
        self._app = app
        self._token = control_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        refused = _foreign(scope) or self._unauthorized(scope)
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(refused)(scope, receive, send)

    def _unauthorized(self, scope: Scope) -> Refused | None:
        """Return a refusal unless the request carries the token (RFC 6750 2.1, 3)."""
        if self._token is None:
            return None
        shown = _values(scope, b"authorization")
        if not shown:
            return _refused("The control plane asks for the bearer token of standin.control_token.", _CHALLENGE)
        scheme, _, token = shown[0].partition(b" ")
        same = hmac.compare_digest(token.strip(b" "), self._token.encode())
        if same and scheme.lower() == b"bearer" and len(shown) == 1:
            return None
        return _refused(
            "This is not the bearer token of standin.control_token.", f'{_CHALLENGE}, error="invalid_token"'
        )


def _foreign(scope: Scope) -> Refused | None:
    """Return a refusal for a request that a browser sends for a page of another origin than this server's."""
    origins, hosts = _values(scope, b"origin"), _values(scope, b"host")
    own = [scope["scheme"].encode() + b"://" + host.lower() for host in hosts]
    if not origins or [origin.lower() for origin in origins] == own:
        return None
    return Refused(403, "A page of another origin may not use the control plane.")


def _refused(detail: str, challenge: str) -> Refused:
    return Refused(401, detail, headers={"www-authenticate": challenge})


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for found, value in scope["headers"] if found == name]
