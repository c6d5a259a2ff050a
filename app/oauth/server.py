"""Authlib's authorization server over the store: one for each request, inside one transaction. It sends nothing.

Authlib calls back synchronously; the transaction knows how its coroutines are waited for then. On SQLite they are run
to their end on the spot: greenlets, which PostgreSQL needs, cost a quarter of a poll.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from authlib.oauth2 import OAuth2Error, rfc6749
from authlib.oauth2.rfc6749 import InvalidScopeError

from ..transaction import Transaction
from .answers import Answer, json_answer, lowered, plain
from .client_authentication import authenticate
from .exchange import Exchange, ProtocolRequest
from .parameters import Parameters
from .registry import Client
from .tokens import Granted, TokenResponse, store_tokens, token_response

Result = TypeVar("Result")

logging.getLogger("authlib").setLevel(logging.INFO)  # Below it tells tokens and clients with their secrets.


class Outcome(NamedTuple):
    """What Authlib decided: status, members of the body, headers."""

    status: int
    body: Mapping[str, Any]
    headers: list[tuple[str, str]]


class AuthorizationServer(rfc6749.AuthorizationServer):
    """What Authlib's grants and endpoints ask for, for one request."""

    def __init__(self, exchange: Exchange, transaction: Transaction) -> None:
        super().__init__()
        self.exchange = exchange
        self.parts = exchange.parts
        self.registry = exchange.parts.registry
        self.issuer = exchange.issuer
        self.address = exchange.address
        self.now = exchange.now
        self.transaction = transaction
        self.client: Client
        self.parameters: Parameters
        self.granted: Granted | None = None

    def wait(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return what a coroutine of the store returns."""
        return self.transaction.wait(coroutine)

    def query_client(self, client_id: str) -> Client | None:  # type: ignore[override] # ours need not inherit
        """Return the client of an id, or None. The authorization endpoint asks for no other proof."""
        client = self.wait(self.registry.client(self.parts.store.remembered, client_id))
        if client is not None:
            self.client = client
        return client

    def respond(self, endpoint: type[Any], request: ProtocolRequest) -> Outcome:
        """Return what one of Authlib's endpoint classes decides."""
        self.register_endpoint(endpoint)
        outcome: Outcome = self.create_endpoint_response(endpoint.ENDPOINT_NAME, request)  # type: ignore[no-untyped-call] # the stub has no types
        return outcome

    def authenticate_client(  # type: ignore[override] # as above
        self, request: ProtocolRequest, methods: list[str], endpoint: str = "token"
    ) -> Client:
        """Return the client, which later steps find in the request and here. Raises what `authenticate` raises."""
        del endpoint  # Every endpoint has the same rules.
        self.parameters = request.payload
        self.client = request.client = authenticate(self, request, methods)  # type: ignore[assignment] # as above
        return self.client

    def validate_requested_scope(self, scope: str | None) -> None:
        """Raise InvalidScopeError for a scope that the client may not have; upper case counts (RFC 6749 3.3)."""
        if scope and not set(self.client.scopes).issuperset(scope.split()):
            raise InvalidScopeError("A scope is unknown, or the client may not ask for it")

    def generate_token(
        self,
        grant_type: str,  # noqa: ARG002 - Authlib's signature
        client: Any,  # noqa: ARG002 - Authlib's signature
        user: Any = None,  # noqa: ARG002 - Authlib's signature
        scope: str | None = None,
        expires_in: int | None = None,  # noqa: ARG002 - Authlib's signature
        include_refresh_token: bool = True,
    ) -> TokenResponse:
        """Return the members of a token response."""
        return token_response(self, scope or "", include_refresh_token)

    def save_token(self, token: TokenResponse, request: Any) -> None:  # noqa: ARG002 - Authlib's signature
        """Remember the tokens of a response."""
        store_tokens(self, token)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody: nothing here listens to Authlib's signals."""

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        """Return the request, which is Authlib's already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Outcome:
        """Return what was decided; it is written when the transaction is over."""
        return Outcome(status, body, list(headers))

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Outcome:
        """Return an error, its description in the characters that RFC 6749 5.2 allows."""
        outcome = cast(Outcome, super().handle_error_response(request, error))
        if isinstance(outcome.body, dict) and "error_description" in outcome.body:
            outcome.body["error_description"] = plain(outcome.body["error_description"])
        return outcome


async def in_transaction(exchange: Exchange, work: Callable[[AuthorizationServer], Result]) -> Result:
    """Run `work`, which may call Authlib, in one transaction and return its result once that is on disk.

    An OAuth2Error that Authlib itself turns into an answer keeps what was written, so that a poll that is refused is
    remembered; one that `work` raises undoes it.
    """

    async def transact(transaction: Transaction) -> Result:
        return await transaction.run(lambda: work(AuthorizationServer(exchange, transaction)))

    return await exchange.parts.store.write(transact)


def answer_of(outcome: Outcome) -> Answer:
    """Return the answer of an outcome that holds no unsigned token."""
    return json_answer(outcome.status, outcome.body, lowered(h for h in outcome.headers if h[0] != "Content-Type"))
