"""The honest document: valid, whole, and true in what it says of each operation's gate and refusals."""

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator, validate

from app.documents.honest import openapi_document
from app.main import create_app
from app.settings import Settings
from app.tms import OPERATIONS
from app.wire import WIRES

NAMES = [operation.operation_id for operation in OPERATIONS]
DOCUMENT = openapi_document(OPERATIONS, WIRES["0.3.0"])
CLIENT, ADMIN = {"client_id": [], "client_secret": []}, {"admin_id": [], "admin_secret": []}


def entry(name):
    """Return what the document says of an operation."""
    operation = next(operation for operation in OPERATIONS if operation.operation_id == name)
    return DOCUMENT["paths"][operation.path][operation.method.lower()]


@pytest.mark.parametrize(
    ("version", "openapi", "validator"),
    [
        ("0.3.0", "3.1.0", OpenAPIV31SpecValidator),
        ("0.1.0", "3.1.0", OpenAPIV31SpecValidator),
        ("0.3.0", "3.0.3", OpenAPIV30SpecValidator),
    ],
)
def test_the_document_is_valid_openapi(version, openapi, validator):
    """3.1 is what is served; 3.0 is what the packaged Swagger UI has to be told."""
    document = openapi_document(OPERATIONS, WIRES[version])
    assert document["openapi"] == "3.1.0"
    validate({**document, "openapi": openapi}, cls=validator)


def test_the_document_can_be_asked_for_again():
    """What was handed out is the caller's own; the next one does not know of it."""
    documents = [openapi_document(OPERATIONS, WIRES["0.3.0"]) for _ in range(2)]
    documents[0]["paths"].clear()
    assert documents[1] == DOCUMENT


def test_the_application_itself_answers_it():
    """FastAPI's own method, which tools call, tells the same."""
    settings = Settings(database="sqlite://", wire_version="0.1.0")
    assert create_app(settings).openapi() == openapi_document(OPERATIONS, WIRES["0.1.0"])


def test_every_operation_is_there_once_with_its_name_and_tag():
    """44 operations, method and path as they are served."""
    described = {
        (method.upper(), path): (operation["operationId"], operation["tags"])
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    assert described == {
        (operation.method, operation.path): (operation.operation_id, [operation.tag]) for operation in OPERATIONS
    }
    assert len(set(NAMES)) == len(NAMES) == 44


@pytest.mark.parametrize(
    ("name", "security", "tenant"),
    [
        ("hello", None, None),
        ("create_client", None, None),
        ("retrieve_key", None, None),
        ("get_tenant", None, None),
        ("create_key", [CLIENT], "test"),
        ("get_client", [CLIENT, ADMIN], "test"),
        ("delete_pubkey", [CLIENT, ADMIN], "test"),
        ("list_user_mfa", [ADMIN], "test"),
        ("create_tenant", [ADMIN], "default"),
    ],
)
def test_headers_are_those_of_the_gate(name, security, tenant):
    """Credentials are security schemes, the tenant is a parameter."""
    headers = [parameter for parameter in entry(name)["parameters"] if parameter["in"] == "header"]
    expected = {"name": "X-TMS-TENANT", "in": "header", "required": True, "schema": {"type": "string"}}
    assert entry(name).get("security") == security
    assert headers == ([{**expected, "example": tenant}] if tenant else [])


def test_security_schemes_are_the_four_headers():
    """Each an API key in a header."""
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme["in"], scheme["name"]) for name, scheme in schemes.items()} == {
        "client_id": ("apiKey", "header", "X-TMS-CLIENT-ID"),
        "client_secret": ("apiKey", "header", "X-TMS-CLIENT-SECRET"),
        "admin_id": ("apiKey", "header", "X-TMS-ADMIN-ID"),
        "admin_secret": ("apiKey", "header", "X-TMS-ADMIN-SECRET"),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hello", {"200": ["text"], "405": ["text"]}),
        ("get_version", {"200": ["json"], "405": ["text"], "500": ["json"]}),
        (
            "list_clients",
            {"200": ["json"], "400": ["json"], "401": ["json"], "405": ["text"], "500": ["json"]},
        ),
        (
            "get_tenant",
            {"200": ["json"], "400": ["text"], "404": ["json"], "405": ["text"], "500": ["json"]},
        ),
        (
            "create_key",
            {
                "201": ["json"],
                "400": ["json", "text"],
                "401": ["json"],
                "403": ["json"],
                "405": ["text"],
                "415": ["text"],
                "500": ["json"],
            },
        ),
        (
            "get_user_host",
            {
                "200": ["json"],
                "400": ["json", "text"],
                "401": ["json"],
                "404": ["json"],
                "405": ["text"],
                "500": ["json"],
            },
        ),
    ],
)
def test_answers_are_those_that_occur(name, expected):
    """Status by status, in JSON by TMS and in plain text by the framework in front of it."""
    short = {"application/json": "json", "text/plain": "text"}
    answers = entry(name)["responses"]
    found = {status: sorted(short[media] for media in answer["content"]) for status, answer in answers.items()}
    assert found == expected


SUCCESS = {"200", "201"}
TEXTS = [
    (name, status, answer["content"]["text/plain"]["example"])
    for name in NAMES
    for status, answer in entry(name)["responses"].items()
    if "text/plain" in answer["content"] and status not in SUCCESS
]


def provoking(status, method, path, parameters):
    """Return a request that a framework's refusal of this kind answers."""
    values = {parameter["name"]: "abc" for parameter in parameters if parameter["schema"].get("format")}
    filled = path.format_map({"tenant": "%FF", "client_id": "%FF", "tms_user_id": "%FF", "resid": "x", **values})
    if status == "405":
        return ("OPTIONS", path, {})
    json_body = {"content": b"{", "headers": {"content-type": "application/json"}}
    return (method, filled, json_body if status == "400" else {})


async def test_the_plain_texts_are_true(client):
    """Each text that the document shows is what that very operation answers to such a request."""
    where = {
        operation["operationId"]: (method.upper(), path, operation["parameters"])
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    for name, status, text in TEXTS:
        method, url, extra = provoking(status, *where[name])
        answer = await client.request(method, url, **extra)
        assert (name, str(answer.status_code), answer.text) == (name, status, text)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_refusals_of_strangers_are_true(client):
    """The sentence that stands at 401 is what a caller with wrong credentials gets for the example's request."""
    wrong = {scheme["name"]: "wrong" for scheme in DOCUMENT["components"]["securitySchemes"].values()}
    for operation in (operation for operation in OPERATIONS if operation.gate.deny):
        described = entry(operation.operation_id)
        values = {parameter["name"]: parameter["example"] for parameter in described["parameters"]}
        body = described.get("requestBody", {"content": {"application/json": {}}})["content"]["application/json"]
        headers = {**wrong, "X-TMS-TENANT": values["X-TMS-TENANT"]}
        url = operation.path.format_map(values)
        answer = await client.request(operation.method, url, headers=headers, json=body.get("example"))
        shown = described["responses"]["401"]["content"]["application/json"]["example"]
        if operation.operation_id in SENTENCES_WITH_THE_HEADERS_CLIENT:
            shown = {**shown, "result_msg": shown["result_msg"].replace("client testclient1", "client wrong")}
        assert (operation.operation_id, answer.json()) == (operation.operation_id, shown)


# Their sentence names the client of the header, which is not the example's here.
SENTENCES_WITH_THE_HEADERS_CLIENT = {"create_key", "create_reservation", "extend_reservation"}
