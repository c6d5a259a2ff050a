"""The authorization endpoint (RFC 6749 4.1.1, 4.1.2): login, consent, and the way back to the client with a code."""

from typing import Any
from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.base import invalid_error_characters
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oidc.core.errors import ConsentRequiredError, LoginRequiredError

from . import pages
from .answers import Answer
from .authorization_code import AuthorizationCode, ProofKey
from .exchange import Exchange, ProtocolRequest
from .login import LoginForm, LoginRefusal, log_in, login_page
from .page_answers import error_page, forged, form_of, page
from .parameters import Parameters, pairs_of, parameters_of, resource_of
from .registry import Client
from .server import AuthorizationServer, Outcome, in_transaction
from .sessions import Browser, browser_of, log_out

_LONGEST_AGE = 20  # digits


async def authorize(exchange: Exchange) -> Answer:
    """GET /oauth2/authorize: the login or the consent page, or the way back with an error."""
    browser, asked = await browser_of(exchange), _asked(exchange)
    outcome = await in_transaction(exchange, lambda server: _checked(server, asked, browser))
    if outcome is not None:
        return _way_back(exchange, browser, outcome)
    if _must_log_in(exchange, browser, asked):
        return await _login_page(exchange, browser, asked)
    return await _consent_page(exchange, browser, asked)


async def authorized(exchange: Exchange) -> Answer:
    """POST /oauth2/authorize?...: the login form or the decision, with the request still in the query."""
    browser, form, asked = await browser_of(exchange), await form_of(exchange), _asked(exchange)
    if not browser.has_token(form.get("csrf_token", "")):
        return forged(_action(exchange))
    outcome = await in_transaction(exchange, lambda server: _checked(server, asked, browser))
    if outcome is not None:
        return _way_back(exchange, browser, outcome)
    decision = form.get("decision")
    if decision is None:
        return await _log_in(exchange, browser, asked, form)
    if decision == "sign_out":
        return await _login_page(exchange, await log_out(exchange, browser), asked)
    if browser.login is None:
        return await _login_page(exchange, browser, asked, status=401)
    if decision not in ("approve", "deny"):
        return await _consent_page(exchange, browser, asked)
    approved = decision == "approve"
    outcome = await in_transaction(exchange, lambda server: _decided(server, asked, browser, approved))
    return _way_back(exchange, browser, outcome)


async def _log_in(exchange: Exchange, browser: Browser, asked: Parameters, form: dict[str, str]) -> Answer:
    known = await log_in(exchange, browser, form)
    if isinstance(known, LoginRefusal):
        return await _login_page(exchange, browser, asked, known)
    return await _consent_page(exchange, known, asked)


def _asked(exchange: Exchange) -> Parameters:
    """Return the parameters. Raises InvalidRequestError for one that is there twice, or can be no part of a redirect."""
    asked = parameters_of(pairs_of(exchange.scope["query_string"]))
    for name in ("redirect_uri", "response_type"):
        # Authlib repeats both in what it says of them, and a backslash leads browsers elsewhere than urlsplit.
        if invalid_error_characters(asked.data.get(name, "")):
            raise InvalidRequestError(f"The parameter {name} holds characters that are not allowed there")
    return asked


def _grant(server: AuthorizationServer, asked: Parameters, browser: Browser) -> Any:
    """Return Authlib's checked grant. Raises OAuth2Error, which knows where to go back to once the client is known."""
    server.register_grant(AuthorizationCode, [ProofKey()])
    request = ProtocolRequest(server.exchange, asked)
    return server.get_consent_grant(request, browser.login)  # type: ignore[no-untyped-call] # the stub has no types


def _checked(server: AuthorizationServer, asked: Parameters, browser: Browser) -> Outcome | None:
    """Return the error to go back with, or None where a person is to be asked."""
    try:
        grant = _grant(server, asked, browser)
    except OAuth2Error as error:
        return server.handle_error_response(None, error)
    try:
        resource_of(asked)
        _refuse_to_be_silent(server.exchange, asked, browser)
    except OAuth2Error as error:
        error.redirect_uri, error.state = grant.redirect_uri, asked.state
        return server.handle_error_response(None, error)
    return None


def _refuse_to_be_silent(exchange: Exchange, asked: Parameters, browser: Browser) -> None:
    """Raise OAuth2Error for a client that wants nobody to be asked: consent always is (OpenID Connect Core 3.1.2.1)."""
    prompts = _prompts(asked)
    if "none" not in prompts:
        return
    if len(prompts) > 1:
        raise InvalidRequestError("The prompt none stands alone")
    raise LoginRequiredError if _must_log_in(exchange, browser, asked) else ConsentRequiredError


def _decided(server: AuthorizationServer, asked: Parameters, browser: Browser, approved: bool) -> Outcome:
    """Return the redirect with a code, or with access_denied."""
    grant = _grant(server, asked, browser)
    outcome: Any = server.create_authorization_response(grant.request, browser.login if approved else None, grant)
    return Outcome(*outcome)


def _way_back(exchange: Exchange, browser: Browser, outcome: Outcome) -> Answer:
    """Return the redirect to the client, with the issuer's name (RFC 9207), or a page where it must not be trusted."""
    location = dict(outcome.headers).get("Location")
    if location is None:
        sentence = str(outcome.body.get("error_description") or outcome.body["error"])
        return error_page(400, "Request refused", f"{sentence.rstrip('.')}.")
    named = add_params_to_uri(location, [("iss", exchange.issuer.url)])
    return page(exchange, browser, b"", 303).with_header(b"location", named.encode("ascii"))


def _must_log_in(exchange: Exchange, browser: Browser, asked: Parameters) -> bool:
    """Return whether the client or the lack of a session asks for a login (OpenID Connect Core 3.1.2.1)."""
    if browser.login is None or "login" in _prompts(asked):
        return True
    oldest = asked.data.get("max_age", "")
    age = (exchange.now - browser.login.authenticated_at).total_seconds()
    # Python reads no number of thousands of digits; nobody's login is so old.
    return oldest.isdecimal() and len(oldest) <= _LONGEST_AGE and (int(oldest) == 0 or age > int(oldest))


def _prompts(asked: Parameters) -> list[str]:
    return asked.data.get("prompt", "").split()


def _action(exchange: Exchange) -> str:
    query = exchange.scope["query_string"].decode("latin-1")
    return f"{exchange.issuer.prefix}/oauth2/authorize?{query}"


async def _login_page(
    exchange: Exchange, browser: Browser, asked: Parameters, refusal: LoginRefusal | None = None, status: int = 200
) -> Answer:
    client = await _client(exchange, asked)
    form = LoginForm(_action(exchange), {}, client.client_name, _redirect_uri(client, asked))
    return login_page(exchange, browser, form, refusal, status)


async def _consent_page(exchange: Exchange, browser: Browser, asked: Parameters) -> Answer:
    client = await _client(exchange, asked)
    redirect_uri = _redirect_uri(client, asked)
    body = pages.consent_page(
        action=_action(exchange),
        csrf_token=browser.csrf_token,
        hidden={},
        client_name=client.client_name,
        client_id=client.client_id,
        scopes=client.get_allowed_scope(asked.scope).split(),
        username=browser.username or "",
        redirect_host=urlsplit(redirect_uri).netloc or redirect_uri,
        sign_out=_action(exchange),
    )
    return page(exchange, browser, body, redirect_uri=redirect_uri)


async def _client(exchange: Exchange, asked: Parameters) -> Client:
    """Return the client of a request that was checked with it."""
    client = await exchange.parts.registry.client(exchange.parts.store, asked.client_id)
    assert client is not None  # noqa: S101 - as above
    return client


def _redirect_uri(client: Client, asked: Parameters) -> str:
    return str(asked.redirect_uri or client.get_default_redirect_uri())
