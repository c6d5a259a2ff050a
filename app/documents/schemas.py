"""Turns the structures of the API into JSON schemas, for both documents. It knows no path and no status."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields as struct_fields

from ..declare import DateTime, Flag, Int32, Operation, Reply, UInt32
from ..wire import Wire

Schema = dict[str, Any]
Kinds = dict[Any, Schema]

KINDS: Kinds = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    Int32: {"type": "integer", "format": "int32"},
    UInt32: {"type": "integer", "format": "uint32"},
    DateTime: {"type": "string", "format": "date-time"},
}
ERROR = "HttpResult"


class HttpResult(Struct):
    """The envelope of every refusal: the status as a string, and a sentence (contract 1.3)."""

    result_code: str
    result_msg: str


def kinds_of(wire: Wire) -> Kinds:
    """Return the schema of each field type as it really goes over this wire."""
    return {**KINDS, Flag: KINDS[bool if wire.flag(True) is True else Int32]}


def structures_of(operations: Iterable[Operation]) -> dict[str, type[Struct]]:
    """Return every structure that a request or an answer may hold, by name and in the order of names."""
    found: set[type[Struct]] = {HttpResult}
    for operation in operations:
        for structure in (operation.body, operation.reply):
            if structure is not None:
                found |= {structure, *_elements(structure)}
    return {structure.__name__: structure for structure in sorted(found, key=lambda structure: structure.__name__)}


def fields_of(structure: type[Struct], wire: Wire) -> list[tuple[str, Any]]:
    """Return names and types in the reference's order: the two members of every answer stand first."""
    found = sorted(struct_fields(structure), key=lambda field: field.name not in Reply.__struct_fields__)
    return [(wire.updated_expiry_name if field.name == "expires_msg" else field.name, field.type) for field in found]


def schema_of(structure: type[Struct], kinds: Kinds, wire: Wire) -> Schema:
    """Return the schema of an object."""
    fields = fields_of(structure, wire)
    return {
        "type": "object",
        "required": [name for name, kind in fields if not is_optional(kind)],
        "properties": {name: kind_schema(kind, kinds) for name, kind in fields},
    }


def kind_schema(kind: Any, kinds: Kinds) -> Schema:
    """Return the schema of a field or a parameter; an optional one has that of its value."""
    if get_origin(kind) is list:
        return {"type": "array", "items": reference_to(get_args(kind)[0].__name__)}
    return dict(kinds[get_args(kind)[0] if is_optional(kind) else kind])


def reference_to(name: str) -> Schema:
    """Return a reference to one of the structures."""
    return {"$ref": f"#/components/schemas/{name}"}


def is_optional(kind: Any) -> bool:
    """Tell whether a value may be left out."""
    return type(None) in get_args(kind)


def element_of(kind: Any) -> type[Struct] | None:
    """Return the structure in an array, None for any other type."""
    return get_args(kind)[0] if get_origin(kind) is list else None


def _elements(structure: type[Struct]) -> Iterator[type[Struct]]:
    for field in struct_fields(structure):
        element = element_of(field.type)
        if element is not None:
            yield element
