"""Writes entries of the journal as an HTTP Archive 1.2, which browsers' tools and proxies read. It hides nothing."""

from http.client import responses
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from .. import __version__

_UNKNOWN = -1  # what HAR writes for a size that was not measured


def archive(entries: list[dict[str, Any]], base_url: str) -> dict[str, Any]:
    """Return the archive; `base_url` is where a request without a Host header is said to have gone.

    Bodies stand as the journal keeps them, a JSON value as compact text.
    """
    creator = {"name": "tms-standin", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(entry, base_url) for entry in entries]}}


def _entry(entry: dict[str, Any], base_url: str) -> dict[str, Any]:
    comment = {"comment": " ".join(entry["near_miss"])} if "near_miss" in entry else {}
    return {
        "startedDateTime": entry["at"],
        "time": entry["took_ms"],
        "request": _request(entry, base_url),
        "response": _response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": entry["took_ms"], "receive": 0},
        **comment,
    }


def _request(entry: dict[str, Any], base_url: str) -> dict[str, Any]:
    asked = entry["request"]
    scheme, _, own_host = base_url.partition("://")
    query = entry["path"].partition("?")[2]
    text = _text(asked["body"])
    posted = {"postData": {"mimeType": _mime_type(asked), "params": [], "text": text}} if text else {}
    return {
        "method": entry["method"],
        "url": f"{scheme}://{asked['headers'].get('host', own_host)}{entry['path']}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(asked),
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)],
        **posted,
        "headersSize": _UNKNOWN,
        "bodySize": _size(asked),
    }


def _response(entry: dict[str, Any]) -> dict[str, Any]:
    answered, status = entry["response"], entry["status"]
    text = _text(answered["body"])
    return {
        "status": status,
        "statusText": responses.get(status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(answered),
        "content": {"size": len(text.encode()), "mimeType": _mime_type(answered), "text": text},
        "redirectURL": answered["headers"].get("location", ""),
        "headersSize": _UNKNOWN,
        "bodySize": _size(answered),
    }


def _pairs(message: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in message["headers"].items()]


def _text(body: Any) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()


def _mime_type(message: dict[str, Any]) -> str:
    return str(message["headers"].get("content-type", "x-unknown"))


def _size(message: dict[str, Any]) -> int:
    return int(message["headers"].get("content-length", _UNKNOWN))
