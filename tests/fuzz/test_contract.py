"""The short form of the servers' part of `make fuzz`, and that it finds faults that are known."""

import json
import re
from dataclasses import replace

import httpx
import pytest
from openapi_spec_validator import validate

from app.oauth.endpoints import PAGES, PROTOCOL
from app.tapis.endpoints import ENDPOINTS
from app.tms import OPERATIONS
from tests.fuzz.contract import documents, feeding, judge, wire
from tests.fuzz.contract.allowed import DROPPED, NAMED, PREFIX, Setup, may_drop, section_of
from tests.fuzz.contract.driving import Driver
from tests.fuzz.contract.oauth_document import oauth_document, tapis_document
from tests.servers import running

D1 = f'{PREFIX}column "updated" is of type timestamp with time zone but expression is of type text'
UNHURRIED = 60.0
HELLO = "/v1/tms/hello"


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    """A server that is fed, and whose log is clean in the end."""
    with running(tmp_path_factory.mktemp("fuzz"), **feeding.SETTINGS) as server:
        yield server
    assert feeding.read(server).finds == ()


def driven(server, name, setup, every, document=None):
    """Return the finds of one round, and how many requests it had."""
    asking = judge.Judge(server.url, setup, with_callers=name == "TMS")
    driver = Driver(document or documents.MAKERS[name](server.url), asking, set())
    finds = list(driver.drive(1, 1, every))
    asking.close()
    return finds, asking.count


@pytest.mark.parametrize(
    ("name", "setup", "every"),
    [
        ("TMS", Setup("0.3.0", "real", True), 4),
        ("control plane", Setup(), 3),
        ("OAuth", Setup("0.1.0", "intended", False), 4),
        ("Tapis", Setup(), 5),
    ],
)
def test_made_up_requests(fed, monkeypatch, name, setup, every):
    """The same ones in every run; how long an answer takes is for the command to judge."""
    monkeypatch.setattr(judge, "SLOW_SECONDS", UNHURRIED)
    monkeypatch.setattr(judge, "RSA_SECONDS", UNHURRIED)
    feeding.set_up(fed, setup)
    finds, count = driven(fed, name, setup, every)
    assert finds == []
    assert count > 10


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (
            {"status": 500, "body": {"result_code": "500", "result_msg": "ERROR: oh"}},
            "no section of the contract names",
        ),
        ({"close": True}, "the connection was closed"),
        ({"delay_ms": 150}, r"it took \d+\.\d s"),
        ({"status": 418, "body": "x"}, "Undocumented status code"),
        ({"status": 200, "body": "x", "headers": {"content-type": "text/html"}}, "Undocumented Content-Type"),
    ],
)
def test_a_wrong_answer(fed, monkeypatch, deed, why):
    """A fault rule makes the server answer so, and it is a find that tells the request."""
    monkeypatch.setattr(judge, "SLOW_SECONDS", 0.1 if "delay_ms" in deed else UNHURRIED)
    feeding.set_up(fed, Setup())
    document = documents.tms(fed.url)
    document["paths"] = {HELLO: document["paths"][HELLO]}
    rules = {"rules": [{"operation": "hello", "do": deed}]}
    httpx.put(f"{fed.url}/_standin/faults", json=rules).raise_for_status()
    finds, _ = driven(fed, "OAuth", Setup(), 1, document)
    assert finds
    for find in finds:
        assert HELLO in find
        assert re.search(why, find), find


def test_raw_requests(fed):
    """The same ones in every run."""
    feeding.set_up(fed, Setup())
    assert wire.fed(fed.port, Setup(), 1, None, 150) == (150, None)


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ({"status": 500, "body": "oh"}, "WireError: no section of the contract names b'oh'"),
        ({"close": True}, "WireError: no answer, but b''"),
    ],
)
def test_a_wrong_answer_to_a_raw_request(fed, deed, why):
    """It is a find that has the request."""
    feeding.set_up(fed, Setup())
    httpx.put(f"{fed.url}/_standin/faults", json={"rules": [{"do": deed}]}).raise_for_status()
    _, find = wire.fed(fed.port, Setup(), 1, None, 50)
    assert find.sentence.startswith(why)
    assert b" HTTP/1.1\r\n" in find.data


@pytest.mark.parametrize(
    ("setup", "operation", "sentence", "section"),
    [
        (Setup(quirks="real"), "update_tenant", D1, "5.1 D1"),
        (Setup(), "update_tenant", D1, None),
        (Setup("0.1.0", "real"), "update_tenant", D1, None),
        (Setup(quirks="real"), "create_tenant", D1, None),
        (Setup(), "update_client", "ERROR: invalid leading zero in major version number", "2 E06 step 6, 5.1 D7"),
        (Setup(), "get_client", "ERROR: invalid leading zero in major version number", None),
        (Setup(), "create_host", f'{PREFIX}duplicate key value violates unique constraint "a_key"', "2.0 DB, 5.1 D4"),
        (Setup("0.1.0"), "create_host", f'{PREFIX}duplicate key value violates unique constraint "a_key"', None),
        (Setup(), "get_host", f'{PREFIX}invalid byte sequence for encoding "UTF8": 0x00', "5.1 D8"),
        (Setup("0.1.0"), "get_host", f'{PREFIX}invalid byte sequence for encoding "UTF8": 0x00', None),
        (Setup(), "create_key", "Missing or expired dependency: INTERNAL ERROR: x", "2 E09 step 6, E40, E41, 5.1 D10"),
        (Setup(), "create_key", "Missing or expired dependency: x", None),
        (Setup(), "create_key", "ERROR: internal error of the stand-in, see its log", None),
    ],
)
def test_what_the_contract_names(setup, operation, sentence, section):
    """A 500 is allowed for its operation, in its version, with its whole text, and for no other."""
    assert section_of(setup, operation, sentence) == section


def test_the_list_names_operations():
    """Every operation of the list is one, so that none of its lines is idle by a slip."""
    known = {operation.operation_id for operation in OPERATIONS}
    assert {name for named in NAMED for name in named.operations.split()} | DROPPED <= known


def test_dropped_connections():
    """Only the lists of D2, only where defects show."""
    assert may_drop(Setup(quirks="real"), "list_clients")
    assert not may_drop(Setup(), "list_clients")
    assert not may_drop(Setup("0.1.0", "real"), "list_clients")
    assert not may_drop(Setup(quirks="real"), "list_hosts")


def test_the_documents_of_oauth_and_tapis():
    """They are valid, and have every path and method that is served."""
    for document, tables in ((oauth_document(), {**PROTOCOL, **PAGES}), (tapis_document(), ENDPOINTS)):
        validate(document)
        for path, methods in tables.items():
            assert document["paths"][path.replace("*", "{value}")].keys() == {method.lower() for method in methods}
    assert "/issuers/nightly/oauth2/token" in oauth_document("nightly")["paths"]


@pytest.mark.parametrize("line", ["Traceback (most recent call last):", '{"level": "error"}', "[]", "x failed"])
def test_a_line_of_a_log_that_is_none(fed, tmp_path, line):
    """Whatever is no request and no hint is a find, as soon as requests have begun."""
    malformed = "WARNING:  Invalid HTTP request received."
    request, hint = json.dumps({"at": "now", "path": "/"}), json.dumps({"hint": "try"})
    path = tmp_path / "log"
    path.write_text(f"the banner\n{request}\n{hint}\n{malformed}\n{line}\n")
    [find] = feeding.read(replace(fed, log_path=path)).finds
    assert find.data == line.encode()
    path.write_text(f"the banner\n{request}\n{hint}\n{malformed}\n")
    assert feeding.read(replace(fed, log_path=path)).finds == ()
