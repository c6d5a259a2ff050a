"""Feeds a target what hypothesis makes: real input with pieces put in, taken out and repeated. It needs no compiler."""

import time
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .outcome import Find, Outcome
from .targets.target import Target

BY = "hypothesis"
SLOW_SECONDS = 1.0
_TRIES = 3  # of a slow input, since other programs run on this machine
_LARGEST = 65_536  # bytes of a body that the authorization server reads and the journal keeps
_EXAMPLES = 300


class SlowError(AssertionError):
    """A target took longer than a request may."""


def fed(
    target: Target, seconds: float, first_seed: int, rounds: int | None = None, examples: int = _EXAMPLES
) -> Outcome:
    """Feed a target for some time, or for a number of rounds of some hundred inputs; the first find ends it."""
    started, cases = time.monotonic(), 0
    ends = started + seconds if rounds is None else None
    number = first_seed
    while time.monotonic() < ends if ends is not None else number < first_seed + (rounds or 0):
        done, find = _round(target, number, examples, ends)
        cases += done
        if find is not None:
            return Outcome(target.name, BY, time.monotonic() - started, cases, (find,))
        number += 1
    return Outcome(target.name, BY, time.monotonic() - started, cases)


def _round(target: Target, number: int, examples: int, ends: float | None) -> tuple[int, Find | None]:
    """Feed so many inputs and return how many there were, and the smallest that is a find; a slow one as it is."""
    phases = [Phase.generate]
    find, cases = _tried(target, number, examples, ends, phases)
    if find is not None and not find.sentence.startswith(SlowError.__name__):
        find = _tried(target, number, examples, ends, [*phases, Phase.shrink])[0] or find
    return cases, find


def _tried(
    target: Target, number: int, examples: int, ends: float | None, phases: list[Phase]
) -> tuple[Find | None, int]:
    cases = 0
    failed: Find | None = None

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target))
    def feed(data: bytes) -> None:
        nonlocal cases, failed
        if ends is not None and time.monotonic() > ends:
            return
        cases += 1
        try:
            check_in_time(target, data) if ends is not None and target.linear else target.check(data)
        except Exception as failure:
            failed = Find(f"{type(failure).__name__}: {failure}"[:2000], data)
            raise

    with suppress(Exception):  # Whatever a target raises is a find, told by `failed`; hypothesis may add its own words.
        feed()
    return failed, cases


def check_in_time(target: Target, data: bytes) -> None:
    """Check an input. Raises SlowError where every one of some tries takes longer than a request may."""
    taken = []
    for _ in range(_TRIES):
        started = time.perf_counter()
        target.check(data)
        taken.append(time.perf_counter() - started)
        if taken[-1] <= SLOW_SECONDS:
            return
    raise SlowError(f"{len(data)} bytes took {min(taken):.1f} s")


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Return what makes input for a target: changed examples, and a piece of one repeated as often as a body holds."""
    pieces = st.sampled_from(target.tokens) | st.binary(max_size=8)
    examples = st.sampled_from(target.examples) | st.binary(max_size=64)
    edits = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 12), pieces), max_size=10)
    changed = st.builds(_changed, examples, edits)
    parts = st.lists(pieces, min_size=1, max_size=4).map(b"".join)
    return changed | changed | st.builds(_repeated, examples, st.integers(0, 2**16), parts, st.integers(0, 16), pieces)


def _changed(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Return an example in which pieces stand for some of its bytes."""
    for place, length, piece in edits:
        start = place % (len(data) + 1)
        data = data[:start] + piece + data[start + length :]
    return data


def _repeated(data: bytes, place: int, piece: bytes, power: int, end: bytes) -> bytes:
    start = place % (len(data) + 1)
    room = min(1 << power, _LARGEST - len(data)) // max(len(piece), 1)
    return (data[:start] + piece * room + end + data[start:])[:_LARGEST]
