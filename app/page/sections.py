"""What each section of the page shows, asked of the control plane where it has a call for it. It renders nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from ..control.shapes import IssuerUrls
from ..errors import DatabaseTrouble
from ..gates import ADMINISTRATOR
from ..parts import Parts
from ..records import ADMINISTRATOR_ID, same_secret
from . import flows
from .inner import ask
from .names import exports_of, names_of
from .pulse import numbers_of

REQUESTS_SHOWN = 15
RECORDS_SHOWN = 20
_LONGEST_BODY = 2_000  # letters of a journalled body
_MODES: tuple[tuple[str, tuple[tuple[Any, str], ...]], ...] = (
    ("wire_version", (("0.3.0", "0.3.0"), ("0.1.0", "0.1.0"))),
    ("enable_mvp", ((True, "on"), (False, "off"))),
    ("enable_test_tenant", ((True, "on"), (False, "off"))),
    ("new_clients", (("allow", "allow"), ("disallow", "disallow"))),
    ("quirks", (("intended", "intended"), ("real", "real"))),
    ("strict", ((True, "on"), (False, "off"))),
    ("tapis.race", ((True, "on"), (False, "off"))),
)
_HELP = {
    "wire_version": "The release to answer as",
    "enable_mvp": "Keys need no MFA, mapping or delegation",
    "enable_test_tenant": "Tenant test is enabled",
    "new_clients": "Whether clients may be created",
    "quirks": "real: defects D1 and D2 as well",
    "strict": "Enforce the rules that the real server forgets",
    "tapis.race": "The code-entry race of 26Q1.0",
}
SCENARIOS = {
    "hang-0.1.0": "Database requests hang once ten are under way, until a reset",
    "dev-server": "As slow as the TMS development server in its load reports",
}


class Unavailable(Exception):  # noqa: N818 - a section says it in these words
    """A section has nothing to show; the sentence says why."""


@dataclass(frozen=True)
class View:
    """The request, the parts, and how issuers look from outside."""

    request: Request
    parts: Parts
    issuers: IssuerUrls

    async def get(self, path: str, **query: Any) -> Any:
        """Return what a call of the control plane answers. Raises Unavailable for a refusal."""
        answer = await ask(self.request, "GET", path, query=query)
        if answer.sentence is not None:
            raise Unavailable(answer.sentence)
        return answer.body


async def shown(view: View, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return what these sections show, by name; one that is not available has nothing but its `problem`."""
    return dict(zip(names, await asyncio.gather(*(_section(view, name) for name in names)), strict=True))


async def _section(view: View, name: str) -> dict[str, Any]:
    try:
        return {"problem": None, **await SECTIONS[name](view)}
    except Unavailable as unavailable:
        return {"problem": str(unavailable)}
    except DatabaseTrouble:
        return {"problem": "The database does not answer, try again."}


async def _traffic(view: View) -> dict[str, Any]:
    """Return the totals since the start, the most frequent operation first."""
    totals = view.parts.metrics.snapshot()
    rows: list[dict[str, Any]] = [
        {"name": name, "requests": each.requests, "errors": each.errors, "p50": p50, "p99": p99}
        for name, each in totals.items()
        for _, _, p50, p99 in [numbers_of([each], 1)]
    ]
    rows.sort(key=lambda row: (-row["requests"], row["name"]))
    return {"operations": rows, "requests": sum(row["requests"] for row in rows)}


async def _modes(view: View) -> dict[str, Any]:
    settings = await view.get("/settings")
    values = {**settings, "tapis.race": settings["tapis"]["race"]}
    return {"modes": [(name, values[name], choices, _HELP[name]) for name, choices in _MODES]}


async def _clock(view: View) -> dict[str, Any]:
    clock: dict[str, Any] = await view.get("/clock")
    return clock


async def _device(view: View) -> dict[str, Any]:
    waiting, more = await flows.undecided(view.parts, view.issuers)
    return {"flows": waiting, "more": more, "usernames": await flows.usernames(view.parts) if waiting else []}


async def _names(view: View) -> dict[str, Any]:
    parts, request = view.parts, view.request
    stored = await parts.store.one(ADMINISTRATOR, tenant="test", admin_user=ADMINISTRATOR_ID)
    known = stored is not None and same_secret(parts.settings.admin_secret, stored.admin_secret)
    url = f"{request.url.scheme}://{request.url.netloc}"
    return {
        "seed": parts.settings.seed,
        "names": names_of(parts.settings, known),
        "exports": exports_of(parts.settings, url, known),
    }


async def _records(view: View) -> dict[str, Any]:
    query = view.request.query_params
    table, search = query.get("table") or "pubkeys", query.get("search") or ""
    asked = {"table": table, "search": search, "offset": query.get("offset") or 0, "limit": RECORDS_SHOWN}
    tables, records = await asyncio.gather(view.get("/tables"), ask(view.request, "GET", "/records", query=asked))
    found = records.body if records.sentence is None else {"table": table, "columns": [], "records": [], "more": False}
    return {**tables, **found, "search": search, "offset": asked["offset"], "sentence": records.sentence}


async def _snapshots(view: View) -> dict[str, Any]:
    snapshots: dict[str, Any] = await view.get("/snapshots")
    return snapshots


async def _faults(view: View) -> dict[str, Any]:
    faults = await view.get("/faults")
    rules = [(json.dumps(rule.pop("do")), rule) for rule in faults["rules"]]
    known = sorted(view.parts.names.known)
    return {"scenario": None, **faults, "rules": rules, "scenarios": SCENARIOS, "operations": known}


async def _requests(view: View) -> dict[str, Any]:
    if not (await view.get("/settings"))["journal"]:
        return {"on": False, "entries": [], "dropped": 0}
    journal = await view.get("/journal", limit=REQUESTS_SHOWN)
    for entry in journal["entries"]:
        for side in ("request", "response"):
            entry[side]["text"] = _text(entry[side])
    return {"on": True, "entries": journal["entries"][::-1], "dropped": journal["dropped"]}


def _text(side: dict[str, Any]) -> str:
    """Return headers and body as people read them, a long body cut."""
    head = "\n".join(f"{name}: {value}" for name, value in side["headers"].items())
    body = side["body"]
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body, indent=2, ensure_ascii=False)
    return f"{head}\n\n{text[:_LONGEST_BODY]}{'...' if len(text) > _LONGEST_BODY else ''}".strip()


SECTIONS: dict[str, Callable[[View], Awaitable[dict[str, Any]]]] = {
    "traffic": _traffic,
    "device": _device,
    "requests": _requests,
    "modes": _modes,
    "clock": _clock,
    "faults": _faults,
    "snapshots": _snapshots,
    "names": _names,
    "records": _records,
}
