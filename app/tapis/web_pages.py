"""Login, consent and logout of the Tapis pages, for devices and for web applications (contract tapis 2.3, 2.8)."""

from typing import Any

from ..oauth.answers import Answer
from ..oauth.login import seeded_users
from ..oauth.registry import Client, has_password
from . import consent
from .call import Call
from .page_answers import form_of, hidden_fields, needed, page, path, query_of, redirect
from .refusal import TapisRefusal
from .session import Session, session_of


async def authorize_page(call: Call) -> Answer:
    """GET /v3/oauth2/authorize: the consent page, or the login before it. Raises TapisRefusal."""
    session, query = await session_of(call), query_of(call)
    client = await _client(call, query.get("client_id"))
    response_type = query.get("response_type")
    if session.device_login and response_type in (None, "device_code"):
        if session.username is None:
            return await redirect(call, session, path("login", client_id=client.client_id, response_type="device_code"))
        return await consent.device_page(call, session, client, query.get("user_code", ""))
    _check_web(client, query)
    if session.username is None:
        asked = {name: query.get(name) for name in ("client_id", "redirect_uri", "state", "response_type")}
        return await redirect(call, session, path("login", **asked))
    return await consent.web_page(call, session, client, query)


async def login_page(call: Call) -> Answer:
    """GET /v3/oauth2/login: the form. Raises TapisRefusal."""
    query = query_of(call)
    client = await _client(call, query.get("client_id"))
    return await _login_page(call, await session_of(call), client, _asked(query))


async def logged_in(call: Call) -> Answer:
    """POST /v3/oauth2/login: username and password, and the way on."""
    session, form = await session_of(call), await form_of(call)
    client_id = form.get("client_id") or query_of(call).get("client_id") or ""
    client = await call.tenant.client(call.parts.store, client_id)
    asked = {
        name: form.get(f"client_{name}") or query_of(call).get(name)
        for name in ("redirect_uri", "state", "response_type")
    }
    if error := await _login_error(call, form):
        return await _login_page(call, session, client, asked, error, form.get("username", ""))
    session.username = form["username"]
    if client is None:
        return await redirect(call, session, path("authorize", response_type="code"))
    response_type = asked.pop("response_type")
    asked = {"client_id": client.client_id, **asked, "client_display_name": client.client_name}
    if session.device_login or response_type == "device_code":
        session.device_login = True
        return await redirect(call, session, path("device", **asked, response_type="device_code"))
    return await redirect(call, session, path("authorize", **asked, response_type=response_type))


async def logout_page(call: Call) -> Answer:
    """GET /v3/oauth2/logout: the question; with redirect_url the way there at once."""
    target = query_of(call).get("redirect_url", "")
    if target.startswith("https"):
        return await redirect(call, Session(), target)
    return await page(call, await session_of(call), "logout")


async def logged_out(call: Call) -> Answer:
    """POST /v3/oauth2/logout."""
    session = Session() if (await form_of(call)).get("logout") else await session_of(call)
    return await redirect(call, session, "/v3/oauth2/webapp")


async def _client(call: Call, client_id: str | None) -> Client:
    needed(client_id, "Required query parameter client_id missing.")
    client = await call.tenant.client(call.parts.store, client_id or "")
    if client is None:
        raise TapisRefusal("Invalid client.", ends_session=True)
    return client


def _check_web(client: Client, query: dict[str, str]) -> None:
    """Check what a web application asks for (contract tapis 2.8). Raises TapisRefusal."""
    if query.get("response_type") not in ("code", "token"):
        raise TapisRefusal("Required query parameter response_type missing or not supported.")
    needed(query.get("redirect_uri"), "Required query parameter redirect_uri missing.")
    if query["redirect_uri"] != client.get_default_redirect_uri():
        raise TapisRefusal("redirect_uri query parameter does not match the registered callback_url for the client.")


async def _login_error(call: Call, form: dict[str, str]) -> str | None:
    username, password = form.get("username", ""), form.get("password", "")
    if not username:
        return "Username is required."
    if not password:
        return "Password is required."
    user = await call.tenant.user(call.parts.store, username)
    right = has_password(user, password) and username == username.lower()
    return None if right else "Invalid username/password combination."


def _asked(query: dict[str, str]) -> dict[str, Any]:
    return {name: query.get(name) for name in ("redirect_uri", "state", "response_type")}


async def _login_page(
    call: Call,
    session: Session,
    client: Client | None,
    asked: dict[str, Any],
    error: str | None = None,
    typed: str = "",
) -> Answer:
    about = {"client_id": client.client_id, "client_display_name": client.client_name} if client else {}
    name = client.client_name if client else None
    hidden = hidden_fields({**asked, **about})
    hint = seeded_users(call.parts.settings) if call.tenant.own_users is None else None
    return await page(call, session, "login", error=error, client_name=name, typed=typed, hidden=hidden, hint=hint)
