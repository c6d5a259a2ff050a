"""/v3/oauth2/userinfo and /v3/oauth2/profiles (contract tapis 2.7): what is told of a user follows from the name."""

from typing import Any

from sqlalchemy import select

from ..oauth.answers import Answer
from ..oauth_tables import oauth_users
from ..statements import Statement
from .call import Call
from .envelope import MEDIA_TYPE, success
from .page_answers import query_of
from .refusal import TapisRefusal
from .tokens import caller

_USERS = Statement(select(oauth_users.c.username).order_by(oauth_users.c.username))


async def userinfo(call: Call) -> Answer:
    """GET /v3/oauth2/userinfo: the caller's own profile. Raises TapisRefusal."""
    return success("User profile retrieved successfully.", profile_of(await caller(call), call.tenant.tenant_id))


async def profile(call: Call) -> Answer:
    """GET /v3/oauth2/profiles/{username}. Raises TapisRefusal."""
    await caller(call)
    user = await call.tenant.user(call.parts.store, call.values[0])
    if user is None:
        raise TapisRefusal("Error retrieving user; debug information: {'result': 32, 'description': 'noSuchObject'}")
    return success("User profile retrieved successfully.", profile_of(user.username, call.tenant.tenant_id))


async def profiles(call: Call) -> Answer:
    """GET /v3/oauth2/profiles?limit=&offset=. Raises TapisRefusal."""
    await caller(call)
    limit, offset = (_number(query_of(call).get(name)) for name in ("limit", "offset"))
    names = await _names(call)
    shown = names[offset or 0 :][: limit if limit is not None else len(names)]
    headers = [*MEDIA_TYPE, (b"x-tapis-offset", str((offset or 0) + len(shown)).encode())]
    return success(
        "Profiles retrieved successfully.", [profile_of(name, call.tenant.tenant_id) for name in shown], headers
    )


def profile_of(username: str, tenant_id: str) -> dict[str, Any]:
    """Return a profile."""
    return {
        "create_time": None,
        "dn": f"cn={username},ou=tenants.{tenant_id},dc=tapis",
        "email": f"{username}@example.com",
        "given_name": username,
        "last_name": username,
        "mobile_phone": None,
        "phone": None,
        "uid": None,
        "username": username,
    }


async def _names(call: Call) -> list[str]:
    if call.tenant.own_users is not None:
        return sorted(call.tenant.own_users)
    stored = [row.username async for page in call.parts.store.pages(_USERS) for row in page]
    return sorted({*stored, *(user.username for user in call.parts.settings.oauth.users)})


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else None
