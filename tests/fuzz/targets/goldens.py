"""Real input to begin with: bodies and paths of the recordings of the real servers. It makes nothing up."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from app.conformance.recordings import GOLDENS


def _requests() -> Iterator[dict[str, Any]]:
    for file in sorted(GOLDENS.glob("*/*.json")):
        for step in json.loads(file.read_text("utf-8"))["steps"]:
            yield step["request"]


@cache
def bodies() -> tuple[bytes, ...]:
    """Return every body that was sent to a real server, the malformed ones of contract 6.3 included."""
    found = {json.dumps(each["json"]).encode() for each in _requests() if "json" in each}
    found |= {str(each[name]).encode() for each in _requests() for name in ("text",) if name in each}
    return tuple(sorted(found))


@cache
def paths() -> tuple[bytes, ...]:
    """Return every path and query, behind its method."""
    return tuple(sorted({f"{each['method']} {each['path']}".encode("utf-8", "replace") for each in _requests()}))


@cache
def versions() -> tuple[bytes, ...]:
    """Return every app_version that was sent."""
    found = {each["json"].get("app_version") for each in _requests() if isinstance(each.get("json"), dict)}
    return tuple(sorted(each.encode() for each in found if isinstance(each, str)))
