"""One Tapis request: which tenant, seen at which base URL, with what body. It answers nothing."""

from datetime import datetime
from typing import Any

import msgspec
from authlib.oauth2.rfc6749 import InvalidRequestError

from ..oauth.exchange import Exchange
from ..oauth.issuers import Issuer
from ..oauth.parameters import LARGEST_BODY
from ..parts import Parts
from .refusal import TapisRefusal
from .schema import JSON, invalid, media_type_not_found, shortened
from .tenants import Tenant

# A list in a list in a list, a thousand times, is too deep for any reader of JSON.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Call:
    """What an endpoint may know of its request. `base_url` is the tenant's, as the caller used it."""

    def __init__(
        self, parts: Parts, tenant: Tenant, base_url: str, scope: Any, receive: Any, values: list[str]
    ) -> None:
        self.parts = parts
        self.tenant = tenant
        self.base_url = base_url
        self.scope = scope
        self.values = values
        self.exchange = Exchange(parts, Issuer(tenant.issuer, f"{base_url}/v3/oauth2"), scope, receive)

    @property
    def now(self) -> datetime:
        """The instant at which all of the request that was asked for was there."""
        return self.exchange.now

    def header(self, name: bytes) -> str | None:
        """Return the first header of a name, or None."""
        return next((value.decode("latin-1") for found, value in self.scope["headers"] if found == name), None)

    @property
    def media_type(self) -> str:
        """Return the content type without its parameters, in lower case."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    async def body(self) -> bytes:
        """Return the body. Raises TapisRefusal for one that is too large, or that ends early."""
        try:
            body = await self.exchange.body()
        except InvalidRequestError as error:
            raise TapisRefusal(f"{error.get_error_description()}.") from None
        if len(body) > LARGEST_BODY:
            raise TapisRefusal(f"The body is larger than {LARGEST_BODY} bytes.")
        return body

    async def json(self, verb: str = "POST") -> Any:
        """Return a JSON body. Raises TapisRefusal with the words of contract tapis 1.6."""
        body = await self.body()
        if not body:
            raise invalid("MissingRequiredRequestBody(request=<FlaskOpenAPIRequest object at 0x0>)", verb)
        if self.media_type != JSON:
            raise media_type_not_found(self.media_type, [JSON], verb)
        try:
            return msgspec.json.decode(body)
        except UNREADABLE:
            shown = shortened(body.decode("utf-8", "replace"))
            raise invalid(f"MediaTypeDeserializeError(mimetype='{JSON}', value={shown!r})", verb) from None
