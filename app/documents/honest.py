"""The OpenAPI document at /openapi.json: what really goes over the wire, headers and framework errors included.

It says only what OpenAPI 3.0 can say too, so that a Swagger UI that knows no 3.1 can show it (pages.py).
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi.openapi.utils import get_openapi

from .. import __version__
from ..call import ADMIN_ID, ADMIN_SECRET, CLIENT_ID, CLIENT_SECRET, TENANT
from ..declare import Gate, Int32, Operation
from ..records import ADMINISTRATOR_ID
from ..wire import Wire
from .examples import EXAMPLES, VALUES, Example, Named
from .schemas import ERROR, Kinds, kind_schema, kinds_of, reference_to, schema_of, structures_of

TITLE = "TMS stand-in"
JSON, TEXT = "application/json", "text/plain"

# Name in the document, header, and what the seed `standard` has.
CREDENTIALS = {
    "client_id": (CLIENT_ID, "testclient1"),
    "client_secret": (CLIENT_SECRET, "secret1"),
    "admin_id": (ADMIN_ID, ADMINISTRATOR_ID),
    "admin_secret": (ADMIN_SECRET, "adminsecret1"),
}
MEANINGS = {
    HTTPStatus.OK: "Done.",
    HTTPStatus.CREATED: "Made.",
    HTTPStatus.BAD_REQUEST: "Malformed, or refused by a check that comes before authorization.",
    HTTPStatus.UNAUTHORIZED: "Not authorized.",
    HTTPStatus.FORBIDDEN: "Not for this caller, or not in this state.",
    HTTPStatus.NOT_FOUND: "No such record.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The path with any other method.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not announced as JSON.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The database refused, or something failed.",
}
SENTENCES = {HTTPStatus.BAD_REQUEST: "Tenant not enabled.", HTTPStatus.NOT_FOUND: "NOT_FOUND"}
ABOUT = """Stands in for the TMS server, version {version}. Examples name the records of the seed `standard`.

An optional field may be `null`; unknown fields are ignored; a number or a boolean is taken for a string.
Where a client's and an administrator's credentials are sent and both are good, the caller is the client."""


def openapi_document(operations: Iterable[Operation], wire: Wire) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the API as it answers under a wire version."""
    operations, kinds = list(operations), kinds_of(wire)
    tags = [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)]
    document = get_openapi(
        title=TITLE,
        version=__version__,
        openapi_version="3.1.0",
        description=ABOUT.format(version=wire.version),
        routes=[],
        tags=tags,
    )
    for operation in operations:
        at_path = document["paths"].setdefault(operation.path, {})
        at_path[operation.method.lower()] = _operation(operation, EXAMPLES[operation.operation_id], kinds, wire)
    document["components"] = {
        "schemas": {
            name: {**schema_of(structure, kinds, wire), "description": structure.__doc__}
            for name, structure in structures_of(operations).items()
        },
        "securitySchemes": {name: _scheme(*credential) for name, credential in CREDENTIALS.items()},
    }
    return document


def _scheme(header: str, seeded: str) -> Named:
    return {"type": "apiKey", "in": "header", "name": header, "description": f"In the seed `standard`: `{seeded}`."}


def _operation(operation: Operation, example: Example, kinds: Kinds, wire: Wire) -> Named:
    entry: Named = {
        "operationId": operation.operation_id,
        "summary": operation.summary.rstrip("."),
        "tags": [operation.tag],
        "parameters": _parameters(operation, example, kinds),
        "responses": _responses(operation, example, wire),
    }
    if example.after:
        entry["description"] = f"The example needs what the example of {' and of '.join(example.after)} makes."
    if operation.body is not None:
        body = {"schema": reference_to(operation.body.__name__), "example": example.body(operation)}
        entry["requestBody"] = {"required": True, "content": {JSON: body}}
    if operation.gate.headers:
        entry["security"] = _security(operation.gate)
    return entry


def _parameters(operation: Operation, example: Example, kinds: Kinds) -> list[Named]:
    places = [(TENANT, "header", str)] if TENANT in operation.gate.headers else []
    places += [(name, "path", kind) for name, kind in operation.path_parameters.items()]
    places += [(name, "query", kind) for name, kind in operation.query_parameters.items()]
    values = {TENANT: example.tenant, **example.arguments(operation)}
    return [
        {
            "name": name,
            "in": place,
            "required": place != "query",
            "schema": kind_schema(kind, kinds),
            "example": values[name],
        }
        for name, place, kind in places
    ]


def _security(gate: Gate) -> list[dict[str, list[str]]]:
    """Return the alternatives: a client's pair of headers, an administrator's pair."""
    pairs = (("client_id", "client_secret"), ("admin_id", "admin_secret"))
    return [{name: [] for name in pair} for pair in pairs if CREDENTIALS[pair[0]][0] in gate.headers]


def _responses(operation: Operation, example: Example, wire: Wire) -> Named:
    contents: dict[int, Named] = {operation.status: _success(operation, example, wire)}
    for status in operation.statuses[1:]:
        contents[status] = {JSON: _refusal(operation, example, status)}
    for status, text in _framework_texts(operation).items():
        contents[status] = {**contents.get(status, {}), TEXT: {"schema": {"type": "string"}, "example": text}}
    return {
        str(status): {"description": MEANINGS[HTTPStatus(status)], "content": content}
        for status, content in sorted(contents.items())
    }


def _success(operation: Operation, example: Example, wire: Wire) -> Named:
    answer = example.success(operation, wire)
    if operation.reply is None:
        return {TEXT: {"schema": {"type": "string"}, "example": answer}}
    return {JSON: {"schema": reference_to(operation.reply.__name__), "example": answer}}


def _refusal(operation: Operation, example: Example, status: int) -> Named:
    """Return the envelope, with an example where one sentence can be foretold."""
    media_type: Named = {"schema": reference_to(ERROR)}
    foretold = {**SENTENCES, HTTPStatus.UNAUTHORIZED: operation.gate.deny, HTTPStatus.FORBIDDEN: operation.gate.differ}
    if foretold.get(HTTPStatus(status)):
        sentence = foretold[HTTPStatus(status)].format_map({**VALUES, **example.named})
        media_type["example"] = {"result_code": str(status), "result_msg": sentence}
    return media_type


def _framework_texts(operation: Operation) -> dict[int, str]:
    """Return the plain texts of what is refused before TMS sees it (contract 6.1 to 6.3)."""
    texts = {405: "method not allowed"}
    for name, kind in operation.path_parameters.items():
        cause = 'failed to parse "integer(int32)": invalid digit found in string'
        texts[400] = f"failed to parse path `{name}`: {cause}" if kind == Int32 else "invalid path params"
    if operation.body is not None:
        texts[400] = "parse request payload error: EOF while parsing an object at line 1 column 1"
        texts[415] = "the client request does not include the `Content-Type` header"
    return texts
