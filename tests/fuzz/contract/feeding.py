"""Starts a real server, leads it through its modes, feeds it after each document and reads its log."""

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import httpx

from tests.fuzz.outcome import Find, Outcome
from tests.servers import Server, running

from . import wire
from .allowed import Setup
from .documents import CONTROL, MAKERS
from .driving import Barren, Driver
from .judge import Judge

BY = "schemathesis"
LOG = "servers' logs"
SETUPS = tuple(Setup(*each) for each in product(("0.3.0", "0.1.0"), ("intended", "real"), (False, True)))
_EXAMPLES = 6
# Without MVP mode clients may be created, and keys need what the seed and the chains make.
# What uvicorn says of a request that is none (contract 6.4), whatever the log's format is.
_MALFORMED = "WARNING:  Invalid HTTP request received."
# JSON bodies, like the journal, are off by default; switched on they show more code.
SETTINGS = {"log_format": "json", "enable_mvp": False, "oauth__json_bodies": True}


def fed(names: Iterable[str], seconds: float, first_seed: int) -> Iterator[Outcome]:
    """Feed a server after each document for some seconds, in all modes in turns; then tell what its log holds."""
    with tempfile.TemporaryDirectory(prefix="tms-standin-fuzz-") as folder:
        with running(Path(folder), **SETTINGS) as server:
            for name in names:
                yield (
                    _fed_raw(server, seconds, first_seed)
                    if name == wire.NAME
                    else _fed_after(name, server, seconds, first_seed)
                )
        yield read(server)


def _fed_after(name: str, server: Server, seconds: float, first_seed: int) -> Outcome:
    started, cases, barren = time.monotonic(), 0, Barren()
    finds: list[Find] = []
    for turn, setup in enumerate(SETUPS):
        set_up(server, setup)  # The document depends on the wire version.
        ends = started + seconds * (turn + 1) / len(SETUPS)
        judge = Judge(server.url, setup, with_callers=name == "TMS")
        driver = Driver(MAKERS[name](server.url), judge, barren, ends)
        number = first_seed + turn * 1_000_000
        while not driver.is_over:
            set_up(server, setup)
            finds += [Find(find, find.encode()) for find in driver.drive(number, _EXAMPLES)]
            number += 1
        judge.close()
        cases += judge.count
    return Outcome(name, BY, time.monotonic() - started, cases, tuple(finds))


def _fed_raw(server: Server, seconds: float, first_seed: int) -> Outcome:
    started, cases, number = time.monotonic(), 0, first_seed
    finds: list[Find] = []
    while time.monotonic() < started + seconds:
        setup = SETUPS[number % len(SETUPS)]
        set_up(server, setup)
        done, find = wire.fed(server.port, setup, number, started + seconds)
        cases, number = cases + done, number + 1
        finds += [] if find is None else [find]
    return Outcome(wire.NAME, wire.BY, time.monotonic() - started, cases, tuple(finds))


def set_up(server: Server, setup: Setup) -> None:
    """Bring a server back to its seed and its settings, then into these modes, with a journal."""
    for method, path, body in (
        ("POST", "reset", {"settings": True}),
        ("PATCH", "settings", {**setup._asdict(), "journal": True}),
    ):
        httpx.request(method, f"{server.url}{CONTROL}/{path}", json=body).raise_for_status()


def read(server: Server) -> Outcome:
    """Return what the log of a server that has ended holds beside its beginning, its lines and its hints."""
    lines = server.log().splitlines()
    first = next((number for number, line in enumerate(lines) if _is_ordinary(line)), 0)
    wrong = [line for line in lines[first:] if not _is_ordinary(line)]
    text = "\n".join(wrong)
    finds = (Find(text[:2000], text.encode()),) if wrong else ()
    return Outcome(LOG, f"{len(lines) - first:,} lines", 0, 0, finds)


def _is_ordinary(line: str) -> bool:
    if line == _MALFORMED:
        return True
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and ("at" in found or "hint" in found)
