"""The verification pages (RFC 8628 3.3): code, login, question, answer. A GET approves nothing; every POST carries a token."""

from typing import Any

from ..transaction import Transaction
from . import device_flows, pages
from .answers import Answer
from .device_flows import Decision
from .exchange import Exchange
from .guesses import Guesses
from .login import LoginForm, LoginRefusal, log_in, login_page
from .page_answers import error_page, forged, form_of, page, query_of, redirect
from .registry import Reader
from .sessions import Browser, Login, browser_of, log_out

_UNKNOWN = "This code is not known here. Compare it with the one on your device, and type it again."
_USED = "This code was used already. If your device still asks, start again there: it will show a new code."
_DAMAGED = "The link that brought you here is damaged. Type the code that your device shows."


async def code_entry(exchange: Exchange) -> Answer:
    """GET /device: the form for the code, or, with `user_code` in the query, what typing it leads to (UI-01, UI-08)."""
    browser, query = await browser_of(exchange), query_of(exchange)
    if query is None:
        return _code_page(exchange, browser, "", _DAMAGED, 400)
    return await _followed(exchange, browser, query.get("user_code", ""))


async def code_entered(exchange: Exchange) -> Answer:
    """POST /device: the code that somebody typed."""
    browser, form = await browser_of(exchange), await form_of(exchange)
    if not browser.has_token(form.get("csrf_token", "")):
        return forged(_start(exchange))
    return await _entered(exchange, browser, form.get("user_code", ""))


async def login(exchange: Exchange) -> Answer:
    """GET /device/login: the way in for somebody whose device waits elsewhere."""
    return await _login_page(exchange, await browser_of(exchange), "")


async def login_entered(exchange: Exchange) -> Answer:
    """POST /device/login: username and password, and the code that was typed before."""
    browser, form = await browser_of(exchange), await form_of(exchange)
    if not browser.has_token(form.get("csrf_token", "")):
        return forged(_start(exchange))
    typed = form.get("user_code", "")
    known = await log_in(exchange, browser, form)
    if not isinstance(known, LoginRefusal):
        return await _followed(exchange, known, typed)
    flow = await _pending(exchange, browser, typed) if typed else None
    return flow if isinstance(flow, Answer) else await _login_page(exchange, browser, typed, flow, known)


async def decided(exchange: Exchange) -> Answer:
    """POST /device/decision: approve or deny; only a person who has logged in decides (UI-02)."""
    browser, form = await browser_of(exchange), await form_of(exchange)
    typed = form.get("user_code", "")
    if browser.login is None:
        return await _login_page(exchange, browser, typed, status=401)
    if not browser.has_token(form.get("csrf_token", "")):
        return forged(_start(exchange))
    flow = await _pending(exchange, browser, typed)
    if isinstance(flow, Answer):
        return flow
    if form.get("decision") not in ("approve", "deny"):
        return await _confirmation(exchange, browser, flow)
    approved = form["decision"] == "approve"
    if not await _decide(exchange, flow, browser.login, approved):
        return await _entered(exchange, browser, typed)
    end_page = pages.approved_page if approved else pages.denied_page
    return page(exchange, browser, end_page(client_name=await _client_name(exchange, flow)))


async def logged_out(exchange: Exchange) -> Answer:
    """POST /device/logout: the next person has to log in, for the code that was typed before if there is one."""
    browser, form = await browser_of(exchange), await form_of(exchange)
    if not browser.has_token(form.get("csrf_token", "")):
        return forged(_start(exchange))
    stranger = await log_out(exchange, browser)
    if typed := form.get("user_code", ""):
        return await _entered(exchange, stranger, typed)
    return redirect(exchange, stranger, _start(exchange))


async def _followed(exchange: Exchange, browser: Browser, typed: str) -> Answer:
    """Return what a code leads to, or the form for it where there is none yet."""
    return await _entered(exchange, browser, typed) if typed else _code_page(exchange, browser)


async def _entered(exchange: Exchange, browser: Browser, typed: str) -> Answer:
    """Return the page that a typed code leads to: the question, the login before it, or what is wrong with the code."""
    flow = await _pending(exchange, browser, typed)
    if isinstance(flow, Answer):
        return flow
    if browser.login is None:
        return await _login_page(exchange, browser, typed, flow)
    return await _confirmation(exchange, browser, flow)


async def _pending(exchange: Exchange, browser: Browser, typed: str) -> Any:
    """Return the flow of a typed code that waits for a decision, or the page that tells what is wrong with the code."""
    if not typed.strip():
        return _code_page(exchange, browser, typed, "Type the code.", 400)
    flow, wait_seconds = await _guess(exchange, browser, typed)
    if wait_seconds:
        sentence = f"Too many wrong codes. Try again in {wait_seconds} seconds."
        return _code_page(exchange, browser, typed, sentence, 429, wait_seconds)
    if flow is None:
        return _code_page(exchange, browser, typed, _UNKNOWN, 400)
    status = device_flows.status_of(flow, exchange.now)
    if status == device_flows.EXPIRED:
        return page(exchange, browser, pages.expired_page(code_entry=_start(exchange)), 400)
    return flow if status == device_flows.PENDING else error_page(400, "Code used", _USED, _start(exchange))


async def _guess(exchange: Exchange, browser: Browser, typed: str) -> tuple[Any, int]:
    """Return the flow of a code, or None and the seconds to wait: every way to a flow leads through this limit."""
    guesses = Guesses(exchange, browser, "user_code")

    async def guess(transaction: Transaction) -> tuple[Any, int]:
        if seconds := await guesses.seconds_to_wait(transaction):
            return None, seconds
        flow = await _find(exchange, transaction, typed)
        if flow is None:
            await guesses.note(transaction)
        return flow, 0

    return await exchange.parts.store.write(guess)


async def _find(exchange: Exchange, reader: Reader, typed: str) -> Any:
    """Return this issuer's flow of a code as a person may type it, or None (UI-13 to UI-15)."""
    flow = await reader.one(device_flows.FIND, user_code=device_flows.normalized(typed))
    return flow if flow is not None and flow.issuer == exchange.issuer.name else None


async def _decide(exchange: Exchange, flow: Any, login: Login, approved: bool) -> bool:
    """Decide a flow and return True, or False when somebody else has ended it since it was read."""
    decision = Decision(approved, login.username, None, login.authenticated_at)

    async def decide(transaction: Transaction) -> bool:
        found = await _find(exchange, transaction, flow.user_code)
        pending = found is not None and device_flows.status_of(found, exchange.now) == device_flows.PENDING
        return pending and await device_flows.decide(transaction, found, decision, exchange.now)

    return await exchange.parts.store.write(decide)


async def _client_name(exchange: Exchange, flow: Any) -> str:
    client = await exchange.parts.registry.client(exchange.parts.store, flow.client_id)
    return client.client_name if client else str(flow.client_id)


def _start(exchange: Exchange) -> str:
    return f"{exchange.issuer.prefix}/device"


def _code_page(
    exchange: Exchange,
    browser: Browser,
    typed: str = "",
    sentence: str | None = None,
    status: int = 200,
    wait_seconds: int = 0,
) -> Answer:
    body = pages.code_page(
        action=_start(exchange),
        csrf_token=browser.csrf_token,
        user_code=typed,
        sentence=sentence,
        username=browser.username,
        sign_out=f"{_start(exchange)}/logout",
    )
    return page(exchange, browser, body, status, wait_seconds)


async def _login_page(
    exchange: Exchange,
    browser: Browser,
    typed: str,
    flow: Any = None,
    refusal: LoginRefusal | None = None,
    status: int = 200,
) -> Answer:
    form = LoginForm(
        action=f"{_start(exchange)}/login",
        hidden={"user_code": typed} if typed else {},
        client_name=await _client_name(exchange, flow) if flow else None,
    )
    return login_page(exchange, browser, form, refusal, status)


async def _confirmation(exchange: Exchange, browser: Browser, flow: Any) -> Answer:
    displayed = device_flows.displayed(flow.user_code)
    body = pages.confirmation_page(
        action=f"{_start(exchange)}/decision",
        csrf_token=browser.csrf_token,
        hidden={"user_code": displayed},
        client_name=await _client_name(exchange, flow),
        client_id=flow.client_id,
        scopes=flow.scope.split(),
        user_code=displayed,
        username=browser.username or "",
        address=flow.address,
        user_agent=flow.user_agent,
        asked_at=f"{flow.created:%d %B %Y, %H:%M:%S} UTC",
        sign_out=f"{_start(exchange)}/logout",
    )
    return page(exchange, browser, body)
