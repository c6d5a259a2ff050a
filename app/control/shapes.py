"""What several calls of the control plane share: the parts, the issuer's names, texts that a database can hold."""

import re
from typing import Annotated, Final

from fastapi import Depends, Request
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ..oauth.issuers import host_of, issuer_of, prefix_of, split_path
from ..parts import Parts
from ..settings_tables import ISSUER_NAME, shaped
from ..tapis.tenants import ISSUER_PREFIX

_EXPECTED_ISSUER: Final = "the name of a named issuer, or an issuer's URL"
_OF_TAPIS = re.compile(r"https?://(?P<host>[^/]+)(/tenants/(?P<tenant>[^/]+))?/v3/oauth2")


def parts_of(request: Request) -> Parts:
    """Return the parts of the running stand-in."""
    parts: Parts = request.app.state.parts
    return parts


class IssuerUrls:
    """How the caller sees issuers. Raises HostError when it is made for a request without a usable Host."""

    def __init__(self, request: Request, parts: Annotated[Parts, Depends(parts_of)]) -> None:
        self._base = issuer_of("", request.scope, parts.settings).url
        self._host_url = f"{request.scope['scheme']}://{host_of(request.scope['headers'])}"
        self._tenants = parts.tenants

    def of(self, name: str) -> str:
        """Return the URL of an issuer; a Tapis tenant's follows the Host header alone (design 2.6)."""
        if name.startswith(ISSUER_PREFIX):
            return self._tenants.issuer_url(name, self._host_url)
        return self._base + prefix_of(name)

    def name_of(self, given: str) -> str:
        """Return the name of an issuer that is given by its name, or by its URL, whose host tells of Tapis tenants."""
        if tapis := _OF_TAPIS.fullmatch(given):
            return f"{ISSUER_PREFIX}{tapis['tenant']}" if tapis["tenant"] else self._tenants.issuer_of(tapis["host"])
        return _named(given)


def _named(given: str) -> str:
    """Return the name of an issuer that is given by its URL, whatever the host in it, or by its name."""
    if "://" not in given:
        return given
    _, named, rest = given.partition("/issuers/")
    return split_path(f"{named}{rest}/")[0]


def _check_named(given: str) -> str:
    if "/issuers/" in given and not _named(given):
        raise PydanticCustomError("shape", _EXPECTED_ISSUER)
    return given


_TEXT = r"[^\x00\ud800-\udfff]+"  # what no database can store, and no JSON text should hold
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?"
_ISSUER = rf"(tapis/)?{ISSUER_NAME}|https?://{_HOST}(/[^?#\s]*)?"

RunningParts = Annotated[Parts, Depends(parts_of)]
Issuers = Annotated[IssuerUrls, Depends()]
Text = Annotated[
    str, shaped(_TEXT, "a text, neither empty nor with a NUL"), Field(json_schema_extra={"pattern": f"^{_TEXT}$"})
]
IssuerGiven = Annotated[
    str,
    shaped(_ISSUER, _EXPECTED_ISSUER),
    AfterValidator(_check_named),
    Field(
        description="A named issuer, by its name or its URL; the unnamed issuer by its URL; a Tapis tenant by its issuer "
        'URL, or as "tapis/dev".',
        json_schema_extra={"pattern": f"^({_ISSUER})$"},
    ),
]
