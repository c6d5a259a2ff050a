"""Lists, decides and judges device flows (design 2.7). A call that is refused leaves its flow as it was."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import ColumnElement, and_, bindparam, case, literal_column, or_, select
from sqlalchemy import Text as TextColumn

from ..oauth import device_flows
from ..oauth.device_flows import APPROVED, ENTERED, EXPIRED, FIND, LIST_POLLS, PENDING, TAPIS, Decision
from ..oauth.registry import Reader
from ..oauth.report import Instant, Report, report_of
from ..oauth_tables import device_flows as flows
from ..parts import Parts
from ..settings_tables import shaped
from ..statements import Statement, matching
from ..tapis.tenants import GRACE
from ..transaction import Transaction
from .problems import Problem, Refused, wrong_field
from .shapes import IssuerGiven, Issuers, IssuerUrls, RunningParts, Text

on = APIRouter(tags=["device"])

_FlowStatus = Literal["pending", "entered", "approved", "denied", "redeemed", "expired"]
_Listed = Literal["undecided", "pending", "entered", "approved", "denied", "redeemed", "expired", "all"]
_UserCode = Annotated[
    str,
    Path(description="A Tapis code letter by letter; another in any spelling: case, dashes and spaces do not matter."),
]
_SCOPE = r"[!-~]+( [!-~]+)*"
_ScopeText = Annotated[
    str, shaped(_SCOPE, "words separated by one space"), Field(json_schema_extra={"pattern": f"^{_SCOPE}$"})
]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No flow has this code."}}


class DeviceFlow(BaseModel):
    """A device flow."""

    user_code: str = Field(examples=["WDJB-MJHT"])
    client_id: str
    scope: str = Field(description="What the device asked for.")
    dialect: Literal["rfc8628", "tapis"]
    issuer: str = Field(description="The URL as the caller of this call sees it.")
    status: _FlowStatus = Field(description="entered: a Tapis code that somebody has typed, the consent to come.")
    expires_at: Instant
    polls: int


class DeviceFlows(BaseModel):
    """The device flows that were asked for, the oldest first."""

    flows: list[DeviceFlow]


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    username: Text | None = Field(default=None, description="Has no effect here.")
    scope: _ScopeText | None = Field(default=None, description="Has no effect here.")


class Approval(_Wish):
    """Approve the flow in a user's name, as if that user had just logged in."""

    action: Literal["approve"]
    username: Text = Field(description="A user of this stand-in.")
    scope: _ScopeText | None = Field(default=None, description="Part of what was asked for; left out, all of it.")


class Denial(_Wish):
    """Deny the flow."""

    action: Literal["deny"]


class Expiry(_Wish):
    """End the flow's time now."""

    action: Literal["expire"]


Wish = Annotated[Approval | Denial | Expiry, Body(discriminator="action")]


def _equal_if_given(name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    given = bindparam(name, type_=TextColumn)
    return or_(given.is_(None), column == given)


_UNFETCHED: list[ColumnElement[str]] = [literal_column(f"'{status}'") for status in (PENDING, ENTERED, APPROVED)]
_OVER = and_(flows.c.status.in_(_UNFETCHED), flows.c.expires_at <= bindparam("now", type_=flows.c.expires_at.type))
STATUS = case((_OVER, literal_column(f"'{EXPIRED}'")), else_=flows.c.status)  # as status_of, in SQL
_UNDECIDED_ASKED = bindparam("status", type_=TextColumn) == literal_column("'undecided'", TextColumn)
_LIST = Statement(
    select(flows)
    .where(
        or_(_equal_if_given("status", STATUS), and_(_UNDECIDED_ASKED, STATUS.in_(_UNFETCHED[:2]))),
        _equal_if_given("client_id", flows.c.client_id),
        _equal_if_given("issuer", flows.c.issuer),
    )
    .order_by(flows.c.created, flows.c.user_code)
)
_EARLIER = Statement(
    select(flows)
    .where(
        matching(flows, "client_id issuer address"), flows.c.created < bindparam("created", type_=flows.c.created.type)
    )
    .order_by(flows.c.created.desc())
    .limit(literal_column("1"))
    .offset(literal_column("0"))
)
_PAGE = TypeAdapter(list[DeviceFlow])


@on.get("/device", response_model=DeviceFlows)
async def list_device_flows(
    parts: RunningParts,
    issuers: Issuers,
    status: Annotated[_Listed, Query(description="What is listed.")] = "undecided",
    client_id: Annotated[Text | None, Query()] = None,
    issuer: Annotated[IssuerGiven | None, Query()] = None,
) -> Response:
    """List device flows, those that wait for a decision unless another status is asked for."""
    now = parts.clock.now()
    asked = {
        "status": None if status == "all" else status,
        "client_id": client_id,
        "issuer": issuer and issuers.name_of(issuer),
    }
    pages = [
        _PAGE.dump_json([_shown(row, now, issuers) for row in rows])[1:-1]
        async for rows in parts.store.pages(_LIST, now=now, **asked)
    ]
    return Response(b'{"flows":[%s]}' % b",".join(pages), media_type="application/json")


@on.post(
    "/device/{user_code}",
    responses=_UNKNOWN | {409: {"model": Problem, "description": "The flow is decided or expired."}},
)
async def decide_device_flow(parts: RunningParts, issuers: Issuers, user_code: _UserCode, wish: Wish) -> DeviceFlow:
    """Approve, deny or expire a flow. Of several calls that race for one flow exactly one gets 200."""
    now = parts.clock.now()

    async def work(transaction: Transaction) -> Any:
        flow = await _found(transaction, user_code)
        status = device_flows.status_of(flow, now)
        if status not in (PENDING, ENTERED) or not await _carried_out(parts, transaction, flow, wish, now):
            raise Refused(409, f"The flow is {status} already.", flow_status=status)
        return await transaction.one(FIND, user_code=flow.user_code)

    return _shown(await parts.store.write_whatever_was_read(work), now, issuers)


@on.get("/device/{user_code}/report", responses=_UNKNOWN)
async def report_on_device_flow(parts: RunningParts, user_code: _UserCode) -> Report:
    """Judge the client by the polls of one flow."""
    store = parts.store
    flow = await _found(store, user_code)
    polls = [row async for rows in store.pages(LIST_POLLS, user_code=flow.user_code) for row in rows]
    this = {name: getattr(flow, name) for name in _EARLIER.names}
    earlier = [row async for rows in store.pages(_EARLIER, **this) for row in rows]
    client = await parts.registry.client(store, flow.client_id)
    # A Tapis device has no key to show, whatever its client has (contract tapis 2.4.3).
    confidential = flow.dialect != TAPIS and client is not None and client.client_secret is not None
    return report_of(flow, polls, parts.clock.now(), earlier[0] if earlier else None, confidential)


async def _found(reader: Reader, user_code: str) -> Any:
    letters = user_code.isascii() and user_code.isalpha()
    flow = await reader.one(FIND, user_code=user_code) if letters else None  # A Tapis code is all letters.
    if flow is None:
        flow = await reader.one(FIND, user_code=device_flows.normalized(user_code))
    if flow is None:
        raise Refused(404, "No device flow has this user code, or it expired more than an hour ago.")
    return flow


async def _carried_out(
    parts: Parts, transaction: Transaction, flow: Any, wish: Approval | Denial | Expiry, now: datetime
) -> bool:
    """Do what is wished and return True, or False when somebody was faster. Raises Refused."""
    if isinstance(wish, Expiry):
        return await device_flows.expire(transaction, flow, now - 2 * GRACE if flow.dialect == TAPIS else now)
    decision = Decision(approved=False)
    if isinstance(wish, Approval):
        tenant = parts.tenants.of_issuer(flow.issuer)
        users = parts.registry if tenant is None else tenant
        if await users.user(transaction, wish.username) is None:
            raise wrong_field("username", "names nobody who can log in here")
        decision = Decision(True, wish.username, _granted(wish.scope, flow.scope))
    return await device_flows.decide(transaction, flow, decision, now)


def _granted(wished: str | None, asked: str) -> str | None:
    """Return the scope to grant, each word once. Raises Refused for more than was asked for."""
    if wished is None:
        return None
    if not set(wished.split()) <= set(asked.split()):
        raise wrong_field("scope", f"must be part of what the device asked for: {asked}")
    return " ".join(dict.fromkeys(wished.split()))


def _shown(flow: Any, now: datetime, issuers: IssuerUrls) -> DeviceFlow:
    values = {name: getattr(flow, name) for name in ("client_id", "scope", "dialect", "expires_at", "polls")}
    return DeviceFlow(
        user_code=device_flows.shown_code(flow),
        issuer=issuers.of(flow.issuer),
        status=device_flows.status_of(flow, now),
        **values,
    )
