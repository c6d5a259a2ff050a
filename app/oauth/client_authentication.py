"""Who is the client (RFC 6749 2.3): HTTP Basic, a secret in the body, or for public clients the id alone; one of them."""

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from .answers import TooManyAttemptsError
from .exchange import ProtocolRequest
from .failures import program_limit
from .registry import Client

if TYPE_CHECKING:
    from .server import AuthorizationServer

BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"
REALM = 'Basic realm="tms-standin", charset="UTF-8"'


class UnauthorizedError(InvalidClientError):
    """invalid_client with status 401 and the challenge that belongs to it (RFC 6749 5.2, RFC 9110 15.5.2)."""

    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers with the challenge."""
        return [*OAuth2Error.get_headers(self), ("WWW-Authenticate", REALM)]


class Credentials(NamedTuple):
    """What a client showed, and how."""

    method: str
    client_id: str
    client_secret: str


def authenticate(server: "AuthorizationServer", request: ProtocolRequest, methods: list[str]) -> Client:
    """Return the client. Raises InvalidRequestError, UnauthorizedError and TooManyAttemptsError."""
    shown = credentials_of(request, required=NONE not in methods)
    client = server.wait(server.registry.client(server.parts.store.remembered, shown.client_id))
    if client is None:
        raise UnauthorizedError("The client does not exist on this server")
    if client.client_secret is None and not shown.client_secret:
        shown = shown._replace(method=NONE)
    if shown.method not in methods or not client.check_endpoint_auth_method(shown.method, "token"):
        raise UnauthorizedError(f"The client may not authenticate by {shown.method}")
    if shown.method != NONE:
        _check_secret(server, client, shown.client_secret)
    request.auth_method = shown.method
    return client


def credentials_of(request: ProtocolRequest, required: bool) -> Credentials:
    """Return what the client showed. Raises InvalidRequestError, and UnauthorizedError for nothing where `required`."""
    client_id = request.form.get("client_id", "")
    client_secret = request.form.get("client_secret", "")
    if request.authorization:
        basic = _basic(request.authorization)
        if client_secret:
            raise InvalidRequestError("The client authenticates in two ways, by Authorization header and in the body")
        if client_id not in ("", basic.client_id):
            raise InvalidRequestError("The Authorization header and the body name different clients")
        return basic
    if not client_id:
        if required:
            raise UnauthorizedError("The client must authenticate")
        raise InvalidRequestError("The parameter client_id is missing")
    return Credentials(POST if client_secret else NONE, client_id, client_secret)


def uses_two_ways(request: ProtocolRequest) -> bool:
    """Return whether a client authenticates by header and in the body at once."""
    return bool(request.authorization and request.form.get("client_secret"))


def _basic(authorization: str) -> Credentials:
    """Return id and secret of an Authorization header, both form-encoded before base64 (RFC 6749 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise UnauthorizedError("The only scheme for clients is Basic")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        if not colon:
            raise ValueError
        client_id, client_secret = (unquote_plus(part, errors="strict") for part in (user, password))
    except (binascii.Error, ValueError):
        raise UnauthorizedError("The Authorization header cannot be read") from None
    if "\0" in client_id + client_secret:
        raise UnauthorizedError("The Authorization header cannot be read")
    return Credentials(BASIC, client_id, client_secret)


def _check_secret(server: "AuthorizationServer", client: Client, secret: str) -> None:
    limit = program_limit("client_secret", server.parts.settings.oauth.wrong_secrets)
    source = f"{server.issuer.name} {client.client_id} {server.address}"
    if seconds := server.wait(limit.seconds_to_wait(server.transaction, source, server.now)):
        raise TooManyAttemptsError("invalid_client", seconds)
    if not client.check_client_secret(secret):
        server.wait(limit.note(server.transaction, source, server.now))
        raise UnauthorizedError("The client secret is wrong")
