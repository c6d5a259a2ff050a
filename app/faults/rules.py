"""Which requests a rule strikes, and how often it has. What it does to them is deeds.py's."""

import asyncio

from ..edge import Application
from ..steering.board import Board
from .deeds import Deed
from .document import Rule
from .durations import draw
from .request import Request


class RunningRule:
    """A rule with its two tallies: the requests that matched, and those that it struck."""

    def __init__(self, rule: Rule, number: int, seed: int, deed: Deed, tallies: "Tallies") -> None:
        self._rule = rule
        self._number = number
        self._seed = seed
        self._deed = deed
        self._tallies = tallies

    async def meet(self, request: Request, application: Application, over: asyncio.Event) -> bool:
        """Do to a request what the rule says, if it strikes; return whether the request goes on to the next rule."""
        if not await self._matches(request):
            return True
        number = await self._tallies.count(2 * self._number)
        if not self._strikes(number):
            return True
        await self._tallies.count(2 * self._number + 1)
        return await self._deed(request, application, over, draw(self._seed, f"{self._number} deed", number))

    async def _matches(self, request: Request) -> bool:
        rule = self._rule
        if rule.operation is not None and rule.operation not in request.named:
            return False
        if rule.tenant is not None and rule.tenant != request.tenant:
            return False
        return rule.client_id is None or rule.client_id == await request.client_id()

    def _strikes(self, number: int) -> bool:
        """Return whether the match of this number, from 0 on, is struck: the same in every run."""
        rule = self._rule
        if rule.count is not None and number >= rule.count:
            return False
        if (number + 1) % (rule.every or 1):
            return False
        return rule.probability is None or draw(self._seed, f"{self._number} strike", number) < rule.probability


class Tallies:
    """The counters of one document of rules, in a place of the board that no other one uses at the same time."""

    def __init__(self, board: Board, first: int) -> None:
        self._board = board
        self._first = first

    async def count(self, tally: int) -> int:
        """Add one and return what it was, over all processes on the database."""
        return await self._board.tally(self._first + tally)

    async def counted(self, tally: int) -> int:
        """Return what it is."""
        return await self._board.tallied(self._first + tally)
