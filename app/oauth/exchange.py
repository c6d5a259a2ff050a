"""One request of the authorization server: who asks, of which issuer, with what. It answers nothing."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request

from ..cookies import cookie_of
from ..parts import Parts
from .issuers import Issuer
from .parameters import LARGEST_BODY, Parameters, form_parameters, refuse_query

Receive = Callable[[], Awaitable[Any]]

_LONGEST_USER_AGENT = 200
# Authlib refuses plain http. The stand-in serves loopback without TLS on purpose (row DA-05), so it vouches here.
_VOUCHED = "https://localhost"


class Exchange:
    """What an endpoint may know of its request.

    `now` is the instant at which all of it was there, so that a body which comes slowly neither outlives an expiry nor
    is judged by the pace of an earlier poll.
    """

    def __init__(self, parts: Parts, issuer: Issuer, scope: Any, receive: Receive) -> None:
        self.parts = parts
        self.issuer = issuer
        self.scope = scope
        self._receive = receive
        self._body: bytes | None = None
        self.now: datetime = parts.clock.now()

    @property
    def method(self) -> str:
        """Return the method; HEAD is answered as GET."""
        return str(self.scope["method"])

    @property
    def address(self) -> str:
        """Return the address that the request comes from."""
        client = self.scope.get("client")
        return client[0] if client else "unknown"

    @property
    def user_agent(self) -> str:
        """Return how the caller calls itself, cut to a line."""
        return self.header(b"user-agent")[:_LONGEST_USER_AGENT]

    @property
    def secure(self) -> bool:
        """Return whether the request came over TLS."""
        return bool(self.scope["scheme"] == "https")

    def header(self, name: bytes) -> str:
        """Return a header, one that is there more than once as RFC 9110 5.3 joins it; an empty text for none."""
        return ", ".join(value.decode("latin-1") for found, value in self.scope["headers"] if found == name)

    def cookie(self, name: str) -> str:
        """Return a cookie, or an empty text; what other programs on this host have set may look like anything."""
        return cookie_of(self.header(b"cookie"), name)

    async def body(self) -> bytes:
        """Return the body, cut one byte above the largest that is read. Raises InvalidRequestError for half of one."""
        if self._body is None:
            self._body = await self._read()
        self.now = self.parts.clock.now()
        return self._body

    async def _read(self) -> bytes:
        pieces, size = [], 0
        while (message := await self._receive())["type"] == "http.request":
            piece = message.get("body", b"")
            if size <= LARGEST_BODY:
                pieces.append(piece[: LARGEST_BODY + 1 - size])
            size += len(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)
        raise InvalidRequestError("The connection ended before the body did")

    async def parameters(self) -> Parameters:
        """Return the parameters of a form in the body. Raises InvalidRequestError."""
        json_too = self.parts.settings.oauth.json_bodies
        return form_parameters(self.header(b"content-type"), await self.body(), json_too)

    async def protocol_request(self) -> "ProtocolRequest":
        """Return the request as Authlib wants it. Raises InvalidRequestError, also for parameters in the query."""
        parameters = await self.parameters()
        refuse_query(self.scope["query_string"])
        return ProtocolRequest(self, parameters)


class ProtocolRequest(OAuth2Request):
    """A request as Authlib's grants and endpoints read it."""

    def __init__(self, exchange: Exchange, parameters: Parameters) -> None:
        super().__init__(exchange.method, _VOUCHED)
        self.authorization = exchange.header(b"authorization")
        self.payload: Parameters = parameters

    @property
    def args(self) -> dict[str, str | None]:
        """Return the parameters: none of them is read from the query but at the authorization endpoint."""
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        """Return the parameters."""
        return self.payload.data
