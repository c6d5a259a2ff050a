"""The device access token request (RFC 8628 3.4, 3.5): a poll, its pace, and the one that gets the token."""

from typing import Any

import msgspec
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidGrantError
from authlib.oauth2.rfc8628 import AuthorizationPendingError, DeviceCodeGrant, ExpiredTokenError, SlowDownError

from . import device_flows
from .answers import TooManyAttemptsError
from .device_flows import APPROVED, DENIED, EXPIRED, PENDING, Decision
from .failures import program_limit
from .pace import Pace
from .scripts import Step, step_for
from .server import AuthorizationServer
from .tokens import begin_grant


class Flow:
    """A device flow as Authlib asks for it (rfc8628.DeviceCredentialMixin)."""

    def __init__(self, row: Any) -> None:
        self.row = row

    def get_client_id(self) -> str:
        """Return whose flow it is."""
        return str(self.row.client_id)

    def get_scope(self) -> str:
        """Return what was granted."""
        return str(self.row.granted_scope)


class DeviceCode(DeviceCodeGrant):
    """Authlib's grant over the state machine of device_flows.py."""

    server: AuthorizationServer

    def query_device_credential(self, device_code: str) -> Flow:
        """Return the flow. Raises InvalidGrantError for a code that is unknown or another client's (TK-14, TK-15)."""
        server = self.server
        row = server.wait(device_flows.find_by_device_code(server.transaction, device_code))
        if row is None or row.issuer != server.issuer.name:
            self._count_guess()
            raise InvalidGrantError("The device code is unknown")
        if row.client_id != server.client.client_id:
            raise InvalidGrantError("The device code was issued to another client")
        return Flow(row)

    def validate_device_credential(self, credential: Flow) -> str:
        """Return the user whose approval this poll fetches; every other poll ends in an error, and all are noted."""
        flow, error = self._played(credential.row)
        credential.row = flow
        if error is None:
            return str(flow.username)
        raise error

    def _played(self, flow: Any) -> tuple[Any, OAuth2Error | None]:
        """Return the flow after this poll, and the error to answer, or None for the token."""
        server, pace = self.server, device_flows.pace_of(flow)
        error: OAuth2Error | None = None
        if device_flows.status_of(flow, server.now) == PENDING:
            error, pace = self._pending(flow, pace)
            if error is None:
                flow = server.wait(server.transaction.one(device_flows.FIND, user_code=flow.user_code))
        error = error or self._decided(flow)
        answer = "token" if error is None else str(error.error)
        server.wait(device_flows.note_poll(server.transaction, flow, pace, answer, server.now))
        return flow, error

    def _pending(self, flow: Any, pace: Pace) -> tuple[OAuth2Error | None, Pace]:
        """Return what an undecided flow answers and the pace after it, or no error when this very poll decides it."""
        step = self._step(flow)
        if step is None:
            early = pace.too_early(self.server.now)
            step = Step("slow_down" if early else "pending")
        if step.action == "pending":
            return AuthorizationPendingError(), pace.accepted(self.server.now)
        if step.action == "slow_down":
            return SlowDownError(), pace.rejected()
        self._decide(flow, step)
        return None, pace

    def _step(self, flow: Any) -> Step | None:
        """Return what the flow's script or `auto_approve` has for this poll, or None for the clock's judgement."""
        if flow.script is not None:
            step = step_for(msgspec.json.decode(flow.script), flow.polls)
            if step is not None:
                return step
        oauth = self.server.parts.settings.oauth
        if oauth.auto_approve is not None and flow.polls >= oauth.auto_approve_polls:
            return Step("approve", oauth.auto_approve)
        return None

    def _decide(self, flow: Any, step: Step) -> None:
        server = self.server
        if step.action == "expire":
            server.wait(device_flows.expire(server.transaction, flow, server.now))
            return
        # Whatever a script says, no device gets more than it asked for.
        asked = flow.scope.split()
        scope = step.scope and " ".join(word for word in step.scope.split() if word in asked)
        decision = Decision(step.action == "approve", step.username or None, scope)
        server.wait(device_flows.decide(server.transaction, flow, decision, server.now))

    def _decided(self, flow: Any) -> OAuth2Error | None:
        """Return the final error of a flow, or None for the one poll that gets its token (TK-10 to TK-17)."""
        status = device_flows.status_of(flow, self.server.now)
        if status == APPROVED and self._redeem(flow):
            return None
        errors: dict[str, OAuth2Error] = {EXPIRED: ExpiredTokenError(), DENIED: AccessDeniedError()}
        return errors.get(status) or InvalidGrantError("The device code was used already")

    def _redeem(self, flow: Any) -> bool:
        server = self.server
        grant_id = server.parts.chance.uuid()
        if not server.wait(device_flows.redeem(server.transaction, flow, grant_id)):
            return False
        server.granted = begin_grant(
            server,
            grant_id=grant_id,
            client_id=flow.client_id,
            username=flow.username,
            scope=flow.granted_scope,
            resource=flow.resource,
            nonce=flow.nonce,
            authenticated_at=flow.authenticated_at,
        )
        return True

    def _count_guess(self) -> None:
        """Count a code that was never issued; the limit never stops a poll for one that was (row SEC-04)."""
        server = self.server
        limit = program_limit("device_code", server.parts.settings.oauth.wrong_secrets)
        source = f"{server.issuer.name} {server.address}"
        if seconds := server.wait(limit.seconds_to_wait(server.transaction, source, server.now)):
            raise TooManyAttemptsError("invalid_grant", seconds)
        server.wait(limit.note(server.transaction, source, server.now))
