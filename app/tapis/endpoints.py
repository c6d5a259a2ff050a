"""Every Tapis endpoint, named once, and what comes back when it fails: the envelope, whatever happens."""

import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from ..errors import DatabaseTrouble, RowsReplaced
from ..oauth.answers import AGAIN, Answer
from ..oauth.issuers import HostError
from ..parts import Parts
from .call import Call
from .clients import create_client, delete_client, get_client, list_clients, update_client
from .consent import consented
from .device_code import generate_device_code
from .device_pages import code_entered, device_page
from .discovery import (
    get_site,
    get_tenant,
    health_check,
    hello,
    jwks,
    list_sites,
    list_tenants,
    metadata,
    ready,
)
from .envelope import failure
from .refusal import TapisRefusal
from .revocation import revoke_token
from .token_request import create_token
from .users import profile, profiles, userinfo
from .web_pages import authorize_page, logged_in, logged_out, login_page, logout_page

Endpoint = Callable[[Call], Awaitable[Answer]]

ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "/v3/oauth2/hello": {"GET": hello},
    "/v3/oauth2/ready": {"GET": ready},
    "/v3/oauth2/device/code": {"POST": generate_device_code},
    "/v3/oauth2/device": {"GET": device_page, "POST": code_entered},
    "/v3/oauth2/authorize": {"GET": authorize_page, "POST": consented},
    "/v3/oauth2/login": {"GET": login_page, "POST": logged_in},
    "/v3/oauth2/logout": {"GET": logout_page, "POST": logged_out},
    "/v3/oauth2/tokens": {"POST": create_token},
    "/v3/oauth2/tokens/revoke": {"POST": revoke_token},
    "/v3/oauth2/clients": {"GET": list_clients, "POST": create_client},
    "/v3/oauth2/clients/*": {"GET": get_client, "PUT": update_client, "DELETE": delete_client},
    "/v3/oauth2/userinfo": {"GET": userinfo},
    "/v3/oauth2/profiles": {"GET": profiles},
    "/v3/oauth2/profiles/*": {"GET": profile},
    "/v3/oauth2/jwks": {"GET": jwks},
    "/v3/oauth2/.well-known/oauth-authorization-server": {"GET": metadata},
    "/v3/sites": {"GET": list_sites},
    "/v3/sites/*": {"GET": get_site},
    "/v3/tenants": {"GET": list_tenants},
    "/v3/tenants/*": {"GET": get_tenant},
    "/v3/apps/healthcheck": {"GET": health_check},
}
_LAST = re.compile(r"(.*)/([^/]+)")
_WRONG_METHOD = "The endpoint and HTTP method combination are not available from this service."

_log = logging.getLogger("tms_standin.tapis")


async def answer(parts: Parts, scope: Any, path: str, receive: Any) -> Answer:
    """Return the answer of an endpoint."""
    try:
        tenant, base_url, local = parts.tenants.find(scope, path)
        methods, values = _find(local)
        if scope["method"] == "OPTIONS":
            allowed = ", ".join(["OPTIONS", *methods, *(["HEAD"] if "GET" in methods else [])])
            return Answer(200, [(b"content-type", b"text/html; charset=utf-8"), (b"allow", allowed.encode())])
        endpoint = methods.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if endpoint is None:
            raise TapisRefusal(_WRONG_METHOD)
        call = Call(parts, tenant, base_url, scope, receive, values)
        while True:
            with contextlib.suppress(RowsReplaced):
                return await endpoint(call)
    except TapisRefusal as refusal:
        return failure(refusal)
    except HostError:
        return failure(TapisRefusal("invalid tenant id."))
    except DatabaseTrouble:
        return failure(TapisRefusal("The database does not answer. Please try again later.", 503)).with_header(*AGAIN)
    except Exception:  # noqa: BLE001 - no fault of ours may end a client that reads nothing but JSON
        _log.exception("%s failed", path)
        return failure(TapisRefusal("An error of the stand-in, see its log.", 500))


def _find(path: str) -> tuple[dict[str, Endpoint], list[str]]:
    """Return the methods of a path and its last part where that is a value. Raises TapisRefusal for an unknown path."""
    if path in ENDPOINTS:
        return ENDPOINTS[path], []
    parent = _LAST.fullmatch(path)
    if parent is None or f"{parent[1]}/*" not in ENDPOINTS or "%00" in parent[2]:
        raise TapisRefusal("The requested URL was not found on the server.", 404)
    return ENDPOINTS[f"{parent[1]}/*"], [unquote(parent[2])]
