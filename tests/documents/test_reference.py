"""The reference's document, compared with what the real 0.3.0 server served, duplicated key included."""

import json
from pathlib import Path

import yaml

from app.documents.reference import ORDER, as_json, as_yaml, reference_document
from app.tms import OPERATIONS
from app.wire import WIRES

RECORDING = Path(__file__).parents[2] / "docs" / "contract" / "tms_server_spec.yml"
RECORDED_SERVERS = ["http://127.0.0.1:3000/v1"]


class StrictLoader(yaml.SafeLoader):
    """Reads a mapping as the list of its pairs, so that order and repeated keys are seen."""


StrictLoader.add_constructor(
    "tag:yaml.org,2002:map",
    lambda loader, node: [
        (loader.construct_object(key, deep=True), loader.construct_object(value, deep=True))
        for key, value in node.value
    ],
)


def made(version, server_urls=RECORDED_SERVERS):
    """Return our document of a wire version."""
    return reference_document(OPERATIONS, WIRES[version], server_urls)


def pairs_of_json(text):
    """Return JSON with every object as the list of its pairs."""
    return json.loads(text, object_pairs_hook=list)


def pairs_of_yaml(text):
    """Return YAML with every mapping as the list of its pairs."""
    return yaml.load(text, StrictLoader)


def test_yaml_is_the_recording_byte_for_byte():
    """The real server's text, with its own `servers`."""
    assert as_yaml(made("0.3.0")).decode() == RECORDING.read_text("utf-8")


def test_json_says_the_same_in_the_same_order():
    """Pairs, not objects, are compared: order and the repeated key count."""
    recorded = pairs_of_yaml(RECORDING.read_text("utf-8"))
    assert pairs_of_json(as_json(made("0.3.0"))) == recorded
    paths = [path for path, _ in dict(recorded)["paths"]]
    assert paths.count("/tms/tenants/{tenant}") == 2
    assert len(paths) == len(OPERATIONS) == 44


def test_a_missing_second_key_would_be_seen():
    """The comparison is strict: the same document read by an ordinary reader differs."""
    text = as_json(made("0.3.0")).decode()
    merged = json.dumps(json.loads(text))
    assert pairs_of_json(merged) != pairs_of_json(text)
    assert len(json.loads(text)["paths"]) == 43


def test_json_is_indented_by_two_spaces_and_ends_without_a_newline():
    """The layout of contract 1.1."""
    text = as_json(made("0.3.0")).decode()
    assert text.startswith('{\n  "openapi": "3.0.0",\n  "info": {\n    "title": "TMS Server",\n')
    assert '\n  "tags": [],\n' in text
    assert text.endswith("}\n  }\n}")


def test_servers_are_the_settings_own():
    """In order, not escaped, in both forms."""
    urls = ["https://tms.example/v1", "http://höst/v1"]
    expected = [[("url", url)] for url in urls]
    assert dict(pairs_of_json(as_json(made("0.3.0", urls))))["servers"] == expected
    text = as_yaml(made("0.3.0", urls)).decode()
    assert "servers:\n- url: https://tms.example/v1\n- url: http://höst/v1\n" in text


def test_0_1_0_differs_in_what_the_contract_names_and_in_nothing_else():
    """Version literal, plain timestamps, enabled as a number in singles, the name of the new expiry (section 4)."""
    newer, older = (json.loads(as_json(made(version))) for version in ("0.3.0", "0.1.0"))
    assert older["info"].pop("version") == "0.1.0"
    newer["info"].pop("version")
    for name, schema in newer["components"]["schemas"].items():
        for field, kind in schema["properties"].items():
            if kind.get("format") == "date-time":
                schema["properties"][field] = {"type": "string"}
        if name in ("RespGetClient", "RespGetUserMfa", "RespGetTenants"):
            schema["properties"]["enabled"] = {"type": "integer", "format": "int32"}
        if name in ("RespUpdateUserHosts", "RespUpdateDelegations"):
            schema["required"][-1] = "expires_at"
            schema["properties"]["expires_at"] = schema["properties"].pop("expires_msg")
    assert json.dumps(older) == json.dumps(newer)


def test_every_operation_has_its_place_in_the_order():
    """One that is missing would vanish from the document without a word."""
    assert sorted(ORDER) == sorted(operation.operation_id for operation in OPERATIONS)
