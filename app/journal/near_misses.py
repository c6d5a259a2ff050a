"""Says what a refused request missed by little: sentences for the journal alone, never for an answer. It writes nothing.

It asks the database again, after the answer is made, instead of listening to the log's hints: those are given once for
many refusals, and in part by the writer, for whom all requests of a transaction are one.
"""

import contextlib
import difflib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from ..errors import DatabaseTrouble
from ..gates import ADMINISTRATOR, CLIENT, TENANT_STATE
from ..oauth import device_flows
from ..oauth.device_flows import APPROVED, DENIED, ENTERED, REDEEMED, TAPIS
from ..oauth.issuers import split_path
from ..parts import Parts
from ..records import same_secret
from ..steering.operations import Named
from ..tapis.tenants import GRACE
from ..tms.credentials import NEAREST
from ..tms.dependencies import DEPENDENCIES
from ..tms.strict import KEY_AND_DEPENDENCIES, why_not
from .bodies import Kept, decoded

_LONGEST_PATH = 200
_SIMILAR = 0.75
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_NEVER_READY = (
    "The device code expired before anybody authorized it, and is answered `device code not ready.` for ever, as by the "
    "real service; standin.strict mends it."
)
_NOT_ENABLED = b"Tenant not enabled."


class Seen(NamedTuple):
    """What passed: the request's scope, the answer's status, both bodies in clear."""

    scope: Any
    status: int
    asked: Kept
    answered: Kept

    def header(self, name: bytes) -> str:
        """Return a header of the request, or an empty text."""
        values = (value for found, value in self.scope["headers"] if found == name)
        return next(values, b"").strip().decode("latin-1")

    def fields(self) -> dict[str, Any]:
        """Return the members of the request's JSON object, or the fields of its form."""
        value = decoded(self.asked)
        return value if isinstance(value, dict) else dict(parse_qsl(self.asked.content.decode("latin-1")))


Explanation = Callable[[Parts, Seen], Awaitable[list[str]]]


async def near_misses(parts: Parts, named: Named, seen: Seen) -> list[str]:
    """Return a sentence for each thing that a request lacked, where that is known."""
    if 200 <= seen.status < 400:
        return []
    with contextlib.suppress(DatabaseTrouble):
        if named.template.endswith("/(other)"):
            return _nearest_path(parts, seen)
        explain = _EXPLAINED.get((named.operation_id or named.template, seen.status)) or _of_every_operation(
            named, seen
        )
        if explain is not None:
            return await explain(parts, seen)
    return []


def _of_every_operation(named: Named, seen: Seen) -> Explanation | None:
    if named.operation_id is None:
        return None
    if seen.status == 400 and _NOT_ENABLED in seen.answered.content:
        return _tenant_not_enabled
    return _not_authorized if seen.status == 401 else None


async def _key_not_found(parts: Parts, seen: Seen) -> list[str]:
    """E10: which of fingerprint, host and account does not match; under `strict`, why a key may not be used."""
    body = seen.fields()
    fingerprint, host, user = (str(body.get(name)) for name in ("public_key_fingerprint", "host", "user"))
    nearest = await parts.store.one(NEAREST, public_key_fingerprint=fingerprint, host=host)
    if nearest is None:
        return [f"No key is stored with fingerprint {fingerprint}."]
    asked = {"host": (host, nearest.host), "user": (user, nearest.host_account)}
    wrong = [
        f"{name} differs: asked for {got!r}, stored is {kept!r}" for name, (got, kept) in asked.items() if got != kept
    ]
    if wrong:
        return [f"The fingerprint is stored, but the {'; the '.join(wrong)}."]
    row = await parts.store.one(KEY_AND_DEPENDENCIES, public_key_fingerprint=fingerprint, host=host)
    reason = "it is stored now" if row is None else why_not(row, parts.clock.now()) or "it may be used now"
    return [f"The key is stored for this host and user, but {reason}."]


async def _dependency_missing(parts: Parts, seen: Seen) -> list[str]:
    """E09: all that is missing or expired, where the answer names the first alone."""
    body, now = seen.fields(), parts.clock.now()
    client, tenant = seen.header(b"x-tms-client-id"), seen.header(b"x-tms-tenant")
    user, host, account = (str(body.get(name)) for name in ("client_user_id", "host", "host_account"))
    place = {"tenant": tenant, "client_id": client, "client_user_id": user, "host": host, "host_account": account}
    found = await parts.store.one(DEPENDENCIES, **place)
    records = (
        (f"user MFA record of {user!r}", "usermfa", found.mfa_expires_at),
        (f"mapping of {user!r} to {account!r} on {host!r}", "userhosts", found.host_expires_at),
        (f"delegation of {user!r} to client {client!r}", "delegations", found.delegation_expires_at),
    )
    told = [_lacking(f"{record} in tenant {tenant!r}", path, ends, now) for record, path, ends in records]
    disabled = [f"The user MFA record of {user!r} is disabled."] if found.mfa_enabled is False else []
    return [*disabled, *(sentence for sentence in told if sentence)]


def _lacking(record: str, path: str, expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return f"There is no {record}; POST /v1/tms/{path} adds one."
    return f"The {record} expired at {expires_at.isoformat()}." if expires_at < now else ""


async def _tenant_not_enabled(parts: Parts, seen: Seen) -> list[str]:
    tenant = seen.header(b"x-tms-tenant") or str(seen.fields().get("tenant"))
    found = await parts.store.one(TENANT_STATE, tenant=tenant)
    return [f"There is no tenant {tenant!r}." if found is None else f"The tenant {tenant!r} is disabled."]


async def _not_authorized(parts: Parts, seen: Seen) -> list[str]:
    """401: whether it is the name that is unknown, or its secret that is wrong."""
    tenant, told = seen.header(b"x-tms-tenant"), []
    for kind, statement, column in (("client", CLIENT, "client_id"), ("admin", ADMINISTRATOR, "admin_user")):
        name, secret = seen.header(b"x-tms-%s-id" % kind.encode()), seen.header(b"x-tms-%s-secret" % kind.encode())
        if not name:
            continue
        found = await parts.store.one(statement, **{"tenant": tenant, column: name})
        if found is None:
            told.append(f"There is no {kind} {name!r} in tenant {tenant!r}.")
        elif not same_secret(secret, getattr(found, f"{kind}_secret")):
            told.append(f"The secret is not that of {kind} {name!r} in tenant {tenant!r}.")
        elif parts.modes.strict and kind == "client" and not found.enabled:
            told.append(f"The client {name!r} in tenant {tenant!r} is disabled, which counts under standin.strict.")
    return told


async def _device_code_refused(parts: Parts, seen: Seen) -> list[str]:
    """The token request of RFC 8628 3.4: why a device code is none."""
    fields = seen.fields()
    if fields.get("grant_type") != _DEVICE_CODE or b"invalid_grant" not in seen.answered.content:
        return []
    flow = await device_flows.find_by_device_code(parts.store, str(fields.get("device_code")))
    if flow is None:
        return ["No device flow has this device code: it was never issued, or expired more than an hour ago."]
    asked = split_path(seen.scope["raw_path"].decode("latin-1"))[0]
    client = fields.get("client_id") or flow.client_id
    told = [f"The device code is of another issuer, {flow.issuer!r}, not {asked!r}."] if flow.issuer != asked else []
    if client != flow.client_id:
        told.append(f"The device code was issued to client {flow.client_id!r}, not {client!r}.")
    if flow.status == REDEEMED:
        told.append("The device code has been redeemed already.")
    return told


async def _tapis_device_code_refused(parts: Parts, seen: Seen) -> list[str]:
    """POST /v3/oauth2/tokens (contract tapis 2.4.3)."""
    fields = seen.fields()
    if fields.get("grant_type") != "device_code" or not fields.get("device_code"):
        return []
    flow = await device_flows.find_by_device_code(parts.store, str(fields["device_code"]))
    if flow is None:
        return ["No device flow has this device code."]
    if flow.dialect != TAPIS:
        return ["The device code was issued at /oauth2/device_authorization, and is redeemed at /oauth2/token."]
    if flow.status in (REDEEMED, DENIED):
        return [f"The device flow is {flow.status} already."]
    if flow.status == APPROVED:
        return []
    if parts.clock.now() > flow.expires_at + GRACE:
        return [_NEVER_READY]
    left = "the consent" if flow.status == ENTERED else "somebody to enter its user code"
    return [f"The device flow waits for {left}, until {flow.expires_at.isoformat()}."]


def _nearest_path(parts: Parts, seen: Seen) -> list[str]:
    """404 and 405 of what is no endpoint: the endpoint that is spelled alike."""
    path = seen.scope["raw_path"].decode("latin-1")
    asked = f"{seen.scope['method']} {path}"
    if len(asked) > _LONGEST_PATH:
        return []
    methods = sorted(name.template.split(" ")[0] for name in parts.names.all if name.template.split(" ")[1] == path)
    if methods:
        return [f"{path} takes {' and '.join(methods)}."]
    close = difflib.get_close_matches(asked, [name.template for name in parts.names.all], 1, _SIMILAR)
    return [f"No endpoint has this path; the nearest is {close[0]}."] if close else []


_EXPLAINED: dict[tuple[str, int], Explanation] = {
    ("retrieve_key", 404): _key_not_found,
    ("create_key", 403): _dependency_missing,
    ("POST /oauth2/token", 400): _device_code_refused,
    ("POST /v3/oauth2/tokens", 400): _tapis_device_code_refused,
}
