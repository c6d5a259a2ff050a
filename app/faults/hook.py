"""Leads every request through the rules of one document that is set, or through its scenario. It sets nothing."""

import asyncio
from contextlib import suppress
from typing import Any, Protocol

from pydantic import TypeAdapter

from ..edge import Application, Receive, Scope
from ..errors import DatabaseGone
from ..parts import Parts
from ..steering.board import GENERATION, TALLIES, Board
from ..steering.operations import Named
from ..uvicorn_connection import Send
from .database_down import without_database
from .deeds import deed_of
from .document import MOST_RULES, Document, RuleSet
from .request import Request
from .rules import RunningRule, Tallies
from .scenarios import SCENARIOS

PLACES = 4  # of the board, taken in turns: what still counts for the rules before does not count for the new ones
_EACH = TALLIES // PLACES
assert 2 * MOST_RULES <= _EACH  # noqa: S101 - a matter of two constants

_DOCUMENT: TypeAdapter[Any] = TypeAdapter(Document)


class Leading(Protocol):
    """Something that leads requests on; `meet` returns whether the endpoint has still to answer."""

    async def meet(self, request: Request, application: Application, over: asyncio.Event) -> bool:
        """Do to a request whatever is due."""


class Faults:
    """The hook of front.py."""

    def __init__(self, parts: Parts, state: dict[str, Any]) -> None:
        document, tallies = _DOCUMENT.validate_python(state["document"]), tallies_of(parts.steering.board, state)
        self._parts = parts
        self._over = asyncio.Event()
        self._rules: list[Leading]
        if isinstance(document, RuleSet):
            self._rules = [
                RunningRule(
                    rule, number, document.seed, deed_of(rule.do, lambda do: without_database(parts, do)), tallies
                )
                for number, rule in enumerate(document.rules)
            ]
        else:
            self._rules = [SCENARIOS[document.scenario](document.seed, tallies)]

    async def __call__(self, named: Named, scope: Scope, receive: Receive, send: Send, forward: Application) -> None:
        """Answer one HTTP request, or have it answered."""
        request = Request(self._parts, named, scope, receive, send)
        for rule in self._rules:
            with suppress(DatabaseGone):  # What cannot be counted strikes nobody.
                if not await rule.meet(request, forward, self._over):
                    return
        await request.forward(forward)

    def end(self) -> None:
        """Let go of whatever waits: these rules are no longer set."""
        self._over.set()


def placed(board: Board, document: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Return what is kept as the state of a document, whose tallies begin at zero in another place than those before.

    `generation` makes it differ from what is set, so that the same document again is a change as well.
    """
    generation = board.words[GENERATION]
    place = generation % PLACES if before is None else (before["first_tally"] // _EACH + 1) % PLACES
    board.clear(range(place * _EACH, (place + 1) * _EACH))
    return {"document": document, "first_tally": place * _EACH, "generation": generation}


def tallies_of(board: Board, state: dict[str, Any]) -> Tallies:
    """Return the tallies of what is kept."""
    return Tallies(board, state["first_tally"])
