"""A browser without JavaScript, in process: opens pages, fills forms in, presses buttons, remembers all that it saw."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from tests.oauth.driver import BASE, Standin

_SPACED = {"dt", "dd", "th", "td", "p", "h1", "h2", "li", "button", "div", "strong", "code"}
_UNSEEN = {"style", "title"}


@dataclass
class Form:
    """A form: where it posts to, its fields with their values, its buttons by their words: (name, value) or None."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str] | None] = field(default_factory=dict)


class Page(HTMLParser):
    """One answer: its status and headers, and what a person sees of it."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer = answer
        self.status = answer.status_code
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.addresses: list[str] = []
        self.refresh: str | None = None
        self.title = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._pieces: dict[str, list[str]] = {}
        self.feed(answer.text if answer.headers.get("content-type", "").startswith("text/html") else "")

    def _words(self, of: str) -> str:
        return " ".join("".join(self._pieces.get(of, [])).split())

    @property
    def heading(self) -> str:
        """Return the words of the h1."""
        return self._words("h1")

    @property
    def alert(self) -> str:
        """Return the words that a screen reader speaks at once."""
        return self._words("alert")

    @property
    def text(self) -> str:
        """Return all words of the page."""
        return self._words("text")

    @property
    def fields(self) -> dict[str, str]:
        """Return the first form's fields, but for the token."""
        return {name: value for name, value in self.forms[0].fields.items() if name != "csrf_token"}

    @property
    def token(self) -> str:
        """Return the first form's token."""
        return self.forms[0].fields["csrf_token"]

    def form(self, button: str) -> Form:
        """Return the form with this button."""
        [found] = [form for form in self.forms if button in form.buttons]
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, fields and links."""
        attributes = dict(attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag == "form":
            self.forms.append(Form(attributes["action"]))
        elif tag == "input":
            self.forms[-1].fields[attributes["name"]] = attributes.get("value") or ""
        elif tag == "option" and ("selected" in attributes or "client_id" not in self.forms[-1].fields):
            self.forms[-1].fields["client_id"] = attributes["value"]
        elif tag == "meta" and attributes.get("http-equiv") == "refresh":
            self.refresh = attributes["content"]
        if tag not in ("input", "meta", "link"):
            self._open.append((tag, attributes))
            self._pieces.setdefault("text", []).append(" " if tag in _SPACED else "")

    def handle_data(self, data: str) -> None:
        """Note words."""
        tags = {tag for tag, _ in self._open}
        if "title" in tags:
            self.title += data
        if tags & _UNSEEN:
            return
        names = ["text"] + ["h1"] * ("h1" in tags) + ["alert"] * any(a.get("role") == "alert" for _, a in self._open)
        for name in names:
            self._pieces.setdefault(name, []).append(data)
        for tag, attributes in self._open:
            if tag == "button":
                pair = (attributes["name"], attributes["value"]) if "name" in attributes else None
                self.forms[-1].buttons[data] = pair
            elif tag == "a":
                self.links[data] = attributes["href"]

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        while self._open and self._open.pop()[0] != tag:
            pass


class Person:
    """Somebody at a browser with cookies of its own; `page` is what it shows, `seen` every answer so far."""

    def __init__(self, standin: Standin, address: str = "127.0.0.1", base: str = BASE) -> None:
        app = standin.http._transport.app
        transport = httpx.ASGITransport(app, client=(address, 49152))
        self.http = httpx.AsyncClient(transport=transport, base_url=base)
        self.seen: list[httpx.Response] = []
        self.page: Page

    async def open(self, path: str, **query: str) -> Page:
        """Open an address of the stand-in, following its own redirects."""
        return await self._show(await self.http.get(path, params=query or None))

    async def press(self, button: str, **typed: str) -> Page:
        """Press a button of the page, with these fields typed over what is in them."""
        form = self.page.form(button)
        pair = form.buttons[button]
        return await self.post(form.action, {**form.fields, **typed, **(dict([pair]) if pair else {})})

    async def post(self, path: str, fields: Any) -> Page:
        """Post a form as no page offers it."""
        return await self._show(await self.http.post(path, data=fields))

    async def log_in(self, username: str = "testuser1", password: str = "password1", issuer: str = "") -> Page:
        """Open the login page and log in."""
        await self.open(f"{'/issuers/' + issuer if issuer else ''}/device/login")
        return await self.press("Sign in", username=username, password=password)

    async def enter(self, code: str) -> Page:
        """Open the page for codes and type one."""
        await self.open("/device")
        return await self.press("Continue", user_code=code)

    async def _show(self, answer: httpx.Response) -> Page:
        self.seen.append(answer)
        while answer.status_code == 303 and answer.headers["location"].startswith("/"):
            answer = await self.http.get(urljoin(str(answer.url), answer.headers["location"]))
            self.seen.append(answer)
        self.page = Page(answer)
        return self.page


def redirected(page: Page) -> tuple[str, dict[str, str]]:
    """Return where a browser is sent to, the query apart: (address, parameters)."""
    assert page.status == 303
    parts = urlsplit(page.answer.headers["location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query, strict_parsing=True))
