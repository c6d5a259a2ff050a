"""One true example for each operation, on the records of the seed `standard` (design 2.3). It asks nobody.

A test sends each of them to a fresh stand-in and compares the answers.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from ..clock import NEVER
from ..declare import Flag, Operation
from ..records import ADMINISTRATOR_ID, STANDARD_FINGERPRINT, UNLIMITED
from ..seed import STANDARD_PUBLIC_KEY
from ..wire import Wire
from .schemas import element_of, fields_of, is_optional

Named = dict[str, Any]

_MOMENT = datetime(2026, 11, 23, 18, 0, 0, 248743, tzinfo=UTC)
_IN_AN_HOUR = _MOMENT + timedelta(hours=1)
_FAR = _MOMENT + timedelta(minutes=UNLIMITED)
_RESID, _CHILD = "0b9d3a57-3f6c-4f0e-9a53-1d1c3c0b5f3e", "5a2f1c6e-8a4b-4d0f-8f0b-6f1f0c2d7e91"
_PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----\n"
_SECRET = "c0ffee00" * 6

# What a field holds in every example that says nothing else.
VALUES: Named = {
    "result_code": "0",
    "result_msg": "success",
    "id": 1,
    "seqno": 1,
    "tenant": "test",
    "client_id": "testclient1",
    "client_secret": _SECRET,
    "client_user_id": "testuser1",
    "tms_user_id": "testuser1",
    "app_name": "testapp1",
    "app_version": "1.0",
    "enabled": True,
    "host": "testhost1",
    "host_account": "testhostaccount1",
    "addr": "192.0.2.1",
    "user": "testhostaccount1",
    "user_uid": "1000",
    "admin_id": ADMINISTRATOR_ID,
    "admin_secret": _SECRET,
    "public_key": STANDARD_PUBLIC_KEY,
    "public_key_fingerprint": STANDARD_FINGERPRINT,
    "private_key": _PRIVATE_KEY,
    "key_type": "ed25519",
    "key_bits": 256,
    "num_uses": -1,
    "max_uses": UNLIMITED,
    "remaining_uses": UNLIMITED,
    "ttl_minutes": -1,
    "initial_ttl_minutes": UNLIMITED,
    "resid": _RESID,
    "parent_resid": _RESID,
    "created": _MOMENT,
    "updated": _MOMENT,
    "expires_at": NEVER,
    "fields_updated": 1,
    "num_deleted": 1,
    "num_clients": 1,
    "num_users": 1,
    "num_pubkeys": 1,
    "num_tenants": 1,
    "num_mappings": 1,
}


@dataclass(frozen=True)
class Example:
    """What is special about an operation's example.

    `named` are parameters and fields of the body, `answer` members of the answer, `elements` members of an array's
    elements, `tenant` is the header, `after` the operations whose examples have to be sent before it.
    """

    named: Named = field(default_factory=dict)
    answer: Named = field(default_factory=dict)
    elements: tuple[Named, ...] = ({},)
    tenant: str = "test"
    after: tuple[str, ...] = ()

    def arguments(self, operation: Operation) -> Named:
        """Return the values of path and query parameters."""
        return {name: self._value(name) for name in (*operation.path_parameters, *operation.query_parameters)}

    def body(self, operation: Operation) -> Named | None:
        """Return the request's body, None where there is none."""
        return (
            None if operation.body is None else {name: self._value(name) for name in operation.body.__struct_fields__}
        )

    def success(self, operation: Operation, wire: Wire) -> Named | str:
        """Return the answer, as this wire version writes it."""
        if operation.reply is None:
            return f"hello, {self.named['name']}!"
        return self._written(operation.reply, self.answer, wire)

    def _value(self, name: str) -> Any:
        return self.named[name] if name in self.named else VALUES[name]

    def _written(self, structure: type[Struct], members: Named, wire: Wire) -> Named:
        values = {**VALUES, **_build(wire), **members}
        answer: Named = {}
        for name, kind in fields_of(structure, wire):
            element = element_of(kind)
            if element is None:
                answer[name] = _shown(name, values[name], kind, wire)
            else:
                answer[name] = [self._written(element, members, wire) for members in self.elements]
        return answer


def _shown(name: str, value: Any, kind: Any, wire: Wire) -> Any:
    if isinstance(value, datetime):
        return wire.stamp(value) if name in ("created", "updated") else wire.expiry(value)
    if isinstance(value, bool):
        return wire.flag(value) if kind == Flag else value if kind is bool else int(value)
    return str(value) if kind is str or is_optional(kind) else value


def _build(wire: Wire) -> Named:
    """Return the members of E02, and the expiry of E24 and E29 under its name in this version."""
    return {
        "tms_version": wire.version,
        "git_branch": "main",
        "git_commit": wire.git_commit,
        "git_dirty": "false",
        "source_ts": "2026-04-21T15:02:11Z",
        "rustc_version": "rustc 1.95.0 (59807616e 2026-04-14)",
        **({"expires_msg": wire.updated_expiry(_FAR, 153)} if wire.updated_expiry_name == "expires_msg" else {}),
    }


def _said(sentence: str, **members: Any) -> Named:
    return {"result_msg": sentence, **members}


_NEW_USER = {"tms_user_id": "testuser2"}
_NEW_HOST = {"host": "testhost2"}
_NEW_DELEGATION = {"client_user_id": "testuser2"}
_NEW_CLIENT = {"client_id": "testclient2", "app_name": "testapp2"}
_SHORT = {"ttl_minutes": 60}
_ENDS = {"expires_at": _IN_AN_HOUR}
_LASTS = {"expires_at": _FAR}

EXAMPLES: dict[str, Example] = {
    "hello": Example({"name": "world"}),
    "get_version": Example(),
    "create_client": Example(_NEW_CLIENT, _NEW_CLIENT),
    "get_client": Example(),
    "update_client": Example(
        {"app_version": "1.1"}, _said("2 update(s) to client testclient1 completed", fields_updated=2)
    ),
    "delete_client": Example(answer=_said("Client testclient1 deleted")),
    "update_client_secret": Example(answer=_said("Secret updated for client testclient1")),
    "list_clients": Example(),
    "create_key": Example(),
    "retrieve_key": Example({"key_type": "ssh-ed25519"}),
    "get_pubkey": Example(),
    "list_pubkeys": Example(),
    "delete_pubkey": Example(answer=_said(f"Pubkey {STANDARD_FINGERPRINT} for host testhost1 deleted")),
    "update_pubkey": Example(
        {"max_uses": 100, "ttl_minutes": 525600},
        _said("2 update(s) to client testclient1 completed", fields_updated=2),
    ),
    "create_user_mfa": Example(_NEW_USER, {**_NEW_USER, **_LASTS}),
    "get_user_mfa": Example(),
    "update_user_mfa": Example(answer=_said("1 update(s) to tms_user_id testuser1 completed, enabled = true")),
    "delete_user_mfa": Example(_NEW_USER, _said("MFA user testuser2 deleted"), after=("create_user_mfa",)),
    "list_user_mfa": Example(),
    "create_user_host": Example(_NEW_HOST, {**_NEW_HOST, **_LASTS}),
    "get_user_host": Example(),
    "list_user_hosts": Example(),
    "delete_user_host": Example(
        _NEW_HOST,
        _said("User host testhost2 deleted for user testuser1 and account testhostaccount1"),
        after=("create_user_host",),
    ),
    "update_user_host": Example(answer=_said("1 update(s) to tms_user_id testuser1 completed", **_LASTS)),
    "create_delegation": Example(_NEW_DELEGATION, {**_NEW_DELEGATION, **_LASTS}, after=("create_user_mfa",)),
    "get_delegation": Example(),
    "list_delegations": Example(),
    "delete_delegation": Example(
        _NEW_DELEGATION,
        _said("User delegation deleted for user testuser2 and client testclient1"),
        after=("create_user_mfa", "create_delegation"),
    ),
    "update_delegation": Example(
        answer=_said("1 update(s) to user testuser1 and client testclient1 completed", **_LASTS)
    ),
    "create_tenant": Example({"tenant": "test2"}, {"tenant": "test2"}, tenant="default"),
    "get_tenant": Example(answer={"id": 2}),
    "list_tenants": Example(answer={"num_tenants": 2}, elements=({"tenant": "default"}, {"id": 2})),
    "delete_tenant": Example({"tenant": "default"}, _said("Tenant default deleted", num_deleted=2), tenant="default"),
    "update_tenant": Example(answer=_said("1 update(s) to tenant test completed, enabled = true")),
    "wipe_tenant": Example(answer=_said("Tenant test and dependencies wiped", num_deleted=7)),
    "create_host": Example(),
    "get_host": Example(after=("create_host",)),
    "list_hosts": Example(after=("create_host",)),
    "delete_host": Example(answer=_said("Host testhost1 -> 192.0.2.1 deleted in tenant test"), after=("create_host",)),
    "create_reservation": Example(_SHORT, _ENDS),
    "extend_reservation": Example(answer={**_ENDS, "resid": _CHILD}, after=("create_reservation",)),
    "get_reservation": Example(answer=_ENDS, after=("create_reservation",)),
    "delete_reservation": Example(answer=_said(f"Reservation {_RESID} deleted"), after=("create_reservation",)),
    "delete_related_reservations": Example(
        answer=_said(f"Reservation {_RESID} deleted along with all its children."), after=("create_reservation",)
    ),
}
