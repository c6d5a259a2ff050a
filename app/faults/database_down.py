"""The endpoints over a database that does not answer (contract D9). What they make of it is theirs alone."""

from dataclasses import replace
from functools import wraps
from typing import Any, NoReturn, cast

from ..call import Call
from ..declare import Operation
from ..documents import not_found
from ..edge import Application, Edge
from ..errors import POOL_TIMED_OUT, DatabaseAway
from ..gates import TENANT_STATE
from ..oauth.door import Door
from ..parts import Parts
from ..statements import Statement
from ..store import Store
from ..tapis.door import TapisDoor
from ..tms import OPERATIONS
from .document import DatabaseDown


class AwayStore:
    """A store that answers some questions and refuses all others, and every write. Everything raises DatabaseAway."""

    def __init__(self, store: Store, answered: frozenset[Statement]) -> None:
        self._store = store
        self._answered = answered
        self.remembered = self

    async def one(self, statement: Statement, **parameters: Any) -> Any:
        """Return the first row of a question that is still answered."""
        return await self.cached(statement, **parameters)

    async def cached(self, statement: Statement, **parameters: Any) -> Any:
        """Return the same."""
        if statement not in self._answered:
            _away()
        return await self._store.cached(statement, **parameters)

    def pages(self, *_question: Any, **_parameters: Any) -> NoReturn:
        """Refuse."""
        _away()

    async def write(self, *_work: Any) -> NoReturn:
        """Refuse."""
        _away()

    write_whatever_was_read = write


def without_database(parts: Parts, down: DatabaseDown) -> Application:
    """Return every endpoint, over a database that is away from the first question on, or from a later one."""
    answered = frozenset((TENANT_STATE,)) if down.database_down == "authorization" else frozenset()
    store = cast("Store", AwayStore(parts.store, answered))  # It is all that endpoints use of one.
    away = replace(parts, store=store, signing=parts.signing.over(store))
    otherwise = Door(away, TapisDoor(away, not_found))
    if down.database_down == "dependencies":
        return Edge([_away_behind_its_gate(operation, away) for operation in OPERATIONS], parts, otherwise)
    return Edge(OPERATIONS, away, otherwise)


def _away_behind_its_gate(operation: Operation, away: Parts) -> Operation:
    """Return an operation whose checks find the database there, and whose work does not."""

    @wraps(operation.handler)
    async def handler(call: Call, **named: Any) -> Any:
        call.parts = away
        return await operation.handler(call, **named)

    return replace(operation, handler=handler)


def _away() -> NoReturn:
    raise DatabaseAway(POOL_TIMED_OUT)
