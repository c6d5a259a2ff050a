"""Fixtures: a stand-in whose clock stands still, and what a page says."""

import html
import re
from typing import Any

import httpx

from tests.control.conftest import standin, standin_for
from tests.oauth.driver import Standin

__all__ = ["standin", "standin_for"]

PAGE, DO = "/_standin/", "/_standin/page/do"
CLIENT = {"x-tms-tenant": "test", "x-tms-client-id": "testclient1", "x-tms-client-secret": "secret1"}


async def do(standin: Standin, form: str, /, **fields: str) -> httpx.Response:
    """Post a form of the page, as a browser does."""
    return await standin.http.post(f"{DO}/{form}", data=fields, headers={"origin": "http://standin"})


async def control(standin: Standin, path: str) -> Any:
    """Return what a call of the control plane shows."""
    return (await standin.http.get(f"/_standin{path}")).json()


def section(answer: httpx.Response, name: str) -> str:
    """Return one section's markup."""
    found = re.search(rf'<section id="{name}".*?</section>', answer.text, re.DOTALL)
    assert found, answer.text[:500]
    return found[0]


def words(markup: str) -> str:
    """Return the text of a piece of markup, in single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def alerts(answer: httpx.Response) -> list[str]:
    """Return the sentences that a screen reader speaks at once."""
    return [words(found) for found in re.findall(r'<p class="alert" role="alert">.*?</p>', answer.text, re.DOTALL)]


def done(answer: httpx.Response, sentence: str, name: str) -> None:
    """Check that a form has led back to the page, to its section, with a sentence."""
    told = httpx.QueryParams({"told": sentence})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/_standin/?{told}#{name}")
