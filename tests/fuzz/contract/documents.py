"""The documents that the servers themselves tell, with what a machine cannot know: names that are seeded, and links."""

from typing import Any

import httpx

from app.seed import STANDARD_FINGERPRINT

from .oauth_document import oauth_document, tapis_document
from .right import RIGHT, Choices, told

Document = dict[str, Any]

CONTROL = "/_standin"
_KNOWN: dict[str, list[Any]] = {
    "tenant": ["test"],
    "client_id": ["testclient1"],
    "client_user_id": ["testuser1"],
    "tms_user_id": ["testuser1"],
    "host": ["testhost1"],
    "host_account": ["testhostaccount1"],
    "user": ["testhostaccount1"],
    "app_version": ["1.0"],
    "key_type": ["ed25519", "ecdsa", "rsa"],
    "public_key_fingerprint": [STANDARD_FINGERPRINT],
    "seqno": [1, 2],
    "id": [1, 2],
    "enabled": ["true", "false"],
}
_NASTY = [
    "\0",
    "a\0b",
    "INTERNAL ERROR:",
    "NOT_FOUND:",
    "' OR 1=1 --",
    "a'b",
    "~~admin",
    "\U0001f600",
    "%00",
    "x" * 3000,
]
_NUMBERS = ("seqno", "id", "enabled")
# What disables or empties the tenant that everything else needs; most of its requests are for another one.
_FATAL = ("update_tenant", "delete_tenant", "wipe_tenant")
_NEW = ["made1", "made2"]
_LONGEST_WAIT = 0.1  # seconds that a request to the journal may ask to wait
# Where the answer to one operation leads: operation, status, what follows it, what that takes from the answer.
_LINKS = (
    ("create_key", "201", "retrieve_key", ("public_key_fingerprint",)),
    ("create_key", "201", "create_reservation", ("public_key_fingerprint",)),
    ("create_key", "201", "delete_pubkey", ("public_key_fingerprint",)),
    ("create_key", "201", "update_pubkey", ("public_key_fingerprint",)),
    ("create_reservation", "201", "extend_reservation", ("parent_resid",)),
    ("create_reservation", "201", "get_reservation", ("resid",)),
    ("create_reservation", "201", "delete_related_reservations", ("resid",)),
    ("create_client", "201", "get_client", ("client_id",)),
    ("create_client", "201", "update_client", ("client_id",)),
    ("create_client", "201", "update_client_secret", ("client_id",)),
    ("create_client", "201", "delete_client", ("client_id",)),
    ("create_client", "201", "create_delegation", ("client_id",)),
    ("create_user_mfa", "201", "create_user_host", ("tms_user_id",)),
    ("create_user_mfa", "201", "get_user_mfa", ("tms_user_id",)),
    ("create_tenant", "201", "get_tenant", ("tenant",)),
    ("create_tenant", "201", "wipe_tenant", ("tenant",)),
)


def tms(url: str) -> Document:
    """Return /openapi.json of a server, its texts drawn from what is seeded and from what hurts."""
    document: Document = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    operations = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    schemas = document["components"]["schemas"]
    for operation in operations.values():
        operation.pop("security", None)  # Who asks is decided for each request (judge.py).
        names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] != "header"]
        operation |= told({name: _choices(name) for name in names if name in _KNOWN}, _bodies(operation, schemas))
    for name in _FATAL:
        for choices in (operations[name][RIGHT]["parameters"], *operations[name][RIGHT]["bodies"]):
            choices["tenant"] = [*_NEW * 4, "test"]
    for source, status, target, names in _LINKS:
        _lead(operations, source, status, target, names)
    return document


def _bodies(operation: Document, schemas: Document) -> list[Choices]:
    """Return a body of names that are seeded, or that others of these have made; now and then of one that hurts."""
    if "requestBody" not in operation:
        return []
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    members = schemas[reference.rpartition("/")[2]]["properties"]
    return [{name: _choices(name, kind["type"]) for name, kind in members.items()}]


def _choices(name: str, kind: str = "string") -> list[Any]:
    if kind == "boolean":
        return [True, False]
    if kind == "integer" and name not in _KNOWN:
        return [-1, 5, 60]
    known = _KNOWN.get(name, _NEW)
    new = [] if name == "tenant" else _NEW
    return [*known * 60, *new * 6, *_NASTY] if kind == "string" and name not in _NUMBERS else known


def _lead(operations: Document, source: str, status: str, target: str, names: tuple[str, ...]) -> None:
    in_place = {parameter["name"] for parameter in operations[target]["parameters"]}
    taken = {name: f"$response.body#/{name}" for name in names}
    link: Document = {"operationId": target, "parameters": {name: taken[name] for name in names if name in in_place}}
    body = {name: taken[name] for name in names if name not in in_place}
    links = operations[source]["responses"][status].setdefault("links", {})
    links[f"{source}-{target}"] = link | ({"requestBody": body} if body else {})


def control(url: str) -> Document:
    """Return the control plane's document. Nobody waits for long, and the endless stream of events is left out."""
    document: Document = httpx.get(f"{url}{CONTROL}/openapi.json").raise_for_status().json()
    del document["paths"]["/events"]
    for parameter in document["paths"]["/journal"]["get"]["parameters"]:
        if parameter["name"] == "timeout":
            parameter["schema"] = {"type": "number", "minimum": 0, "maximum": _LONGEST_WAIT}
            parameter["required"] = True
    upload = document["paths"]["/snapshots/{name}"]["put"]["requestBody"]
    upload["content"] = {"application/octet-stream": next(iter(upload["content"].values()))}
    wish = document["components"]["schemas"]["ResetWish"]["properties"]["seed"]
    wish["anyOf"] = [{"enum": ["standard", "empty"]}, *wish["anyOf"]]
    document["paths"] = {f"{CONTROL}{path}": each for path, each in document["paths"].items()}
    return document


MAKERS = {
    "TMS": tms,
    "control plane": control,
    "OAuth": lambda _url: oauth_document(),
    "OAuth, named issuer": lambda _url: oauth_document("nightly"),
    "Tapis": lambda _url: tapis_document(),
}
