"""What is set on one replica holds on all at the very next request: nothing here waits. Checks raise AssertionError."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from tests.replicas.asking import create_key, good, of_all, reset
from tests.seeded import ADMIN

Lines = Sequence[httpx.Client]
Wish = Callable[[httpx.Client, random.Random], "Seen"]
Seen = Callable[[httpx.Client], None]


def clock(line: httpx.Client, chance: random.Random) -> Seen:
    """Freeze the clock at some instant."""
    now = f"20{chance.randrange(30, 90)}-01-02T03:04:05+00:00"
    good(line.put("/_standin/clock", json={"mode": "frozen", "now": now}))
    return lambda other: _equal(_stamp(good(other.get("/_standin/clock"))["now"]), _stamp(now))


def advance(line: httpx.Client, chance: random.Random) -> Seen:
    """Freeze the clock where it is and move it on, which no replica may do a second time."""
    frozen = good(line.put("/_standin/clock", json={"mode": "frozen"}))["now"]
    moved = good(line.post("/_standin/clock/advance", json={"seconds": chance.randrange(1, 10_000)}))["now"]
    assert moved > frozen
    return lambda other: _equal(good(other.get("/_standin/clock"))["now"], moved)


def modes(line: httpx.Client, chance: random.Random) -> Seen:
    """Change modes, which the endpoints themselves show: no client can be made, or one can."""
    wish = {
        "new_clients": chance.choice(["allow", "disallow"]),
        "quirks": chance.choice(["intended", "real"]),
        "wire_version": chance.choice(["0.3.0", "0.1.0"]),
        "strict": chance.choice([True, False]),
    }
    good(line.patch("/_standin/settings", json=wish))

    def seen(other: httpx.Client) -> None:
        shown = good(other.get("/_standin/settings"))
        _equal({name: shown[name] for name in wish}, wish)
        _equal(good(other.get("/v1/tms/version"))["tms_version"], wish["wire_version"])

    return seen


def tenant(line: httpx.Client, chance: random.Random) -> Seen:
    """Switch the tenant `test` on or off, which is a row as well."""
    flag = chance.choice([True, False])
    good(line.patch("/_standin/settings", json={"enable_test_tenant": flag, "quirks": "intended"}))
    return lambda other: _equal(create_key(other).status_code == 201, flag)


def faults(line: httpx.Client, chance: random.Random) -> Seen:
    """Set a rule that answers in an endpoint's place."""
    status = chance.randrange(400, 600)
    good(line.put("/_standin/faults", json={"rules": [{"operation": "hello", "do": {"status": status}}]}))
    return lambda other: _equal(other.get("/v1/tms/hello").status_code, status)


def no_faults(line: httpx.Client, _chance: random.Random) -> Seen:
    """Remove all rules."""
    good(line.delete("/_standin/faults"))
    return lambda other: _equal(other.get("/v1/tms/hello").status_code, 200)


def journal(line: httpx.Client, chance: random.Random) -> Seen:
    """Switch the journal; each host keeps its own."""
    flag = chance.choice([True, False])
    good(line.patch("/_standin/settings", json={"journal": flag}))

    def seen(other: httpx.Client) -> None:
        before = _journalled(other)
        other.get("/v1/tms/version")
        _equal(_journalled(other) - before, int(flag))

    return seen


def rows(line: httpx.Client, _chance: random.Random) -> Seen:
    """Reset, and find the seed's one key on every replica, whatever was made before."""
    reset(line)
    return lambda other: _equal(good(other.get("/v1/tms/pubkeys/list", headers=ADMIN))["num_pubkeys"], 1)


WISHES: dict[str, Wish] = {
    "clock": clock,
    "clock moved on": advance,
    "modes": modes,
    "tenant test": tenant,
    "faults": faults,
    "no faults": no_faults,
    "journal": journal,
    "reset": rows,
}


def each(lines: Lines, seed: int) -> None:
    """Set everything there is, each by another replica, and look on all."""
    chance = random.Random(seed)
    for number, wish in enumerate(WISHES.values()):
        seen = wish(lines[number % len(lines)], chance)
        for line in lines:
            seen(line)
        reset(lines[(number + 1) % len(lines)])


def interleaved(lines: Lines, seed: int, steps: int) -> list[str]:
    """Set things in a random order on random replicas, and look on a random one each time; return what was done."""
    chance = random.Random(seed)
    done = []
    for _ in range(steps):
        name, setter, other = chance.choice(list(WISHES)), chance.choice(lines), chance.choice(lines)
        done.append(f"{name} on {lines.index(setter) + 1}, seen on {lines.index(other) + 1}")
        try:
            WISHES[name](setter, chance)(other)
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}: {'; '.join(done)}: {wrong}") from wrong
    reset(lines[0])
    return done


def struck_exactly(lines: Lines, strikes: int, asked: int) -> None:
    """A rule with a count strikes so many requests, all replicas together, and each of them counts the same."""
    rule = {"operation": "get_version", "count": strikes, "do": {"status": 418}}
    good(lines[0].put("/_standin/faults", json={"rules": [rule]}))
    statuses = of_all(lines, lambda line: [line.get("/v1/tms/version").status_code for _ in range(asked)])
    assert sum(one.count(418) for one in statuses) == strikes, statuses
    told = [good(line.get("/_standin/faults"))["rules"][0] for line in lines]
    assert [(one["matched"], one["struck"]) for one in told] == [(asked * len(lines), strikes)] * len(lines), told
    reset(lines[1])


def set_at_once(lines: Lines) -> None:
    """All replicas set the same thing at the same moment: no change is lost, and all show the same afterwards."""
    good(lines[0].put("/_standin/clock", json={"mode": "frozen", "now": "2040-01-01T00:00:00+00:00"}))
    of_all(lines, lambda line: good(line.post("/_standin/clock/advance", json={"seconds": 10})))
    told = {good(line.get("/_standin/clock"))["now"] for line in lines}
    assert {_stamp(now) for now in told} == {f"2040-01-01T00:00:{10 * len(lines)}"}, told
    reset(lines[2])


def _journalled(line: httpx.Client) -> int:
    found: list[Any] = good(line.get("/_standin/journal?limit=10000"))["entries"]
    return len([entry for entry in found if entry["path"] == "/v1/tms/version"])


def _stamp(told: str) -> str:
    return told[:19]


def _equal(found: object, wanted: object) -> None:
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"
