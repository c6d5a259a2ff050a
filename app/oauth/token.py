"""The token endpoint (RFC 6749 3.2): finds the grant, and signs what it issued when the transaction is over."""

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import BaseGrant, InvalidRequestError

from . import device_flows
from .answers import Answer
from .authorization_code import AuthorizationCode, ProofKey
from .client_authentication import uses_two_ways
from .device_code import DeviceCode
from .exchange import Exchange, ProtocolRequest
from .parameters import pairs_of, parameters_of
from .refresh_token import RefreshToken
from .registry import DEVICE_CODE
from .server import AuthorizationServer, Outcome, answer_of, in_transaction

GRANTS: dict[str, tuple[type[BaseGrant], list[ProofKey]]] = {
    DEVICE_CODE: (DeviceCode, []),
    "refresh_token": (RefreshToken, []),
    "authorization_code": (AuthorizationCode, [ProofKey()]),
}


async def token(exchange: Exchange) -> Answer:
    """POST /oauth2/token. Raises OAuth2Error for a request that cannot be read."""
    try:
        request = await exchange.protocol_request()
    except OAuth2Error as error:
        await _note_misplaced(exchange, error)
        raise
    if not request.payload.grant_type:
        raise InvalidRequestError("The parameter grant_type is missing")
    outcome = await in_transaction(exchange, lambda server: _granted(server, request))
    if outcome.status == 200:
        signed = await exchange.parts.signing.signed(exchange.issuer.name, outcome.body)
        outcome = outcome._replace(body=signed)
    return answer_of(outcome)


def _granted(server: AuthorizationServer, request: ProtocolRequest) -> Outcome:
    if request.payload.grant_type in GRANTS:
        server.register_grant(*GRANTS[request.payload.grant_type])
    outcome: Outcome = server.create_token_response(request)  # type: ignore[assignment] # what handle_response returns
    if uses_two_ways(request):
        _note(server, request.form.get("device_code", ""), "two ways of authentication")
    return outcome


async def _note_misplaced(exchange: Exchange, error: OAuth2Error) -> None:
    """Note on the flow that its client polls by the query string, which the report will tell (X-13)."""
    try:
        device_code = parameters_of(pairs_of(exchange.scope["query_string"])).data.get("device_code")
    except OAuth2Error:
        return
    if device_code:
        await in_transaction(
            exchange, lambda server: _note(server, device_code, "parameters in the query", str(error.error))
        )


def _note(server: AuthorizationServer, device_code: str, remark: str, answer: str = "invalid_request") -> None:
    flow = server.wait(device_flows.find_by_device_code(server.transaction, device_code))
    if flow is not None and flow.issuer == server.issuer.name:
        pace = device_flows.pace_of(flow)
        server.wait(device_flows.note_poll(server.transaction, flow, pace, answer, server.now, remark))
