"""What is wrong with a document of fault rules, as the caller wrote it: which member, and what it must be."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from . import document
from .document import Strict

_OWN = frozenset(("true", "body", "headers", "bodiless", "order"))
_MODELS: dict[str, type[Strict]] = {
    "document:rules": document.RuleSet,
    "document:scenario": document.Scenario,
    "do:status": document.Answer,
    "do:delay_ms": document.Delay,
    "do:delay": document.DistributedDelay,
    "do:close": document.Close,
    "do:reset": document.Reset,
    "do:cut_after_bytes": document.Cut,
    "do:hang": document.Hang,
    "do:database_down": document.DatabaseDown,
    "delay:fixed_ms": document.FixedTime,
    "delay:uniform": document.UniformTime,
    "delay:log_normal": document.LogNormalTime,
    "rules": document.Rule,
    "uniform": document.Uniform,
    "log_normal": document.LogNormal,
}


def refusals(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield the path of each wrong member, such as rules.0.do.status, and a sentence's end that tells what is accepted."""
    for found in error.errors(include_url=False, include_input=False):
        path = [str(part) for part in found["loc"] if ":" not in str(part) or part not in _MODELS]
        yield ".".join(path), _detail(found)


def _detail(found: Mapping[str, Any]) -> str:
    model, field = _place(found["loc"])
    if found["type"] == "missing":
        return f"is missing; it must be {field.description}" if field else "is missing"
    if found["type"] == "extra_forbidden":
        return f"is not known here; known are {', '.join(model.model_fields)}"
    if found["type"] in _OWN or field is None:
        return str(found["msg"])
    if isinstance(found["loc"][-1], int):
        return "must be an object"
    return f"must be {field.description}"


def _place(location: tuple[int | str, ...]) -> tuple[type[Strict], FieldInfo | None]:
    """Return the innermost model on the way to a place, and the field of it that is wrong."""
    model: type[Strict] = document.RuleSet
    field: FieldInfo | None = None
    for part in location:
        if isinstance(part, str) and part in _MODELS and (part in model.model_fields or ":" in part):
            field = model.model_fields.get(part, None)
            model = _MODELS[part]
        elif isinstance(part, str):
            field = model.model_fields.get(part, field)
    return model, field
