"""A small device to play with: it starts a flow, shows its code, and polls (RFC 8628 3.3.1). No secret leaves the server."""

from datetime import datetime
from math import ceil
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError

from . import device_flows, pages
from .answers import Answer
from .device_authorization import DeviceAuthorization
from .device_code import DeviceCode, Flow
from .exchange import Exchange, ProtocolRequest
from .page_answers import error_page, forged, form_of, page, redirect
from .parameters import Parameters
from .registry import DEVICE_CODE, Client
from .report import FINAL, report_of
from .server import AuthorizationServer, in_transaction
from .sessions import Browser, browser_of

_SCOPE = "openid profile email offline_access"


class SimulatedAuthorization(DeviceAuthorization):
    """The device authorization endpoint for the device on the page: it need not authenticate."""

    def authenticate_client(self, request: ProtocolRequest) -> Client:
        """Return the client that was chosen."""
        return self.served(_chosen(self.server, request))

    def _values(self, client_id: str, scope: str | None) -> dict[str, Any]:
        hashed = device_flows.hash_of_code(self._letters + self.server.parameters.data["state"])
        return {**super()._values(client_id, scope), "simulator_hash": hashed}


class SimulatedPoll(DeviceCode):
    """The device code grant for the device on the page: the page's own handle stands for the device code."""

    def authenticate_token_endpoint_client(self) -> Client:  # type: ignore[override] # ours need not inherit
        """Return the client that was chosen."""
        return _chosen(self.server, self.request)

    def query_device_credential(self, device_code: str) -> Flow:
        """Return the flow of a page."""
        return Flow(self.server.wait(device_flows.find_by_handle(self.server.transaction, device_code)))


async def start_page(exchange: Exchange) -> Answer:
    """GET /device/simulator: the choice of a client and a scope."""
    return await _start_page(exchange, await browser_of(exchange))


async def started(exchange: Exchange) -> Answer:
    """POST /device/simulator/start: a new flow, and the way to its page."""
    browser, form = await browser_of(exchange), await form_of(exchange)
    if not browser.has_token(form.get("csrf_token", "")):
        return forged(_start(exchange))
    secret = exchange.parts.chance.token()
    chosen = {"client_id": form.get("client_id", ""), "scope": form.get("scope", ""), "state": secret}
    request = ProtocolRequest(exchange, Parameters(list(chosen.items())))
    outcome = await in_transaction(exchange, lambda server: server.respond(SimulatedAuthorization, request))
    if outcome.status != 200:
        return await _start_page(exchange, browser, form, str(outcome.body["error_description"]))
    handle = device_flows.normalized(outcome.body["user_code"]) + secret
    return redirect(exchange, browser, f"{_start(exchange)}/{handle}")


async def device_page(exchange: Exchange) -> Answer:
    """GET /device/simulator/{handle}: the device; loading the page polls when the interval is over."""
    browser, flow = await browser_of(exchange), await _find(exchange)
    if flow is None:
        return _unknown(exchange)
    polls = await _polls(exchange, flow)
    if _wait(flow, polls, exchange.now) == 0:
        await _poll(exchange, flow)
        flow, polls = await _find(exchange), await _polls(exchange, flow)
    return _device_page(exchange, browser, flow, polls)


async def polled(exchange: Exchange) -> Answer:
    """POST /device/simulator/{handle}: a poll at once, however early, and the way back to the page.

    The handle, which only this page knows, stands for the token: that one ends with a login in another window.
    """
    browser, flow = await browser_of(exchange), await _find(exchange)
    if flow is None:
        return _unknown(exchange)
    await _poll(exchange, flow)
    return redirect(exchange, browser, _own_path(exchange))


def _chosen(server: AuthorizationServer, request: Any) -> Client:
    client = server.query_client(request.payload.client_id or "")
    if client is None:
        raise InvalidRequestError("Choose a client.")
    server.parameters = request.payload
    request.client = client
    return client


def _wait(flow: Any, polls: list[Any], now: datetime) -> int | None:
    """Return how many seconds a well-behaved device waits before its next poll, or None when it has its answer."""
    if polls and polls[-1].answer in FINAL:
        return None
    if flow.last_poll_at is None:
        return 0
    elapsed: float = (now - flow.last_poll_at).total_seconds()
    # A clock that was set back must not make the device wait for it to catch up (as in pace.py).
    return 0 if elapsed < 0 else max(0, ceil(flow.interval - elapsed))


async def _find(exchange: Exchange) -> Any:
    """Return the flow of the page's handle, if it is this issuer's, or None."""
    flow = await device_flows.find_by_handle(exchange.parts.store, _handle(exchange))
    return flow if flow is not None and flow.issuer == exchange.issuer.name else None


async def _poll(exchange: Exchange, flow: Any) -> None:
    """Poll as the device would; the answer stands among the polls."""
    asked = {"grant_type": DEVICE_CODE, "device_code": _handle(exchange), "client_id": flow.client_id}
    request = ProtocolRequest(exchange, Parameters(list(asked.items())))
    request.method = "POST"  # However the page was asked for, the device on it posts.

    def work(server: AuthorizationServer) -> None:
        server.register_grant(SimulatedPoll)
        server.create_token_response(request)

    await in_transaction(exchange, work)


async def _polls(exchange: Exchange, flow: Any) -> list[Any]:
    pages = exchange.parts.store.pages(device_flows.LIST_POLLS, user_code=flow.user_code)
    return [row async for rows in pages for row in rows]


def _device_page(exchange: Exchange, browser: Browser, flow: Any, polls: list[Any]) -> Answer:
    displayed = device_flows.displayed(flow.user_code)
    uri = f"{exchange.issuer.url}/device"
    body = pages.simulator_page(
        action=_own_path(exchange),
        user_code=displayed,
        verification_uri=uri,
        verification_uri_complete=f"{uri}?user_code={displayed}",
        status=device_flows.status_of(flow, exchange.now),
        polls=[_line(row) for row in polls],
        expires_in=max(0, int((flow.expires_at - exchange.now).total_seconds())),
        next_poll_seconds=_wait(flow, polls, exchange.now),
        tokens=_told(flow),
        verdict=report_of(flow, polls, exchange.now, None, False).verdict,
        start=_start(exchange),
    )
    return page(exchange, browser, body)


def _line(row: Any) -> pages.Poll:
    gap, allowed = (
        "" if value is None else f"{value / 1000:.1f} s" for value in (row.gap_milliseconds, row.allowed_milliseconds)
    )
    return pages.Poll(f"{row.at:%H:%M:%S}", gap, allowed, row.answer)


def _told(flow: Any) -> dict[str, str] | None:
    """Return what the device has learnt; the tokens themselves stay on the server."""
    if flow.status != device_flows.REDEEMED:
        return None
    return {"sub": flow.username, "client_id": flow.client_id, "scope": flow.granted_scope}


async def _start_page(
    exchange: Exchange, browser: Browser, form: dict[str, str] | None = None, sentence: str | None = None
) -> Answer:
    form = form or {"scope": _SCOPE}
    clients = await exchange.parts.registry.clients(exchange.parts.store)
    body = pages.simulator_start_page(
        action=f"{_start(exchange)}/start",
        csrf_token=browser.csrf_token,
        clients=[(client.client_id, client.client_name) for client in clients if client.check_grant_type(DEVICE_CODE)],
        scope=form.get("scope", ""),
        client_id=form.get("client_id", ""),
        sentence=sentence,
    )
    return page(exchange, browser, body, 400 if sentence else 200)


def _unknown(exchange: Exchange) -> Answer:
    sentence = "This device is not known, or its flow is long over."
    return error_page(404, "No such device", sentence, _start(exchange))


def _handle(exchange: Exchange) -> str:
    return str(exchange.scope["endpoint"]).rpartition("/")[2]


def _own_path(exchange: Exchange) -> str:
    return f"{_start(exchange)}/{_handle(exchange)}"


def _start(exchange: Exchange) -> str:
    return f"{exchange.issuer.prefix}/device/simulator"
