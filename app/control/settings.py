"""Shows and changes the modes that can change while the stand-in runs (design 2.7), for every process at once."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ..parts import Parts
from ..schema import SET_TEST_TENANT
from ..statements import Statement
from ..steering.state import State
from ..tables import tenants
from ..transaction import Transaction
from .shapes import RunningParts

on = APIRouter(tags=["settings"])

_SET = Statement(SET_TEST_TENANT)
_Flag = Annotated[bool, Field(strict=True)]


class TapisSettings(BaseModel):
    """Modes of the Tapis dialect."""

    model_config = ConfigDict(extra="forbid")

    race: _Flag


class SettingsWish(BaseModel):
    """The modes to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    enable_mvp: _Flag | None = None
    enable_test_tenant: _Flag | None = None
    new_clients: Literal["allow", "disallow"] | None = None
    quirks: Literal["intended", "real"] | None = None
    strict: _Flag | None = None
    wire_version: Literal["0.3.0", "0.1.0"] | None = None
    journal: _Flag | None = None
    tapis: TapisSettings | None = None


class SettingsShown(BaseModel):
    """All of them."""

    enable_mvp: bool
    enable_test_tenant: bool
    new_clients: str
    quirks: str
    strict: bool
    wire_version: str
    journal: bool
    tapis: TapisSettings


@on.get("/settings")
async def show_settings(parts: RunningParts) -> SettingsShown:
    """Show the modes in force."""
    return _shown(parts)


@on.patch("/settings")
async def change_settings(parts: RunningParts, wish: SettingsWish) -> SettingsShown:
    """Change modes for every request that comes after this answer."""
    changes = wish.model_dump(exclude_none=True)
    journal, tapis = changes.pop("journal", None), changes.pop("tapis", {})

    def changed(state: State) -> State:
        return State(
            clock=state.clock,
            modes=state.modes | changes | tapis,
            faults=state.faults,
            journal=state.journal if journal is None else journal,
        )

    await parts.steering.change(changed)
    if wish.enable_test_tenant is not None:
        await _set_test_tenant(parts)
    return _shown(parts)


async def _set_test_tenant(parts: Parts) -> None:
    """Enable or disable the tenant `test`, as a start does (contract 1.10): the last call wins, whoever writes first."""

    async def work(transaction: Transaction) -> int:
        parts.steering.refresh()
        return await transaction.update(_SET, tenants, flag=parts.modes.enable_test_tenant)

    await parts.store.write_whatever_was_read(work)


def _shown(parts: Parts) -> SettingsShown:
    modes: dict[str, Any] = vars(parts.modes)
    journal, race = parts.steering.state.journal, TapisSettings(race=parts.modes.race)
    return SettingsShown(**{name: modes[name] for name in modes if name != "race"}, journal=journal, tapis=race)
