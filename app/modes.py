"""The switches that can change while the stand-in runs. It holds values and the wire they choose, nothing else."""

from dataclasses import dataclass
from typing import Any

from .errors import DatabaseAway, DatabaseGone
from .settings import Settings
from .wire import WIRES, Wire


@dataclass
class Modes:
    """The modes in force (design 2.2). Each request reads them when it needs them."""

    enable_mvp: bool
    enable_test_tenant: bool
    new_clients: str
    quirks: str
    strict: bool
    wire_version: str
    race: bool

    @classmethod
    def of(cls, settings: Settings) -> "Modes":
        """Return the modes that the settings start with."""
        own = {name: getattr(settings, name) for name in cls.__dataclass_fields__ if name != "race"}
        return cls(**own, race=settings.tapis.race)

    def become(self, initial: "Modes", changes: dict[str, Any]) -> None:
        """Take the values that the start had, but for these."""
        for name in self.__dataclass_fields__:
            setattr(self, name, changes.get(name, getattr(initial, name)))

    @property
    def wire(self) -> Wire:
        """Return how the wire version in force writes its answers."""
        return WIRES[self.wire_version]

    @property
    def real_defects(self) -> bool:
        """Return whether D1 and D2 are reproduced: both are defects of 0.3.0 alone (contract section 5)."""
        return self.quirks == "real" and self.wire_version == "0.3.0"

    def gone(self, words: str) -> DatabaseGone | DatabaseAway:
        """Return what a database that does not answer is to callers: `words` where the real server disguises it (D9)."""
        return DatabaseAway(words) if self.quirks == "real" else DatabaseGone(words)

    @property
    def clients_may_be_created(self) -> bool:
        """Return whether E05 is open (contract 1.11)."""
        return not self.enable_mvp and self.new_clients == "allow"
