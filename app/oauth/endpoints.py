"""Every endpoint of the authorization server, named once, and what comes back when it fails. It decides nothing else."""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from ..errors import DatabaseTrouble, RowsReplaced
from ..parts import Parts
from .answers import AGAIN, Answer, InternalError, ServerTroubleError, error_answer
from .authorize import authorize, authorized
from .device_authorization import device_authorization
from .exchange import Exchange
from .introspection import introspect
from .issuers import HostError, issuer_of
from .jwks import jwks
from .metadata import metadata
from .page_answers import error_page
from .revocation import revoke
from .simulator import device_page, polled, start_page, started
from .token import token
from .userinfo import userinfo
from .verification import code_entered, code_entry, decided, logged_out, login, login_entered

Endpoint = Callable[[Exchange], Awaitable[Answer]]

PROTOCOL: dict[str, dict[str, Endpoint]] = {
    "/.well-known/oauth-authorization-server": {"GET": metadata},
    "/.well-known/openid-configuration": {"GET": metadata},
    "/oauth2/device_authorization": {"POST": device_authorization},
    "/oauth2/token": {"POST": token},
    "/oauth2/revoke": {"POST": revoke},
    "/oauth2/introspect": {"POST": introspect},
    "/oauth2/userinfo": {"GET": userinfo, "POST": userinfo},
    "/oauth2/jwks": {"GET": jwks},
}
PAGES: dict[str, dict[str, Endpoint]] = {
    "/oauth2/authorize": {"GET": authorize, "POST": authorized},
    "/device": {"GET": code_entry, "POST": code_entered},
    "/device/login": {"GET": login, "POST": login_entered},
    "/device/decision": {"POST": decided},
    "/device/logout": {"POST": logged_out},
    "/device/simulator": {"GET": start_page},
    "/device/simulator/start": {"POST": started},
}
SIMULATED: dict[str, Endpoint] = {"GET": device_page, "POST": polled}

_log = logging.getLogger("tms_standin.oauth")


async def answer(parts: Parts, scope: Any, receive: Any) -> Answer:
    """Return the answer of an endpoint: JSON of the protocol's, whatever happens (row X-03), a page of the pages'."""
    protocol = PROTOCOL.get(scope["endpoint"])
    methods = protocol or PAGES.get(scope["endpoint"], SIMULATED)
    failed = _as_json if protocol else _as_page
    try:
        endpoint = methods.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if endpoint is None:
            raise InvalidRequestError(f"The method must be {' or '.join(methods)}", status_code=405)
        issuer = issuer_of(scope["issuer"], scope, parts.settings)
        exchange = Exchange(parts, issuer, scope, receive)
        while True:
            with contextlib.suppress(RowsReplaced):
                return await endpoint(exchange)
    except HostError:
        return failed(InvalidRequestError("The Host header is missing or no host's name"), methods)
    except OAuth2Error as error:
        return failed(error, methods)
    except DatabaseTrouble:
        return failed(ServerTroubleError(), methods)
    except Exception:  # noqa: BLE001 - no fault of ours may end a client that reads nothing but JSON
        _log.exception("%s failed", scope["endpoint"])
        return failed(InternalError(), methods)


def _as_json(error: OAuth2Error, methods: dict[str, Endpoint]) -> Answer:
    return _with_methods(error_answer(error), methods)


def _as_page(error: OAuth2Error, methods: dict[str, Endpoint]) -> Answer:
    sentence = f"{error.get_error_description()}."
    shown = error_page(error.status_code, "This did not work", sentence)
    return _with_methods(shown.with_header(*AGAIN) if error.status_code == 503 else shown, methods)


def _with_methods(refused: Answer, methods: dict[str, Endpoint]) -> Answer:
    if refused.status != 405:
        return refused
    allowed = ", ".join(["HEAD", *methods] if "GET" in methods else methods)
    return refused.with_header(b"allow", allowed.encode())
