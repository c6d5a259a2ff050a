"""What a request is called in rules, journal and metrics: an operationId, or METHOD and path template. It answers none.

The paths of the two OAuth dialects are written down again here, because their modules are loaded at the first request.
"""

import re
from typing import NamedTuple

from ..declare import Operation
from ..errors import FrameworkRefusal
from ..oauth.issuers import split_path
from ..routes import Routes

_REMEMBERED = 2_000  # paths whose name is kept: callers choose what stands in them
_TENANT = re.compile(r"/tenants/[^/]+(?=/v3/)")
_OAUTH = {
    "GET POST": ("/oauth2/authorize", "/oauth2/userinfo", "/device", "/device/login"),
    "GET": (
        *("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
        *("/oauth2/jwks", "/device/simulator"),
    ),
    "POST": (
        *("/oauth2/device_authorization", "/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"),
        *("/device/decision", "/device/logout", "/device/simulator/start"),
    ),
}
_TAPIS = {
    "GET": (
        *("/v3/oauth2/hello", "/v3/oauth2/ready", "/v3/oauth2/userinfo", "/v3/oauth2/profiles", "/v3/oauth2/jwks"),
        *("/v3/oauth2/.well-known/oauth-authorization-server", "/v3/sites", "/v3/tenants", "/v3/apps/healthcheck"),
        *("/v3/oauth2/profiles/{username}", "/v3/sites/{site_id}", "/v3/tenants/{tenant_id}"),
    ),
    "GET POST": ("/v3/oauth2/device", "/v3/oauth2/authorize", "/v3/oauth2/login", "/v3/oauth2/logout", "/v3/oauth2/clients"),
    "POST": ("/v3/oauth2/device/code", "/v3/oauth2/tokens", "/v3/oauth2/tokens/revoke"),
    "GET PUT DELETE": ("/v3/oauth2/clients/{client_id}",),
}  # fmt: skip
_SIMULATED = "/device/simulator/{handle}"


class Named(NamedTuple):
    """A request's names: the operationId of the TMS document or None, and `METHOD /path/template`."""

    operation_id: str | None
    template: str

    @property
    def label(self) -> str:
        """The one name that a list shows."""
        return self.operation_id or self.template


class OperationNames:
    """Finds names. Whatever is no endpoint is called `METHOD /(other)`."""

    def __init__(self, operations: list[Operation]) -> None:
        self._routes = Routes(operations)
        self._found: dict[tuple[str, bytes], Named] = {}
        own = [Named(operation.operation_id, f"{operation.method} {operation.path}") for operation in operations]
        self._others = _templates()
        self.all = [*own, *(Named(None, template) for template in self._others.values())]
        self.known = {named.operation_id for named in own if named.operation_id} | {
            named.template for named in self.all
        }

    def find(self, method: str, raw_path: bytes) -> Named:
        """Return what a request is called. HEAD counts as GET."""
        found = self._found.get((method, raw_path))
        if found is None:  # The log's thread asks as well, so that nothing here may rely on what was there a line ago.
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[method, raw_path] = self._name("GET" if method == "HEAD" else method, raw_path)
        return found

    def _name(self, method: str, raw_path: bytes) -> Named:
        try:
            found = self._routes.find(method, raw_path)
        except FrameworkRefusal:
            return Named(None, f"{_shown(method)} /(other)")
        if found is not None:
            return Named(found[0].operation_id, f"{found[0].method} {found[0].path}")
        path = _TENANT.sub("", split_path(raw_path.decode("latin-1"))[1], count=1)
        parent = path.rpartition("/")[0]
        template = self._others.get(f"{method} {path}") or self._others.get(f"{method} {parent}/*")
        return Named(None, template or f"{_shown(method)} /(other)")


def _templates() -> dict[str, str]:
    """Return the templates by `METHOD path`, a value at the end of the path as a star."""
    paths = {**_OAUTH, "GET POST ": (_SIMULATED,)}
    listed = [(methods, path) for table in (paths, _TAPIS) for methods, each in table.items() for path in each]
    return {
        f"{method} {re.sub('{.*', '*', path)}": f"{method} {path}"
        for methods, path in listed
        for method in methods.split()
    }


def _shown(method: str) -> str:
    return method if method.isalpha() and len(method) < 10 else "OTHER"
