"""Right values for made-up requests: most of those that a document allows get names that are seeded, and so come further.

A document tells them as `x-right` of an operation: choices for parameters by name, and bodies with choices for members.
"""

from collections.abc import Collection
from random import Random
from typing import Any

import schemathesis

RIGHT = "x-right"
_SHARE = 0.7
Choices = dict[str, list[Any]]


def told(parameters: Choices, bodies: list[Choices]) -> dict[str, Any]:
    """Return the member that an operation of a document gets."""
    return {RIGHT: {"parameters": parameters, "bodies": bodies}}


def lay(case: schemathesis.Case, luck: Random, linked: Collection[str] = ()) -> None:
    """Put right values into a case, or leave it as it is. What a link has brought, the names `linked`, stays."""
    choices = case.operation.definition.raw.get(RIGHT)
    if choices is None or luck.random() > _SHARE:
        return
    for name, values in choices["parameters"].items():
        for place in (case.path_parameters, case.query):
            if name in place and name not in linked:
                place[name] = luck.choice(values)
    if choices["bodies"]:
        before = case.body if isinstance(case.body, dict) else {}
        body = {name: luck.choice(values) for name, values in luck.choice(choices["bodies"]).items()}
        case.body = {**body, **{name: before[name] for name in linked if name in before}}
