"""Every example of the honest document, sent to a fresh stand-in in the standard setup."""

import pytest
from openapi_schema_validator import OAS31Validator

from app.documents.examples import EXAMPLES
from app.documents.honest import openapi_document
from app.tms import OPERATIONS
from app.wire import WIRES

NAMES = [operation.operation_id for operation in OPERATIONS]
# What is new in every run, so that an example can only show its form.
NEW_EACH_TIME = {
    "admin_secret",
    "client_secret",
    "created",
    "private_key",
    "resid",
    "parent_resid",
    "updated",
}
NEW_OF_KEY = {"public_key", "public_key_fingerprint"}
NEW_EXPIRY = {"create_reservation", "extend_reservation", "get_reservation"}
FROM_NOW_ON = {
    "create_user_mfa",
    "create_user_host",
    "update_user_host",
    "create_delegation",
    "update_delegation",
}
RESID = EXAMPLES["create_reservation"].success(
    next(operation for operation in OPERATIONS if operation.operation_id == "create_reservation"), WIRES["0.3.0"]
)["resid"]

# An example that is the same in both versions is sent to the newer one alone.
CASES = [(name, "0.3.0") for name in NAMES] + [
    (operation.operation_id, "0.1.0")
    for operation in OPERATIONS
    if len({str(EXAMPLES[operation.operation_id].success(operation, wire)) for wire in WIRES.values()}) > 1
]


class Examples:
    """Sends examples as they stand in a document, nothing added but the credentials."""

    def __init__(self, client, document):
        self.client = client
        self.document = document
        self.resid = RESID
        self.found = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
        }

    async def send(self, name):
        """Return the answer; a reservation's id, which nobody can foretell, is that of the one made last."""
        method, path, operation = self.found[name]
        values = {"path": {}, "query": {}, "header": {}}
        for parameter in operation["parameters"]:
            values[parameter["in"]][parameter["name"]] = parameter["example"]
        url = path.format(**values["path"]).replace(RESID, self.resid)
        headers = {**values["header"], **self.credentials(operation)}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        body = {**body, "parent_resid": self.resid} if body and "parent_resid" in body else body
        answer = await self.client.request(method, url, params=values["query"], headers=headers, json=body)
        if name == "create_reservation":
            self.resid = answer.json()["resid"]
        return answer

    def credentials(self, operation):
        """Return the headers of all that Swagger UI is authorized with and the operation asks for."""
        schemes = self.document["components"]["securitySchemes"]
        asked = [name for alternative in operation.get("security", []) for name in alternative]
        return {schemes[name]["name"]: schemes[name]["description"].split("`")[3] for name in asked}


@pytest.mark.parametrize(("name", "version"), CASES)
async def test_the_example_is_true(client_for, name, version):
    """Status, keys, and every value that is not new each time are what the document shows."""
    document = openapi_document(OPERATIONS, WIRES[version])
    examples = Examples(await client_for(wire_version=version), document)
    for earlier in EXAMPLES[name].after:
        assert (await examples.send(earlier)).is_success
    answer = await examples.send(name)
    responses = examples.found[name][2]["responses"]
    assert str(answer.status_code) == next(iter(responses)), answer.text
    ((media_type, shown),) = responses[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    if media_type == "text/plain":
        assert answer.text == shown["example"]
        return
    check(document, shown["schema"], shown["example"])
    check(document, shown["schema"], answer.json())
    masked, expected = (without_news(name, value, examples.resid) for value in (answer.json(), shown["example"]))
    assert masked == expected


def check(document, schema, value):
    """Validate a value, and refuse what the schema does not name."""
    OAS31Validator({**schema, "components": document["components"]}).validate(value)
    declared = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
    assert value.keys() == declared.keys()


def without_news(name, value, resid):
    """Return an answer with the type in place of every value that is new each time."""
    if isinstance(value, list):
        return [without_news(name, element, resid) for element in value]
    if not isinstance(value, dict):
        return value.replace(resid, RESID) if isinstance(value, str) else value
    new = NEW_EACH_TIME | (NEW_OF_KEY if name == "create_key" else set())
    new |= {"expires_at"} if name in NEW_EXPIRY | FROM_NOW_ON else set()
    new |= {"expires_msg"}
    return {key: type(item).__name__ if key in new else without_news(name, item, resid) for key, item in value.items()}


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_the_example_fits_the_schema_of_its_body(operation):
    """Types, and every field of the body."""
    document = openapi_document(OPERATIONS, WIRES["0.3.0"])
    request = document["paths"][operation.path][operation.method.lower()].get("requestBody")
    assert (request is None) == (operation.body is None)
    if request is not None:
        media_type = request["content"]["application/json"]
        check(document, media_type["schema"], media_type["example"])


def test_each_operation_has_an_example_and_nothing_else_has():
    """An example whose operation is gone would lie unseen."""
    assert sorted(EXAMPLES) == sorted(NAMES)
