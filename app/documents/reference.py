"""The OpenAPI document that the real server serves at /spec and /spec_yaml, made anew from the operations.

It keeps the reference's order, its gaps and its repeated key (contract 1.1); what is true stands in honest.py.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from ..declare import DateTime, Operation
from ..wire import Wire
from .schemas import ERROR, KINDS, Kinds, kind_schema, kinds_of, reference_to, schema_of, structures_of

JSON, TEXT = "application/json; charset=utf-8", "text/plain; charset=utf-8"
BASE = "/v1"

# The reference declares its operations in this order, which is not the order of ours.
ORDER = """
hello create_key retrieve_key get_version
create_client get_client update_client delete_client update_client_secret list_clients
create_user_mfa get_user_mfa update_user_mfa delete_user_mfa list_user_mfa
get_pubkey list_pubkeys delete_pubkey update_pubkey
create_user_host get_user_host list_user_hosts delete_user_host update_user_host
create_delegation get_delegation list_delegations delete_delegation update_delegation
create_tenant get_tenant list_tenants delete_tenant update_tenant wipe_tenant
create_host get_host delete_host list_hosts
get_reservation delete_reservation create_reservation extend_reservation delete_related_reservations
""".split()  # noqa: SIM905 - ten lines in place of forty-six


class Key(str):
    """A key that equals itself alone, since the reference writes the path /tms/tenants/{tenant} twice."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def reference_document(operations: Iterable[Operation], wire: Wire, server_urls: Iterable[str]) -> dict[str, Any]:
    """Return the document of a wire version; the keys of `paths` are of type Key."""
    known = {operation.operation_id: operation for operation in operations}
    in_order = [known[name] for name in ORDER]
    kinds = _declared_kinds(wire)
    return {
        "openapi": "3.0.0",
        "info": {"title": "TMS Server", "version": wire.version},
        "servers": [{"url": url} for url in server_urls],
        "tags": [],
        "paths": {
            Key(operation.path.removeprefix(BASE)): {operation.method.lower(): _operation(operation, kinds)}
            for operation in in_order
        },
        "components": {
            "schemas": {name: schema_of(structure, kinds, wire) for name, structure in structures_of(in_order).items()}
        },
    }


def as_json(document: dict[str, Any]) -> bytes:
    """Return the text of /spec: two spaces, no newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def as_yaml(document: dict[str, Any]) -> bytes:
    """Return the text of /spec_yaml."""
    import yaml  # Few ask for it, and the start need not pay for it.

    class Writer(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # libyaml's, where it is built in
        """A writer that knows Key."""

    Writer.add_representer(Key, lambda writer, key: writer.represent_str(str(key)))
    text: str = yaml.dump(document, Dumper=Writer, sort_keys=False, allow_unicode=True, width=2**30)
    return text.encode()


def _declared_kinds(wire: Wire) -> Kinds:
    """Return the types as the release declares them: 0.1.0 calls its timestamps plain strings (contract section 4)."""
    kinds = kinds_of(wire)
    return {**kinds, DateTime: KINDS[str]} if wire.version == "0.1.0" else kinds


def _operation(operation: Operation, kinds: Kinds) -> dict[str, Any]:
    parameters = [
        _parameter(name, kind, place, kinds)
        for place, named in (("path", operation.path_parameters), ("query", operation.query_parameters))
        for name, kind in named.items()
    ]
    entry: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if operation.body is not None:
        entry["requestBody"] = {"content": _json(operation.body.__name__), "required": True}
    entry["responses"] = {
        str(status): {"description": "", "content": _content(operation, status, kinds)} for status in operation.statuses
    }
    return entry


def _parameter(name: str, kind: Any, place: str, kinds: Kinds) -> dict[str, Any]:
    schema = kind_schema(kind, kinds)
    return {
        "name": name,
        "schema": schema,
        "in": place,
        "required": place == "path",
        "deprecated": False,
        "explode": True,
    }


def _content(operation: Operation, status: int, kinds: Kinds) -> dict[str, Any]:
    if status >= HTTPStatus.BAD_REQUEST:
        return _json(ERROR)
    if operation.reply is None:
        return {TEXT: {"schema": dict(kinds[str])}}
    return _json(operation.reply.__name__)


def _json(name: str) -> dict[str, Any]:
    return {JSON: {"schema": reference_to(name)}}
