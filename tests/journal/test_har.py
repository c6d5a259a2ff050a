"""Entries as an HTTP Archive 1.2, member by member."""

from app import __version__
from app.journal.har import archive

ENTRY = {
    "id": 3,
    "at": "2026-11-23T18:53:33.248700+00:00",
    "operation": "retrieve_key",
    "method": "POST",
    "path": "/v1/tms/pubkeys/creds/retrieve?a=b%20c",
    "status": 404,
    "took_ms": 1.25,
    "request": {
        "headers": {"host": "tms.example:3000", "content-type": "application/json", "content-length": "12"},
        "body": {"host": "é"},
    },
    "response": {"headers": {"content-type": "text/plain", "content-length": "9"}, "body": "not found"},
    "near_miss": ["One.", "Two."],
}


def test_an_entry():
    """Bodies as text; the near misses as a comment."""
    assert archive([ENTRY], "http://standin") == {
        "log": {
            "version": "1.2",
            "creator": {"name": "tms-standin", "version": __version__},
            "entries": [
                {
                    "startedDateTime": "2026-11-23T18:53:33.248700+00:00",
                    "time": 1.25,
                    "request": {
                        "method": "POST",
                        "url": "http://tms.example:3000/v1/tms/pubkeys/creds/retrieve?a=b%20c",
                        "httpVersion": "HTTP/1.1",
                        "cookies": [],
                        "headers": [
                            {"name": "host", "value": "tms.example:3000"},
                            {"name": "content-type", "value": "application/json"},
                            {"name": "content-length", "value": "12"},
                        ],
                        "queryString": [{"name": "a", "value": "b c"}],
                        "postData": {"mimeType": "application/json", "params": [], "text": '{"host":"é"}'},
                        "headersSize": -1,
                        "bodySize": 12,
                    },
                    "response": {
                        "status": 404,
                        "statusText": "Not Found",
                        "httpVersion": "HTTP/1.1",
                        "cookies": [],
                        "headers": [
                            {"name": "content-type", "value": "text/plain"},
                            {"name": "content-length", "value": "9"},
                        ],
                        "content": {"size": 9, "mimeType": "text/plain", "text": "not found"},
                        "redirectURL": "",
                        "headersSize": -1,
                        "bodySize": 9,
                    },
                    "cache": {},
                    "timings": {"send": 0, "wait": 1.25, "receive": 0},
                    "comment": "One. Two.",
                }
            ],
        }
    }


def test_a_dropped_connection_without_a_host():
    """No answer, no body, no header: the members that HAR asks for are there all the same."""
    bare = {"headers": {}, "body": None}
    dropped = {**ENTRY, "path": "/x", "status": 0, "request": bare, "response": bare}
    del dropped["near_miss"]
    [entry] = archive([dropped], "https://standin")["log"]["entries"]
    assert (entry["request"]["url"], entry["request"]["queryString"]) == ("https://standin/x", [])
    assert (entry["request"]["bodySize"], "postData" in entry["request"], "comment" in entry) == (-1, False, False)
    assert (entry["response"]["status"], entry["response"]["statusText"]) == (0, "")
    assert entry["response"]["content"] == {"size": 0, "mimeType": "x-unknown", "text": ""}


def test_a_redirect():
    """Its target stands once more."""
    moved = {**ENTRY, "status": 303, "response": {"headers": {"location": "/cb?code=***"}, "body": None}}
    assert archive([moved], "http://standin")["log"]["entries"][0]["response"]["redirectURL"] == "/cb?code=***"
