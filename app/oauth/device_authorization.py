"""The device authorization endpoint (RFC 8628 3.1, 3.2): it makes the two codes of a new flow."""

from datetime import timedelta
from typing import Any

import msgspec
from authlib.oauth2.rfc6749 import UnauthorizedClientError
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint

from . import device_flows
from .answers import Answer, ServerTroubleError
from .exchange import Exchange, ProtocolRequest
from .parameters import resource_of
from .registry import DEVICE_CODE, Client
from .server import AuthorizationServer, answer_of, in_transaction

_ATTEMPTS = 20


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """Authlib's endpoint with this server's codes, lifetimes and rows."""

    server: AuthorizationServer

    def authenticate_client(self, request: ProtocolRequest) -> Client:
        """Return the client. Raises what `authenticate` and `served` raise."""
        client: Client = super().authenticate_client(request)  # type: ignore[no-untyped-call] # the stub has no types
        return self.served(client)

    def served(self, client: Client) -> Client:
        """Return a client that may use this grant. Raises UnauthorizedClientError (row DA-22)."""
        if not client.check_grant_type(DEVICE_CODE):
            raise UnauthorizedClientError("The client may not use the device flow")
        oauth = self.server.parts.settings.oauth
        self.EXPIRES_IN, self.INTERVAL = oauth.device_code_ttl, oauth.interval
        return client

    def generate_user_code(self) -> str:
        """Return the code of RFC 8628 6.1 that the device code begins with: eight letters in two groups."""
        return device_flows.displayed(self._letters)

    def generate_device_code(self) -> str:
        """Return the letters of a new user code and 256 random bits (RFC 8628 5.2); Authlib asks for this one first."""
        chance = self.server.parts.chance
        self._letters = chance.letters(device_flows.ALPHABET, device_flows.CODE_LENGTH)
        return self._letters + chance.token()

    def get_verification_uri(self) -> str:
        """Return where a person types the code."""
        return f"{self.server.issuer.url}/device"

    def save_device_credential(self, client_id: str, scope: str | None, data: dict[str, Any]) -> None:
        """Store the flow, under other codes while the chosen ones are taken; a seeded start draws the same again."""
        for _ in range(_ATTEMPTS):
            values = self._values(client_id, scope)
            begun = device_flows.begin(self.server.transaction, self._letters, data["device_code"], **values)
            if self.server.wait(begun):
                return
            complete = data["verification_uri_complete"].removesuffix(data["user_code"])
            data["device_code"], data["user_code"] = self.generate_device_code(), self.generate_user_code()
            data["verification_uri_complete"] = complete + data["user_code"]
        raise ServerTroubleError("No user code is free")

    def _values(self, client_id: str, scope: str | None) -> dict[str, Any]:
        server, exchange = self.server, self.server.exchange
        script = server.registry.script(server.client, server.issuer.name)
        return {
            "issuer": server.issuer.name,
            "dialect": "rfc8628",
            "client_id": client_id,
            "scope": server.client.get_allowed_scope(scope),
            "resource": resource_of(server.parameters),
            "nonce": server.parameters.data.get("nonce"),
            "address": exchange.address,
            "user_agent": exchange.user_agent,
            "interval": self.INTERVAL,
            "created": server.now,
            "expires_at": server.now + timedelta(seconds=self.EXPIRES_IN),
            "script": msgspec.json.encode(script).decode() if script else None,
            "simulator_hash": None,
        }


async def device_authorization(exchange: Exchange) -> Answer:
    """POST /oauth2/device_authorization. Raises OAuth2Error for a request that cannot be read."""
    request = await exchange.protocol_request()
    return answer_of(await in_transaction(exchange, lambda server: server.respond(DeviceAuthorization, request)))
