"""A server among a million keys beside one with the seed alone, driven in turns: speed, start, memory, lists."""

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.load import stock
from tests.load.measuring import share
from tests.load.scenarios import CLIENT, CREATEKEY, GETCLIENT, GETKEY, VALUE, Scenario
from tests.load.server import MEBIBYTE, Server, database_of, start_server, stopping
from tests.load.turns import Row, Run, compared, failures_of, in_turns, measured
from tests.load.wrk import Load
from tests.seeded import ADMIN as ADMINISTRATOR

CONNECTIONS = 50
CONDITIONS = ("seed alone", "among many")
STARTS, LISTS = 3, 3
ANY_KEY = replace(GETKEY, name="getkey, any key", body=f'{{"keytype":"ed25519","user_uid":"1",{VALUE}}}')
ANY_CLIENT = replace(
    GETCLIENT,
    name="getclient, any client",
    path=f"/v1/tms/client/{VALUE}",
    headers={**CLIENT, "X-TMS-CLIENT-ID": VALUE},
)


class Pair(NamedTuple):
    """What is sent to either side, and the values that go round on the side of the many, by their file's name."""

    name: str
    alone: tuple[Scenario, ...]
    many: tuple[Scenario, ...]
    values: str | None = None


PAIRS = (
    Pair("getkey", (GETKEY,), (GETKEY,)),
    Pair("getkey, any key", (GETKEY,), (ANY_KEY,), "keys"),
    Pair("getclient", (GETCLIENT,), (GETCLIENT,)),
    Pair("getclient, any client", (GETCLIENT,), (ANY_CLIENT,), "clients"),
    Pair("getkey, any key, and createkey", (GETKEY, CREATEKEY), (ANY_KEY, CREATEKEY), "keys"),
    Pair("createkey", (CREATEKEY,), (CREATEKEY,)),
)


@dataclass
class Million:
    """What was seen: rows to compare, other figures as (what, seed alone, among many, ratio), and failures."""

    keys: int
    rows: list[Row] = field(default_factory=list)
    others: list[list[str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Sides(NamedTuple):
    """Both servers, and the folder with the values."""

    servers: list[Server]
    directory: Path
    seconds: float
    most: int


def million(seconds: float, rounds: int, keys: int, most: int, directory: Path) -> Million:
    """Measure each request on both sides, in runs of `seconds` and `most` requests, and what else grows with keys."""
    found = Million(keys)
    folders = [directory / name for name in ("alone", "many")]
    begun = time.perf_counter()
    for folder, count in zip(folders, (0, keys), strict=True):
        _fill(folder, count)
    filled = time.perf_counter() - begun
    starts = _starts(folders)
    with ExitStack() as stack:
        servers = [stack.enter_context(stopping(start_server(folder))) for folder in folders]
        sides = Sides(servers, folders[1], seconds, most)
        for pair in PAIRS:
            found.rows += _compare(pair, sides, rounds, found.failures)
        memory = [server.memory() for server in servers]
        lists = [
            _lists(server.url, client) for server, client in zip(servers, ("testclient1", "client10"), strict=True)
        ]
    sizes = [database_of(folder).stat().st_size / MEBIBYTE for folder in folders]
    found.others += [
        _other("start to ready, s", starts),
        _other("memory after the load, MiB", memory),
        _other("database, MiB", sizes),
        *[_other(name, [one[name][1] for one in lists]) for name in lists[0]],
        *[_other(name.replace(", s", ", keys"), [one[name][0] for one in lists]) for name in lists[0]],
        ["filling by SQL, s", "", f"{filled:.0f}", ""],
    ]
    return found


def _fill(folder: Path, keys: int) -> None:
    folder.mkdir()
    stock.seeded(database_of(folder))
    if keys:
        stock.write_values(folder / "keys", stock.fill_keys(database_of(folder), keys))
        (folder / "clients").write_text("".join(f"{client}\n" for client in stock.clients_of_test(keys)))


def _starts(folders: list[Path]) -> list[float]:
    """Return the seconds from process start to the first 200, the median of starts that take turns."""
    taken: list[list[float]] = [[] for _ in folders]
    for _ in range(STARTS):
        for times, folder in zip(taken, folders, strict=True):
            with stopping(start_server(folder)) as server:
                times.append(server.ready_seconds)
    return [statistics.median(times) for times in taken]


def _compare(pair: Pair, sides: Sides, rounds: int, failures: list[str]) -> list[Row]:
    asked = 0

    def alone() -> Run:
        return measured(sides.servers[0], Load(pair.alone, CONNECTIONS, sides.seconds, sides.most), sides.directory)

    def many() -> Run:
        nonlocal asked
        values = sides.directory / pair.values if pair.values else None
        load = Load(pair.many, CONNECTIONS, sides.seconds, sides.most, values=values, first=asked)
        seen = measured(sides.servers[1], load, sides.directory)
        asked += seen.result.requests
        return seen

    runs = in_turns([alone, many], rounds)
    for condition, own in zip(CONDITIONS, runs, strict=True):
        failures += failures_of(pair.name, condition, Load(pair.alone, CONNECTIONS, sides.seconds), own)
    return compared(pair.name, CONDITIONS, runs)


def _lists(url: str, client: str) -> dict[str, tuple[int, float]]:
    """Return how many keys a client and an administrator list, and the seconds that it takes."""
    own = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": client, "X-TMS-CLIENT-SECRET": stock.SECRET}
    return {"a client's list, s": _listed(url, own), "an administrator's list, s": _listed(url, ADMINISTRATOR)}


def _listed(url: str, headers: dict[str, str]) -> tuple[int, float]:
    taken = []
    for _ in range(LISTS):
        begun = time.perf_counter()
        answer = httpx.get(f"{url}/v1/tms/pubkeys/list", headers=headers, timeout=120).raise_for_status()
        taken.append(time.perf_counter() - begun)
    return int(answer.json()["num_pubkeys"]), statistics.median(taken)


def _other(what: str, sides: list[float] | list[int]) -> list[str]:
    form = "{:,}" if isinstance(sides[0], int) else "{:,.3f}" if what.endswith(", s") else "{:,.1f}"
    return [what, *[form.format(side) for side in sides], f"{share(sides[1], sides[0]):.2f}"]
