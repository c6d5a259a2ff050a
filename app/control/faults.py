"""Sets, shows and removes fault rules (design 2.7), for every process on the database. What they do is app/faults'."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from ..faults.checks import mistakes
from ..faults.document import Document, Rule, RuleSet
from ..faults.hook import placed, tallies_of
from ..faults.refusals import refusals
from ..faults.scenarios import SCENARIOS
from ..parts import Parts
from ..steering.state import State
from .problems import FieldError, Refused
from .shapes import RunningParts

on = APIRouter(tags=["faults"])

_EXAMPLES: dict[str, Any] = {
    "every third getclient fails": {
        "value": {"rules": [{"operation": "get_client", "every": 3, "do": {"status": 503, "body": "busy"}}]}
    },
    "a slow network": {"value": {"rules": [{"do": {"delay": {"log_normal": {"median_ms": 20, "p99_ms": 400}}}}]}},
    "a scenario": {"value": {"scenario": "dev-server"}},
}


class RuleShown(Rule):
    """A rule that is set."""

    matched: int = Field(description="How many requests it looked at and found to be meant.")
    struck: int = Field(description="To how many of them it did what it says.")


class FaultsShown(BaseModel):
    """What is set; no rules where nothing is."""

    seed: int | None = None
    scenario: str | None = None
    rules: list[RuleShown]
    matched: int | None = Field(default=None, description="With a scenario: how many requests it looked at.")
    struck: int | None = Field(default=None, description="With a scenario: how many of them it made slower, or hang.")


def _checked(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return the document. Raises Refused with every wrong member of an object, whatever else it is."""
    try:
        return handler(value)
    except ValidationError as error:
        if not isinstance(value, dict):
            raise PydanticCustomError("model_attributes_type", "a JSON object") from None
        raise _refused(list(refusals(error))) from None


Wish = Annotated[Document, WrapValidator(_checked), Body(openapi_examples=_EXAMPLES)]


@on.get("/faults", response_model_exclude_unset=True)
async def show_faults(parts: RunningParts) -> FaultsShown:
    """Show the rules or the scenario that is set, and how often each has struck, in all processes."""
    return await _shown(parts)


@on.put("/faults", response_model_exclude_unset=True)
async def set_faults(parts: RunningParts, wish: Wish) -> FaultsShown:
    """Replace all rules. Counting begins anew, and what hangs by the rules before is answered."""
    if isinstance(wish, RuleSet) and (found := list(mistakes(wish.rules, parts.names))):
        raise _refused(found)
    document = wish.model_dump(exclude_unset=True)

    def changed(state: State) -> State:
        return _with(state, placed(parts.steering.board, document, state.faults))

    await parts.steering.change(changed)
    return await _shown(parts)


@on.delete("/faults", status_code=204, response_class=Response)
async def remove_faults(parts: RunningParts) -> None:
    """Remove all rules; what hangs is answered."""
    await parts.steering.change(lambda state: _with(state, None))


def _with(state: State, faults: dict[str, Any] | None) -> State:
    return State(clock=state.clock, modes=state.modes, faults=faults, journal=state.journal)


async def _shown(parts: Parts) -> FaultsShown:
    steering = parts.steering
    steering.refresh()
    state = steering.state.faults
    if state is None:
        return FaultsShown(rules=[])
    document, tallies = state["document"], tallies_of(steering.board, state)
    if "scenario" in document:
        matched, struck = await SCENARIOS[document["scenario"]].counts(tallies)
        return FaultsShown(
            seed=document.get("seed", 0), scenario=document["scenario"], rules=[], matched=matched, struck=struck
        )
    rules = [
        RuleShown(**rule, matched=await tallies.counted(2 * number), struck=await tallies.counted(2 * number + 1))
        for number, rule in enumerate(document["rules"])
    ]
    return FaultsShown(seed=document.get("seed", 0), rules=rules)


def _refused(found: list[tuple[str, str]]) -> Refused:
    errors = [FieldError(field=field, detail=detail) for field, detail in found]
    return Refused(422, " ".join(f"{field} {detail}." for field, detail in found), errors=errors)
