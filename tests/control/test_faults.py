"""Fault rules as calls: what is set, shown and refused. What the rules do is tested in tests/faults/."""

import pytest
from openapi_schema_validator import OAS31Validator

from tests.control.conftest import problem
from tests.control.test_plane import document, true

FAULTS, VERSION, HELLO = "/_standin/faults", "/v1/tms/version", "/v1/tms/hello"
TEAPOT = {"status": 418}
NOTHING = {"rules": []}
DEED = (
    "must be an object of one of status, delay_ms, delay, close, reset, cut_after_bytes, hang and database_down; "
    "status may have body and headers beside it"
)
MILLISECONDS = "must be milliseconds, above 0, 3600000 at most"
HEADERS = "must be texts by their headers' names, without Content-Length and Transfer-Encoding"
NUMBERS = "must be Unicode, its numbers finite"
LARGEST = 2**53


async def put(standin, wish):
    """Return the answer to a document."""
    return await standin.http.put(FAULTS, json=wish)


async def shown(standin):
    """Return what is set."""
    answer = await standin.http.get(FAULTS)
    assert answer.status_code == 200
    return answer.json()


async def test_nothing_is_set_at_first(standin):
    """An empty list, and a request costs nothing."""
    assert await shown(standin) == NOTHING
    assert standin.parts.steering.is_calm


async def test_what_is_set_is_shown(standin):
    """As it was given, with the counts of each rule, by both calls."""
    rules = [
        {
            "operation": "get_version",
            "client_id": "a",
            "tenant": "b",
            "count": 9,
            "every": 3,
            "probability": 0.5,
            "do": TEAPOT,
        },
        {"do": {"status": 200, "body": {"a": None}, "headers": {"X-A": "b"}}, "operation": "POST /oauth2/token"},
        {"do": {"delay": {"log_normal": {"median_ms": 20, "p99_ms": 400}}}},
        {"do": {"close": True}},
    ]
    expected = {"seed": 1, "rules": [{**rule, "matched": 0, "struck": 0} for rule in rules]}
    answer = await put(standin, {"seed": 1, "rules": rules})
    assert (answer.status_code, answer.json()) == (200, expected)
    assert await shown(standin) == expected
    assert not standin.parts.steering.is_calm


async def test_counts_are_shown(standin):
    """How many requests a rule looked at and found to be meant, and how many it struck."""
    await put(standin, {"rules": [{"operation": "get_version", "every": 2, "do": TEAPOT}]})
    for path in (VERSION, VERSION, VERSION, HELLO):
        await standin.http.get(path)
    [rule] = (await shown(standin))["rules"]
    assert (rule["matched"], rule["struck"]) == (3, 1)


@pytest.mark.parametrize("name", ["hang-0.1.0", "dev-server"])
async def test_a_scenario_is_shown(standin, name):
    """With its counts."""
    expected = {"seed": 0, "scenario": name, "rules": [], "matched": 0, "struck": 0}
    assert (await put(standin, {"scenario": name})).json() == expected
    assert await shown(standin) == expected


async def test_rules_are_removed(standin):
    """Whatever was set; nothing to remove is fine."""
    await put(standin, {"rules": [{"do": TEAPOT}]})
    assert (await standin.http.get(VERSION)).status_code == 418
    for _ in range(2):
        answer = await standin.http.delete(FAULTS)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await shown(standin) == NOTHING
        assert (await standin.http.get(VERSION)).status_code == 200
    assert standin.parts.steering.is_calm


async def test_a_reset_removes_them(standin):
    """The next test finds none."""
    await put(standin, {"rules": [{"do": TEAPOT}]})
    assert (await standin.http.post("/_standin/reset")).status_code == 200
    assert await shown(standin) == NOTHING
    assert (await standin.http.get(VERSION)).status_code == 200


def rule(**members):
    """Return a document with one rule."""
    return {"rules": [{"do": TEAPOT, **members}]}


def deed(**members):
    """Return a document with one deed."""
    return {"rules": [{"do": members}]}


WRONG = [
    ({}, "rules", "is missing; it must be a list of 1 to 60 rules, where there is no scenario"),
    ({"rules": []}, "rules", "must be a list of 1 to 60 rules, where there is no scenario"),
    ({"rules": {}}, "rules", "must be a list of 1 to 60 rules, where there is no scenario"),
    (
        {"rules": [{"do": TEAPOT, "operation": "hello"}] * 61},
        "rules",
        "must be a list of 1 to 60 rules, where there is no scenario",
    ),
    ({"rules": [7]}, "rules.0", "must be an object"),
    ({"seed": -1, **rule()}, "seed", "must be an integer from 0 to 9007199254740992"),
    ({"seed": 1.5, **rule()}, "seed", "must be an integer from 0 to 9007199254740992"),
    ({"seed": LARGEST + 1, **rule()}, "seed", "must be an integer from 0 to 9007199254740992"),
    ({"seeds": 1, **rule()}, "seeds", "is not known here; known are seed, rules"),
    ({"scenario": "hang"}, "scenario", 'must be "hang-0.1.0" or "dev-server"'),
    ({"scenario": None}, "scenario", 'must be "hang-0.1.0" or "dev-server"'),
    ({"scenario": "dev-server", **rule()}, "rules", "is not known here; known are seed, scenario"),
    ({"rules": [{}]}, "rules.0.do", f"is missing; it {DEED}"),
    (rule(do={}), "rules.0.do", DEED),
    (rule(do="hang"), "rules.0.do", DEED),
    (rule(do={"explode": True}), "rules.0.do", DEED),
    (rule(do={"hang": True, "close": True}), "rules.0.do.hang", "is not known here; known are close"),
    (
        rule(do={"status": 500, "delay_ms": 1}),
        "rules.0.do.delay_ms",
        "is not known here; known are status, body, headers",
    ),
    (
        rule(path="/v1"),
        "rules.0.path",
        "is not known here; known are operation, client_id, tenant, count, every, probability, do",
    ),
    (rule(client_id=""), "rules.0.client_id", "must be a text, neither empty nor with a NUL"),
    (rule(tenant="a\0"), "rules.0.tenant", "must be a text, neither empty nor with a NUL"),
    (rule(tenant=7), "rules.0.tenant", "must be a text, neither empty nor with a NUL"),
    (rule(count=0), "rules.0.count", "must be an integer from 1 on"),
    (rule(count=True), "rules.0.count", "must be an integer from 1 on"),
    (rule(every=0), "rules.0.every", "must be an integer from 1 on"),
    (rule(every="2"), "rules.0.every", "must be an integer from 1 on"),
    (rule(probability=0), "rules.0.probability", "must be a number above 0, 1 at most"),
    (rule(probability=1.01), "rules.0.probability", "must be a number above 0, 1 at most"),
    (deed(status=199), "rules.0.do.status", "must be an integer from 200 to 599"),
    (deed(status=600), "rules.0.do.status", "must be an integer from 200 to 599"),
    (deed(status="500"), "rules.0.do.status", "must be an integer from 200 to 599"),
    (deed(status=204, body=""), "rules.0.do", "must have no body with status 204, 205 and 304"),
    (deed(status=200, headers=[]), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"": "a"}), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"a b": "a"}), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"a": "b\r\nc: d"}), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"a": "\u20ac"}), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"content-LENGTH": "1"}), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"Transfer-Encoding": "chunked"}), "rules.0.do.headers", HEADERS),
    (deed(status=200, headers={"a": 1}), "rules.0.do.headers.a", HEADERS),
    (deed(delay_ms=0), "rules.0.do.delay_ms", MILLISECONDS),
    (deed(delay_ms=3_600_001), "rules.0.do.delay_ms", MILLISECONDS),
    (deed(delay_ms="1"), "rules.0.do.delay_ms", MILLISECONDS),
    (deed(delay=5), "rules.0.do.delay", "must be an object of one of fixed_ms, uniform and log_normal"),
    (deed(delay={"normal": 1}), "rules.0.do.delay", "must be an object of one of fixed_ms, uniform and log_normal"),
    (deed(delay={"fixed_ms": -1}), "rules.0.do.delay.fixed_ms", MILLISECONDS),
    (deed(delay={"uniform": 5}), "rules.0.do.delay.uniform", "must be an object of from_ms and to_ms"),
    (
        deed(delay={"uniform": {"to_ms": 5}}),
        "rules.0.do.delay.uniform.from_ms",
        "is missing; it must be milliseconds, from 0 to 3600000",
    ),
    (
        deed(delay={"uniform": {"from_ms": 5, "to_ms": 5}}),
        "rules.0.do.delay.uniform",
        "must have a from_ms below its to_ms",
    ),
    (
        deed(delay={"uniform": {"from_ms": 1, "to_ms": 5, "step": 1}}),
        "rules.0.do.delay.uniform.step",
        "is not known here; known are from_ms, to_ms",
    ),
    (
        deed(delay={"log_normal": {"median_ms": 6, "p99_ms": 5}}),
        "rules.0.do.delay.log_normal",
        "must have a median_ms below its p99_ms",
    ),
    (deed(delay={"log_normal": {"median_ms": 0, "p99_ms": 5}}), "rules.0.do.delay.log_normal.median_ms", MILLISECONDS),
    (deed(close=False), "rules.0.do.close", "must be true"),
    (deed(reset=1), "rules.0.do.reset", "must be true"),
    (deed(hang="forever"), "rules.0.do.hang", "must be true"),
    (deed(cut_after_bytes=-1), "rules.0.do.cut_after_bytes", "must be an integer from 0 on"),
    (deed(cut_after_bytes=1.5), "rules.0.do.cut_after_bytes", "must be an integer from 0 on"),
    (deed(database_down=False), "rules.0.do.database_down", 'must be true, "authorization" or "dependencies"'),
    (deed(database_down=1), "rules.0.do.database_down", 'must be true, "authorization" or "dependencies"'),
    (deed(database_down="tenant"), "rules.0.do.database_down", 'must be true, "authorization" or "dependencies"'),
]
IMPOSSIBLE = [
    (rule(count=2, every=3), "rules.0.every", "it must not be greater than count, the matches that are looked at"),
    (
        rule(operation="POST /oauth2/token", tenant="test"),
        "rules.0.tenant",
        "only operations of TMS carry X-TMS-TENANT",
    ),
    (
        rule(operation="hello", do={"database_down": True}),
        "rules.0.do.database_down",
        "this operation asks no database",
    ),
    (
        rule(operation="GET /v3/oauth2/hello", do={"database_down": True}),
        "rules.0.do.database_down",
        "this operation asks no database",
    ),
    ({"rules": [{"do": TEAPOT}, {"do": TEAPOT}]}, "rules.1", "rules.0 takes every such request"),
    (
        {
            "rules": [
                {"do": {"delay_ms": 1}},
                {"operation": "hello", "every": 1, "probability": 1, "do": {"hang": True}},
                {"operation": "GET /v1/tms/hello", "tenant": "test", "do": TEAPOT},
            ]
        },
        "rules.2",
        "rules.1 takes every such request",
    ),
    (
        {"rules": [{"tenant": "test", "do": TEAPOT}, {"tenant": "test", "client_id": "a", "do": TEAPOT}]},
        "rules.1",
        "rules.0 takes every such request",
    ),
]


async def test_wrong_documents_are_refused(standin):
    """The field and what it takes are named; the rules that were set stay, with their counts."""
    await put(standin, rule(operation="get_version", count=2))
    await standin.http.get(VERSION)
    before = await shown(standin)
    for wish, field, detail in [*WRONG, *((wish, field, f"can never match: {why}") for wish, field, why in IMPOSSIBLE)]:
        answer = await put(standin, wish)
        errors = [{"field": field, "detail": detail}]
        problem(answer, 422, "Unprocessable Entity", f"{field} {detail}.", errors=errors)
        assert await shown(standin) == before
    assert [(await standin.http.get(VERSION)).status_code for _ in range(2)] == [418, 200]


POSSIBLE = [
    rule(count=3, every=3),
    rule(tenant="test"),
    rule(operation="get_client", do={"database_down": True}),
    rule(do={"database_down": "authorization"}),
    rule(operation="POST /oauth2/token", client_id="a", do={"database_down": True}),
    {"rules": [{"do": {"delay": {"fixed_ms": 1}}}, {"do": TEAPOT}]},
    {"rules": [{"count": 1, "do": TEAPOT}, {"do": TEAPOT}]},
    {"rules": [{"every": 2, "do": TEAPOT}, {"do": TEAPOT}]},
    {"rules": [{"probability": 0.5, "do": TEAPOT}, {"do": TEAPOT}]},
    {"rules": [{"operation": "hello", "do": TEAPOT}, {"operation": "get_version", "do": TEAPOT}, {"do": TEAPOT}]},
    {"rules": [{"client_id": "a", "do": TEAPOT}, {"client_id": "b", "do": TEAPOT}, {"tenant": "a", "do": TEAPOT}]},
    {"rules": [{"count": 1, "do": TEAPOT}] * 60},
    deed(delay={"uniform": {"from_ms": 0, "to_ms": 1}}),
    deed(status=204),
    deed(status=200, body=None),
    deed(status=200, body=10**30),
    deed(status=200, headers={"a": "", "X-B": "caf\xe9 \t!"}),
    deed(cut_after_bytes=0),
    {"seed": LARGEST, "scenario": "dev-server"},
]


async def test_documents_that_are_not_wrong(standin):
    """They are set, and shown with their counts."""
    for wish in POSSIBLE:
        answer = await put(standin, wish)
        assert answer.status_code == 200, answer.text
        assert await shown(standin) == answer.json()
        assert len(answer.json()["rules"]) == len(wish.get("rules", ()))


async def test_every_wrong_field_is_named(standin):
    """At once, each in its rule."""
    wish = {"seed": "1", "rules": [{"count": 0, "do": TEAPOT}, {"do": {"status": 1}}]}
    fields = [error["field"] for error in (await put(standin, wish)).json()["errors"]]
    assert fields == ["seed", "rules.0.count", "rules.1.do.status"]
    wish = {"rules": [{"operation": "a", "do": TEAPOT}, {"count": 1, "every": 2, "do": TEAPOT}]}
    fields = [error["field"] for error in (await put(standin, wish)).json()["errors"]]
    assert fields == ["rules.0.operation", "rules.1.every"]


@pytest.mark.parametrize(
    "name", ["getversion", "GET_VERSION", "get /v1/tms/version", "GET /v1/tms/version/", "", "PUT /device"]
)
async def test_an_operation_that_nobody_serves(standin, name):
    """Every accepted name is told."""
    answer = await put(standin, rule(operation=name))
    [error] = answer.json()["errors"]
    start, _, accepted = error["detail"].partition(", one of: ")
    assert (answer.status_code, error["field"]) == (422, "rules.0.operation")
    assert start == "must be an operationId, or a method and a path template"
    assert {"get_version", "GET /v1/tms/version", "POST /oauth2/token", "POST /v3/oauth2/tokens"} < set(
        accepted.split(", ")
    )
    assert await shown(standin) == NOTHING


@pytest.mark.parametrize(
    "body",
    [b'{"rules": [{"do": {"status": 200, "body": NaN}}]}', b'{"rules": [{"do": {"status": 200, "body": [1e999]}}]}'],
)
async def test_a_number_that_json_does_not_have(standin, body):
    """Python's reader takes it, the call does not."""
    answer = await standin.http.put(FAULTS, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, f"rules.0.do.body {NUMBERS}.")
    assert await shown(standin) == NOTHING


@pytest.mark.parametrize(
    "body",
    [
        b'{"rules": [{"do": {"status": 200, "body": "\\ud800"}}]}',
        b'{"rules": [{"tenant": "\\ud800", "do": {"close": true}}]}',
    ],
)
async def test_a_text_that_is_no_unicode(standin, body):
    """Half of a surrogate pair can be in no answer and no header."""
    answer = await standin.http.put(FAULTS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert await shown(standin) == NOTHING


@pytest.mark.parametrize(
    ("body", "kind", "status", "title", "detail"),
    [
        (b"{", "application/json", 400, "Bad Request", "The body is not valid JSON."),
        (
            b'{"rules": []}',
            "text/plain",
            415,
            "Unsupported Media Type",
            "The body must be JSON, with the header Content-Type: application/json.",
        ),
    ],
)
async def test_a_body_that_is_no_json(standin, body, kind, status, title, detail):
    """It is told apart from a wrong document."""
    answer = await standin.http.put(FAULTS, content=body, headers={"content-type": kind})
    problem(answer, status, title, detail)


@pytest.mark.parametrize("body", [b"[]", b"7", b'"hang-0.1.0"'])
async def test_a_body_that_is_no_object(standin, body):
    """The whole body is to blame."""
    answer = await standin.http.put(FAULTS, content=body, headers={"content-type": "application/json"})
    errors = [{"field": "body", "detail": "must be a JSON object"}]
    problem(answer, 422, "Unprocessable Entity", "body must be a JSON object.", errors=errors)


async def test_the_document_describes_the_calls(standin):
    """Answers and refusals are what it promises."""
    told = await document(standin)
    true(told, "/faults", "get", await standin.http.get(FAULTS))
    for wish in (*POSSIBLE, {}):
        true(told, "/faults", "put", await put(standin, wish))
        true(told, "/faults", "get", await standin.http.get(FAULTS))


BEYOND_SCHEMAS = [
    deed(status=204, body=""),
    *(
        deed(status=200, headers={name: value})
        for name, value in [("", "a"), ("a b", "a"), ("a", "b\r\nc: d"), ("a", "\u20ac")]
    ),
    deed(status=200, headers={"content-LENGTH": "1"}),
    deed(status=200, headers={"Transfer-Encoding": "chunked"}),
    deed(delay={"uniform": {"from_ms": 5, "to_ms": 5}}),
    deed(delay={"log_normal": {"median_ms": 6, "p99_ms": 5}}),
]


async def test_the_document_describes_the_body(standin):
    """What is taken fits, and what is refused for its shape does not, but where JSON schema has no word for it."""
    told = await document(standin)
    body = told["paths"]["/faults"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    validator = OAS31Validator({**body, "components": told["components"]})
    assert [wish for wish in POSSIBLE if not validator.is_valid(wish)] == []
    assert [wish for wish, _, _ in WRONG if validator.is_valid(wish)] == BEYOND_SCHEMAS
