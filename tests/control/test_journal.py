"""The calls of the journal: filters, what they refuse, the archive, and that the document tells the truth."""

import pytest
from openapi_schema_validator import OAS31Validator

from tests.control.conftest import wrong
from tests.control.test_plane import document, true

JOURNAL = "/_standin/journal"
VERSION = "/v1/tms/version"
EMPTY = {"entries": [], "dropped": 0}
SINCE = "must be an instant in ISO 8601, or the id of an entry"


@pytest.fixture
async def recording(standin):
    """Return a stand-in that keeps a journal of three requests, a minute apart."""
    await standin.http.patch("/_standin/settings", json={"journal": True})
    for path in (VERSION, "/nothing", "/v1/tms/client/testclient1"):
        await standin.http.get(path)
        standin.advance(60)
    return standin


async def paths(standin, **asked):
    """Return the paths of the entries that a call shows."""
    return [entry["path"] for entry in (await standin.http.get(JOURNAL, params=asked)).json()["entries"]]


async def test_a_journal_that_is_off(standin):
    """It is empty, which is no error; emptying it is none either."""
    await standin.http.get(VERSION)
    assert (await standin.http.get(JOURNAL)).json() == EMPTY
    assert (await standin.http.delete(JOURNAL)).json() == EMPTY
    assert (await standin.http.get(f"{JOURNAL}.har")).json()["log"]["entries"] == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"limit": 2}, [2, 3]),
        ({"operation": "get_version"}, [1]),
        ({"operation": "GET /v1/tms/version"}, [1]),
        ({"operation": "GET /(other)"}, [2]),
        ({"operation": "create_key"}, []),
        ({"status": "404"}, [2]),
        ({"status": "4xx"}, [2, 3]),
        ({"status": "0"}, []),
        ({"status": "2xx", "operation": "get_version"}, [1]),
        ({"since": "2"}, [3]),
        ({"since": "2026-11-23T18:54:33+00:00"}, [2, 3]),
        ({"since": "2026-11-23T18:54:33Z"}, [2, 3]),
        ({"since": "2026-11-23T19:54:34+01:00"}, [3]),
        ({"since": "2026-11-23T18:55:34"}, []),
    ],
)
async def test_filters(recording, asked, expected):
    """By operation, status, instant and id; the newest so many."""
    told = (await recording.http.get(JOURNAL, params=asked)).json()
    assert ([entry["id"] for entry in told["entries"]], told["dropped"]) == (expected, 0)


async def test_a_plus_sign_that_nobody_encoded(recording):
    """`since=...+00:00` pasted into an address means what it says."""
    told = (await recording.http.get(f"{JOURNAL}?since=2026-11-23T18:54:33+00:00")).json()
    assert [entry["id"] for entry in told["entries"]] == [2, 3]


@pytest.mark.parametrize(
    ("asked", "field", "detail"),
    [
        ({"status": "200-299"}, "status", 'must be a status such as "404", "4xx", or "0" for a dropped connection'),
        ({"since": "yesterday"}, "since", SINCE),
        ({"since": "-1"}, "since", SINCE),
        ({"since": "9" * 20}, "since", SINCE),
        ({"since": "2026-13-01"}, "since", SINCE),
        ({"limit": "0"}, "limit", "must be greater than or equal to 1"),
        ({"limit": "10001"}, "limit", "must be less than or equal to 10000"),
        ({"wait": "-1"}, "wait", "must be greater than or equal to 0"),
        ({"timeout": "301"}, "timeout", "must be less than or equal to 300"),
    ],
)
async def test_bad_filters(recording, asked, field, detail):
    """The field is named with what it takes, and nothing is changed."""
    wrong(await recording.http.get(JOURNAL, params=asked), field, detail)
    assert await paths(recording) == [VERSION, "/nothing", "/v1/tms/client/testclient1"]


@pytest.mark.parametrize("operation", ["getkey", "GET /v1/tms/nothing", "/(other)", "", "1 /(other)"])
@pytest.mark.parametrize("call", [JOURNAL, f"{JOURNAL}.har"])
async def test_an_unknown_operation(recording, call, operation):
    """All that are known are listed."""
    answer = await recording.http.get(call, params={"operation": operation})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "operation"
    assert not operation or {"retrieve_key", "POST", "/oauth2/token"} <= set(error["detail"].replace(",", "").split())


async def test_emptying(recording):
    """What was recorded is gone, the journal stays on, and ids go on."""
    assert (await recording.http.delete(JOURNAL)).json() == EMPTY
    await recording.http.get(VERSION)
    assert [entry["id"] for entry in (await recording.http.get(JOURNAL)).json()["entries"]] == [4]


async def test_the_archive(recording):
    """The same filters, addresses with the host that the client used."""
    told = (await recording.http.get(f"{JOURNAL}.har", params={"status": "4xx"})).json()["log"]
    assert (told["version"], [entry["request"]["url"] for entry in told["entries"]]) == (
        "1.2",
        ["http://standin/nothing", "http://standin/v1/tms/client/testclient1"],
    )
    assert told["entries"][1]["response"]["status"] == 400


async def test_the_document_tells_the_truth(recording):
    """Answers and refusals are of the shape that the document describes."""
    told = await document(recording)
    for path, method, query in (
        ("/journal", "get", ""),
        ("/journal", "get", "?status=x"),
        ("/journal.har", "get", ""),
        ("/journal.har", "get", "?limit=x"),
    ):
        true(told, path, method, await recording.http.request(method, f"/_standin{path}{query}"))
    entry = told["components"]["schemas"]["JournalEntry"]
    [one] = (await recording.http.get(JOURNAL, params={"limit": 1})).json()["entries"]
    OAS31Validator({**entry, "components": told["components"]}).validate(one)
    assert {*one, "near_miss"} == set(entry["properties"])
    true(told, "/journal", "delete", await recording.http.delete(JOURNAL))
