"""What several calls of the control plane share: the parts, the issuer's names, texts that a database can hold."""

from typing import Annotated, Final

from fastapi import Depends, Request
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ..oauth.issuers import issuer_of, prefix_of, split_path
from ..parts import Parts
from ..settings_tables import ISSUER_NAME, shaped

_EXPECTED_ISSUER: Final = "the name of a named issuer, or an issuer's URL"


def parts_of(request: Request) -> Parts:
    """Return the parts of the running stand-in."""
    parts: Parts = request.app.state.parts
    return parts


class IssuerUrls:
    """How the caller sees issuers. Raises HostError when it is made for a request without a usable Host."""

    def __init__(self, request: Request, parts: Annotated[Parts, Depends(parts_of)]) -> None:
        self._base = issuer_of("", request.scope, parts.settings).url

    def of(self, name: str) -> str:
        """Return the URL of an issuer."""
        return self._base + prefix_of(name)


def _issuer_name(given: str) -> str:
    """Return the name of an issuer that is given by its URL, whatever the host in it, or by its name."""
    if "://" not in given:
        return given
    _, named, rest = given.partition("/issuers/")
    name, _ = split_path(f"{named}{rest}/")
    if named and not name:
        raise PydanticCustomError("shape", _EXPECTED_ISSUER)
    return name


_TEXT = r"[^\x00\ud800-\udfff]+"  # what no database can store, and no JSON text should hold
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?"
_ISSUER = rf"{ISSUER_NAME}|https?://{_HOST}(/[^?#\s]*)?"

RunningParts = Annotated[Parts, Depends(parts_of)]
Issuers = Annotated[IssuerUrls, Depends()]
Text = Annotated[
    str, shaped(_TEXT, "a text, neither empty nor with a NUL"), Field(json_schema_extra={"pattern": f"^{_TEXT}$"})
]
IssuerName = Annotated[
    str,
    shaped(_ISSUER, _EXPECTED_ISSUER),
    AfterValidator(_issuer_name),
    Field(
        description="A named issuer, by its name or its URL; the unnamed issuer by its URL.",
        json_schema_extra={"pattern": f"^({_ISSUER})$"},
    ),
]
