"""What is set takes effect in every process: clock and modes here, faults and journal by their listeners."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import Clock
from app.modes import Modes
from app.settings import Settings, Tapis
from app.steering.board import Board
from app.steering.state import NOTHING, ClockState, State
from app.steering.steering import Steering, at_rest

MOMENT = datetime(2026, 11, 23, 18, tzinfo=UTC)


class Process:
    """What one process has."""

    def __init__(self, path, **settings):
        self.settings = Settings(**settings)
        self.clock, self.modes = Clock(), Modes.of(self.settings)
        self.steering = Steering(Board(path), self.settings, self.clock, self.modes)
        self.steering.board.open()
        self.steering.refresh()


@pytest.fixture
def processes(tmp_path):
    """Return two of them on one database."""
    made = [Process(tmp_path / "tms.db-steering") for _ in range(2)]
    yield made
    for process in made:
        process.steering.board.close()


async def test_the_clock(processes):
    """It stands where it was set, in the other process after its next look."""
    one, other = processes
    state = await one.steering.change(lambda _state: State(clock=ClockState("frozen", MOMENT)))
    assert (state, one.clock.now()) == (State(clock=ClockState("frozen", MOMENT)), MOMENT)
    assert other.clock.now() != MOMENT
    other.steering.refresh()
    assert other.clock.now() == MOMENT
    assert (other.clock.nanosecond(), other.clock.http_date()) == (0, b"Mon, 23 Nov 2026 18:00:00 GMT")


async def test_the_modes(processes):
    """They are those of the start but for what was set, and come back when that is taken away."""
    one, other = processes
    await one.steering.change(lambda _state: State(modes={"enable_mvp": False, "race": True}))
    other.steering.refresh()
    expected = Modes.of(Settings(enable_mvp=False, tapis=Tapis(race=True)))
    assert one.modes == other.modes == expected
    await other.steering.change(lambda _state: NOTHING)
    one.steering.refresh()
    assert one.modes == other.modes == Modes.of(Settings())


@pytest.mark.parametrize(
    ("state", "calm"),
    [
        (NOTHING, True),
        (State(clock=ClockState("offset", None, 5)), True),
        (State(modes={"strict": True}), True),
        (State(journal=True), False),
        (State(faults={"rules": []}), False),
    ],
)
async def test_when_a_request_needs_the_front(processes, state, calm):
    """For faults and the journal; and always once after another process has set anything."""
    one, other = processes
    assert (one.steering.is_calm, other.steering.is_calm) == (True, True)
    await one.steering.change(lambda _state: state)
    assert (one.steering.is_calm, other.steering.is_calm) == (calm, False)
    other.steering.refresh()
    assert other.steering.is_calm == calm


async def test_listeners(processes):
    """They are told what is set, once for each change, and not without one."""
    one, other = processes
    told = []
    other.steering.listen(told.append)
    other.steering.refresh()
    await one.steering.change(lambda _state: State(journal=True))
    other.steering.refresh()
    other.steering.refresh()
    assert told == [State(journal=True)]


async def test_the_watch(processes):
    """A process that gets no request learns it too."""
    one, other = processes
    watching = asyncio.create_task(other.steering.watch())
    heard = asyncio.Event()
    other.steering.listen(lambda _state: heard.set())
    await one.steering.change(lambda _state: State(clock=ClockState("frozen", MOMENT)))
    await asyncio.wait_for(heard.wait(), 10)
    watching.cancel()
    assert other.clock.now() == MOMENT


async def test_waiting_for_the_clock(processes):
    """Whoever waits is woken when the clock moves far enough, in the other process too, and not before."""
    one, other = processes
    await one.steering.change(lambda _state: State(clock=ClockState("frozen", MOMENT)))
    other.steering.refresh()
    waiting = [asyncio.create_task(process.clock.sleep(3600)) for process in processes]
    for seconds, done in ((3599, False), (3600, True)):
        moved = State(clock=ClockState("frozen", MOMENT + timedelta(seconds=seconds)))
        await one.steering.change(lambda _state, moved=moved: moved)
        other.steering.refresh()
        await asyncio.wait(waiting, timeout=10 if done else 0.01)
        assert [task.done() for task in waiting] == [done, done]


async def test_waiting_in_real_time():
    """A clock that nobody moves ends a wait by itself."""
    clock = Clock()
    before = clock.stopwatch()
    await clock.sleep(0.05)
    assert clock.stopwatch() - before >= 0.04


def test_at_rest():
    """A reset leaves modes and journal, and nothing else (design 2.7)."""
    state = State(ClockState("frozen", MOMENT), {"strict": True}, {"rules": []}, journal=True)
    assert at_rest(state) == State(ClockState(), {"strict": True}, None, journal=True)
