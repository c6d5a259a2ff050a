"""Applies what is set to this process, and lets calls of the control plane set it for all. It knows no HTTP."""

import asyncio
from collections.abc import Awaitable, Callable

from ..clock import Clock
from ..modes import Modes
from ..settings import Settings
from .board import EPOCH, GENERATION, TALLIES, Board
from .state import NOTHING, ClockState, State

LOOK_SECONDS = 0.05  # between two looks at what other processes have set; every request looks too
_NEVER = -1

Changed = Callable[[State], State]
Listener = Callable[[State], None]


class Steering:
    """What is set. `calm` is the generation in which a request needs nothing from here, or a number that no one has."""

    def __init__(self, board: Board, settings: Settings, clock: Clock, modes: Modes) -> None:
        self.board = board
        self.state = NOTHING
        self.calm = 0
        self._seen = 0
        self._settings = settings
        self._clock = clock
        self._modes = modes
        self._listeners: list[Listener] = []
        self.at_reset: list[Callable[[], Awaitable[None]]] = []

    @property
    def is_calm(self) -> bool:
        """Return whether nothing stands between a request and its endpoint; one comparison."""
        return self.board.words[GENERATION] == self.calm

    @property
    def epoch(self) -> int:
        """Return the number of the rows' last replacement; it is odd while they are replaced."""
        return self.board.words[EPOCH]

    def listen(self, listener: Listener) -> None:
        """Have a function called with the state whenever it has changed."""
        self._listeners.append(listener)

    def refresh(self) -> None:
        """Apply what another process has set since the last look."""
        if self.board.words[GENERATION] != self._seen:
            self._seen, state = self.board.read()
            self._apply(state)

    async def change(self, changed: Changed) -> State:
        """Replace what is set by what `changed` returns for it, in every process, and return that."""
        await self.board.alter(changed)
        self.refresh()
        return self.state

    async def rest(self, modes_too: bool = False) -> None:
        """Take back what a reset takes back (design 2.7), and with `modes_too` the modes; often there is nothing."""
        self.refresh()
        if self.state != (NOTHING if modes_too else at_rest(self.state)):
            await self.change(lambda state: self._rested(state, modes_too))

    def _rested(self, state: State, modes_too: bool) -> State:
        self.board.clear(range(TALLIES))
        return NOTHING if modes_too else at_rest(state)

    async def watch(self) -> None:
        """Look for what others have set, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.refresh()

    def _apply(self, state: State) -> None:
        before, self.state = self.state, state
        if state.clock != before.clock:
            self._clock.set(state.clock.mode, state.clock.now, state.clock.offset_seconds)
        if state.modes != before.modes:
            self._modes.become(Modes.of(self._settings), state.modes)
        for listener in self._listeners:
            listener(state)
        self.calm = self._seen if state.faults is None and not state.journal else _NEVER


def at_rest(state: State) -> State:
    """Return the state after a reset: modes and journal stay, the rest is as at a start (design 2.7)."""
    return State(clock=ClockState(), modes=state.modes, faults=None, journal=state.journal)
