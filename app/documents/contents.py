"""The text of each document, by path. Imported at the first request for one, since most runs never ask."""

from collections.abc import Callable

import msgspec

from ..declare import Operation
from ..parts import Parts
from ..records import same_text
from .honest import CREDENTIALS, openapi_document
from .pages import oauth_page, swagger_page
from .reference import as_json, as_yaml, reference_document

Maker = Callable[[Parts, list[Operation]], bytes]


def _page(parts: Parts, operations: list[Operation]) -> bytes:
    # A secret that was set is not shown; the published one would be wrong.
    unknown = () if same_text(parts.settings.admin_secret, CREDENTIALS["admin_secret"][1]) else ("admin_secret",)
    return swagger_page(openapi_document(operations, parts.modes.wire), unknown)


def _oauth_page(_parts: Parts, _operations: list[Operation]) -> bytes:
    return oauth_page()


def _spec(parts: Parts, operations: list[Operation]) -> bytes:
    return as_json(reference_document(operations, parts.modes.wire, parts.settings.server_urls))


def _spec_yaml(parts: Parts, operations: list[Operation]) -> bytes:
    return as_yaml(reference_document(operations, parts.modes.wire, parts.settings.server_urls))


def _openapi(parts: Parts, operations: list[Operation]) -> bytes:
    return msgspec.json.encode(openapi_document(operations, parts.modes.wire))


MAKERS: dict[str, Maker] = {
    "/": _page,
    "/oauth-receiver.html": _oauth_page,
    "/spec": _spec,
    "/spec_yaml": _spec_yaml,
    "/openapi.json": _openapi,
}
