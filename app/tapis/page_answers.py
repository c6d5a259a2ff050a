"""What the Tapis pages have in common: their five hidden fields, their media type, their redirects. No words of its own."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from authlib.oauth2 import OAuth2Error

from ..oauth import pages
from ..oauth.answers import Answer
from ..oauth.pages.render import render
from ..oauth.parameters import pairs_of
from .call import Call
from .refusal import TapisRefusal
from .schema import invalid, refuse_nul
from .session import Session, cookie

HIDDEN = ("client_id", "redirect_uri", "client_display_name", "state", "response_type")
_OF_URLS = "%/:=&?~#+!$,;'@()*[]"  # what else a callback holds, a line break first of all, may not end its header
_FIELD_OF = {name: name if name.startswith("client_") else f"client_{name}" for name in HIDDEN}


async def page(call: Call, session: Session, name: str, *, redirect_uri: str | None = None, **context: Any) -> Answer:
    """Return a page; its content type has no charset, as Flask's has none here (contract tapis 2.3)."""
    headers = [header for header in pages.headers(redirect_uri) if header[0] != b"content-type"]
    body = render(f"tapis_{name}", username=session.username, **context)
    return Answer(200, [(b"content-type", b"text/html"), *headers, await cookie(call, session)], body)


async def redirect(call: Call, session: Session, location: str) -> Answer:
    """Return a redirect; a path means this tenant's base URL."""
    target = f"{call.base_url}{location}" if location.startswith("/") else location
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"location", quote(target, safe=_OF_URLS).encode()),
        (b"referrer-policy", b"no-referrer"),
        await cookie(call, session),
    ]
    return Answer(302, headers, b"<!doctype html>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n")


def path(name: str, **query: str | None) -> str:
    """Return the path of a page with its query; what is not set travels as the text None, as Flask's does."""
    return f"/v3/oauth2/{name}?" + urlencode({key: str(value) for key, value in query.items()})


def query_of(call: Call) -> dict[str, str]:
    """Return the query's parameters, of a repeated one the first. Raises TapisRefusal for one that is badly encoded."""
    try:
        query = dict(reversed(pairs_of(call.scope["query_string"])))
    except OAuth2Error as error:
        raise invalid(str(error.get_error_description()), "GET") from None
    refuse_nul(query.values(), "GET")
    return query


async def form_of(call: Call) -> dict[str, str]:
    """Return the fields of a form, of a repeated one the first. Raises TapisRefusal for one that cannot be read."""
    try:
        form = dict(reversed(pairs_of(await call.body())))
    except OAuth2Error as error:
        raise invalid(str(error.get_error_description())) from None
    refuse_nul(form.values())
    return form


def hidden_fields(values: Mapping[str, str | None], unset: str = "None") -> dict[str, str]:
    """Return the five fields that every form carries (contract tapis 2.3)."""
    return {_FIELD_OF[name]: values.get(name) or unset for name in HIDDEN}


def needed(found: Any, message: str) -> Any:
    """Return what was found. Raises TapisRefusal with the message when it is nothing."""
    if not found:
        raise TapisRefusal(message)
    return found
