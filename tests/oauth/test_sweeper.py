"""What is deleted when: everything an hour after its end, in small bites, and nothing else."""

import asyncio
import contextlib
import itertools
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import DatabaseTrouble
from app.oauth import sweeper
from app.oauth.device_flows import note_poll
from app.oauth.failures import Limit
from app.oauth.pace import Pace
from app.oauth.sweeper import AT_A_TIME, POLLS_AT_A_TIME, sweep, sweep_for_ever
from app.schema import Preparation
from app.sqlite.database import open_sqlite, prepare
from tests.oauth.driver import PUBLIC, refused

HOUR = 3600
# When what `everything` makes ends, in seconds, by table; an old key ends with the last token that it has signed.
ENDS = {
    "device_flows": 600,
    "device_polls": 600,
    "oauth_authorization_codes": 60,
    "oauth_failures": 60,
    "oauth_sessions": 8 * HOUR,
    "oauth_signing_keys": HOUR,
    "oauth_grants": 2_592_000,
    "oauth_access_tokens": HOUR,
    "oauth_refresh_tokens": 2_592_000,
}
CODE = {
    "response_type": "code",
    "client_id": PUBLIC,
    "redirect_uri": "http://localhost:1/back",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


async def everything(standin):
    """Put rows into every table, all at this instant, and return them."""
    await standin.poll(await standin.begin())
    await standin.tokens()
    await standin.authorized(**CODE)
    await standin.poll("unknown")
    await standin.parts.signing.rotate("")
    rows = await standin.rows()
    assert [name for name in ENDS if not rows[name]] == []
    return rows


def left(rows, seconds):
    """Return what is there after a sweep at an instant."""
    kept = {name: seconds <= ENDS.get(name, seconds) + HOUR for name in rows} | {"oauth_signing_keys": True}
    found = {name: rows[name] if kept[name] else [] for name in rows}
    if seconds > ENDS["oauth_signing_keys"] + HOUR:
        found["oauth_signing_keys"] = [row for row in rows["oauth_signing_keys"] if row.retired_at is None]
    return found


async def until(done):
    """Wait for something that happens in the background."""
    async with asyncio.timeout(60):
        while not await done():  # noqa: ASYNC110 - rows go and no event tells
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def sweeping(standin):
    """Sweep for ever, in the background."""
    task = asyncio.create_task(sweep_for_ever(standin.parts))
    try:
        yield
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)


@pytest.mark.parametrize("end", sorted(set(ENDS.values())))
async def test_what_ended_an_hour_ago(standin, end):
    """It is there for an hour and then gone, with what belongs to it; what lives longer stays as it was."""
    rows, start = await everything(standin), standin.clock.moment
    for seconds in (end + HOUR - 1, end + HOUR + 1):
        standin.clock.moment = start + seconds
        await sweep(standin.parts)
        assert await standin.rows() == left(rows, seconds)


async def test_nothing_has_ended(standin):
    """Nothing is deleted."""
    rows = await everything(standin)
    assert await sweep(standin.parts) == 0
    assert await standin.rows() == rows


async def test_how_many_it_were(standin):
    """Those that ended by themselves are counted, those that went along are not; the second time there are none."""
    rows = await everything(standin)
    standin.advance(2_592_000 + HOUR + 1)
    by_themselves = set(ENDS) - {"device_polls", "oauth_signing_keys"}
    assert await sweep(standin.parts) == sum(len(rows[name]) for name in by_themselves) + 1
    assert await sweep(standin.parts) == 0
    remaining = await standin.rows()
    assert [name for name in ENDS if remaining[name]] == ["oauth_signing_keys"]
    assert {name: remaining[name] for name in remaining if name not in ENDS} == {
        name: rows[name] for name in rows if name not in ENDS
    }


async def test_an_expired_flow_is_remembered_for_an_hour(standin):
    """Clients that stop at nothing else are told expired_token; after that the code is unknown (rows TK-11, X-07)."""
    flow = await standin.begin()
    for seconds in (600, HOUR - 1):
        standin.advance(seconds)
        await sweep(standin.parts)
        refused(await standin.poll(flow), 400, "expired_token")
    standin.advance(2)
    await sweep(standin.parts)
    refused(await standin.poll(flow), 400, "invalid_grant")


async def test_a_grant_outlives_its_flow(standin):
    """What was approved stays good when the flow is forgotten, and so does the key it is signed with."""
    tokens = await standin.tokens()
    standin.advance(600 + HOUR + 1)
    await sweep(standin.parts)
    assert (await standin.rows())["device_flows"] == []
    again = (await standin.refresh(tokens)).json()
    assert (await standin.userinfo(again["access_token"])).status_code == 200


async def test_a_used_refresh_token_is_remembered_while_it_would_have_been_good(standin_for):
    """So that its reuse ends the grant, however often that was prolonged in between (row OA-18)."""
    standin = await standin_for(oauth={"refresh_token_ttl": 10 * HOUR})
    first = last = await standin.tokens()
    for _ in range(3):
        standin.advance(3 * HOUR)
        await sweep(standin.parts)
        last = (await standin.refresh(last)).json()
    assert len((await standin.rows())["oauth_refresh_tokens"]) == 4
    refused(await standin.refresh(first), 400, "invalid_grant")
    refused(await standin.refresh(last), 400, "invalid_grant")


async def test_a_used_refresh_token_is_forgotten_when_it_would_have_ended(standin_for):
    """After that it is refused whether it is known or not, and proves nothing against who refreshed since."""
    standin = await standin_for(oauth={"refresh_token_ttl": 10 * HOUR})
    first = await standin.tokens()
    standin.advance(9 * HOUR)
    last = (await standin.refresh(first)).json()
    for seconds, known in ((HOUR, 2), (HOUR - 1, 2), (2, 1)):
        standin.advance(seconds)
        await sweep(standin.parts)
        assert len((await standin.rows())["oauth_refresh_tokens"]) == known
        refused(await standin.refresh(first), 400, "invalid_grant")
    assert (await standin.refresh(last)).status_code == 200


async def test_a_grant_that_is_refreshed_for_ever_does_not_grow(standin_for):
    """What is left of a year is one grant, and the tokens of the last refresh token's lifetime."""
    standin = await standin_for(oauth={"refresh_token_ttl": 20 * 24 * HOUR})
    tokens = await standin.tokens()
    for _ in range(36):
        standin.advance(10 * 24 * HOUR)
        tokens = (await standin.refresh(tokens)).json()
        await sweep(standin.parts)
    rows = await standin.rows()
    names = ("oauth_grants", "oauth_access_tokens", "oauth_refresh_tokens")
    assert [len(rows[name]) for name in names] == [1, 1, 3]
    assert (await standin.userinfo(tokens["access_token"])).status_code == 200


async def test_a_forgotten_access_token_is_answered_as_an_expired_one(standin):
    """Neither a resource server nor a client can tell the two apart."""
    tokens, answers = await standin.tokens(), []
    for seconds in (HOUR, HOUR + 1):
        standin.advance(seconds)
        await sweep(standin.parts)
        shown = await standin.userinfo(tokens["access_token"])
        revoked = await standin.post("/oauth2/revoke", token=tokens["access_token"], client_id=PUBLIC)
        told = await standin.introspect(tokens["access_token"])
        answers.append((shown.status_code, shown.json(), told, revoked.status_code, revoked.content))
    assert (await standin.rows())["oauth_access_tokens"] == []
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][2:]) == (401, ({"active": False}, 200, b"{}"))


@pytest.mark.parametrize(("lifetime", "seconds"), [(10, HOUR + 10), (5 * HOUR, 6 * HOUR)])
async def test_an_old_key_is_kept_while_its_tokens_live(standin_for, lifetime, seconds):
    """And an hour longer; the key in use is kept for ever (row JK-05)."""
    standin = await standin_for(oauth={"access_token_ttl": lifetime})
    old = await standin.parts.signing.current("")
    new = await standin.parts.signing.rotate("")
    standin.advance(seconds - 1)
    await sweep(standin.parts)
    assert {row.kid for row in (await standin.rows())["oauth_signing_keys"]} == {old.kid, new.kid}
    standin.advance(2)
    await sweep(standin.parts)
    assert [row.kid for row in (await standin.rows())["oauth_signing_keys"]] == [new.kid]


async def test_a_key_of_tapis_is_kept(standin):
    """Its tokens live as long as somebody has said at the consent (contract tapis 2.3)."""
    old = await standin.parts.signing.current("tapis/dev")
    new = await standin.parts.signing.rotate("tapis/dev")
    standin.advance(1_000 * 24 * HOUR)
    await sweep(standin.parts)
    assert {row.kid for row in (await standin.rows())["oauth_signing_keys"]} == {old.kid, new.kid}


async def guesses(standin, count):
    """Store the wrong guesses of many sources, which end at this instant."""
    limit, now = Limit("user_code", 5, timedelta()), standin.parts.clock.now()

    async def note(transaction):
        for number in range(count):
            await limit.note(transaction, str(number), now)

    await standin.parts.store.write(note)


@pytest.mark.parametrize("count", [0, 1, AT_A_TIME, AT_A_TIME + 1, 2 * AT_A_TIME + 100])
async def test_few_at_a_time(standin, count):
    """No transaction deletes more than nobody notices, and none of them is forgotten."""
    await guesses(standin, count)
    standin.advance(HOUR + 1)
    write, deleted = standin.parts.store.write, []

    async def counted(work):
        deleted.append(await write(work))
        return deleted[-1]

    standin.parts.store.write = counted
    assert await sweep(standin.parts) == count
    assert (sum(deleted), max(deleted)) == (count, min(count, AT_A_TIME))
    assert (await standin.rows())["oauth_failures"] == []


async def polled_flows(standin, polls):
    """Begin flows that were polled so often, which end at the same instant."""
    flows = [await standin.begin() for _ in polls]

    async def polled(transaction):
        for flow, times in zip(flows, polls, strict=True):
            row, pace = await standin.row(flow), Pace(5, 0, None)
            for number in range(times):
                await note_poll(transaction, row._replace(polls=number), pace, "slow_down", standin.parts.clock.now())

    await standin.parts.store.write(polled)


async def test_polls_count_too(standin):
    """Flows that were polled often go fewer at a time, one that alone has too many polls goes alone."""
    await polled_flows(standin, [POLLS_AT_A_TIME + 1, 300, 199, 1, 0, 0])
    standin.advance(600 + HOUR + 1)
    left = [len((await standin.rows())["device_polls"])]
    write = standin.parts.store.write

    async def counted(work):
        deleted = await write(work)
        left.append(len((await standin.rows())["device_polls"]))
        return deleted

    standin.parts.store.write = counted
    assert await sweep(standin.parts) == 6
    gone = [before - after for before, after in itertools.pairwise(left) if before != after]
    assert gone == [POLLS_AT_A_TIME, 300 + 199 + 1]


@pytest.mark.parametrize(("table", "statement"), sweeper._FORGET, ids=[table.name for table, _ in sweeper._FORGET])
def test_what_lives_is_not_looked_at(table, statement):
    """An index leads to the rows that may go, so that those kept for years, flows of Tapis among them, cost nothing."""
    with contextlib.closing(open_sqlite(":memory:")) as connection:
        prepare(connection, ":memory:", Preparation(lambda _begun: None, None, True))
        values = statement.bind({"before": datetime.now(UTC), "most": AT_A_TIME})
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", values)]
    [search] = [step for step in steps if f" {table.name} " in step and "<?" in step]
    assert re.fullmatch(rf"SEARCH {table.name} USING INDEX {table.name}_\w+_idx \(\w+<\?\)", search)
    assert [step for step in steps if step.startswith(f"SCAN {table.name}")] == []


async def test_others_are_served_between_two_bites(standin):
    """A device need not wait for the end of a long sweep."""
    await guesses(standin, 4 * AT_A_TIME)
    standin.advance(HOUR + 1)
    done = []

    async def noted(name, work):
        await work
        done.append(name)

    await asyncio.gather(noted("sweep", sweep(standin.parts)), noted("device", standin.begin()))
    assert done == ["device", "sweep"]


async def test_a_start_sweeps(standin_for, tmp_path):
    """What ended while nobody ran is gone soon after, without anybody asking."""
    database = f"sqlite:///{tmp_path / 'tms.db'}"
    before = await standin_for(database=database)
    before.advance(-100_000)
    await before.tokens()
    assert len((await before.rows())["device_flows"]) == 1
    after = await standin_for(database=database)

    async def swept():
        return not (await after.rows())["device_flows"]

    await until(swept)
    assert len((await after.rows())["oauth_grants"]) == 1


async def test_it_goes_on(standin, monkeypatch):
    """What ends later is deleted later."""
    monkeypatch.setattr(sweeper, "PAUSE_SECONDS", 0.01)

    async def swept():
        return not (await standin.rows())["device_flows"]

    async with sweeping(standin):
        for _ in range(2):
            await standin.begin()
            assert len((await standin.rows())["device_flows"]) == 1
            standin.advance(600 + HOUR + 1)
            await until(swept)


@pytest.mark.on_sqlite
async def test_a_database_that_refuses(standin):
    """The error comes out, and what could not be deleted is there."""
    await standin.begin()
    standin.advance(600 + HOUR + 1)
    rows = await standin.rows()
    standin.parts.store._writer.connection.execute("ALTER TABLE device_flows RENAME TO away")
    with pytest.raises(DatabaseTrouble, match=r"no such table: device_flows$"):
        await sweep(standin.parts)
    standin.parts.store._writer.connection.execute("ALTER TABLE away RENAME TO device_flows")
    assert await standin.rows() == rows


@pytest.mark.on_sqlite
async def test_a_database_that_refuses_is_asked_again(standin, monkeypatch, caplog):
    """A line in the log tells why, and the next time everything is deleted."""
    monkeypatch.setattr(sweeper, "PAUSE_SECONDS", 0.01)
    await standin.begin()
    standin.advance(600 + HOUR + 1)
    standin.parts.store._writer.connection.execute("ALTER TABLE device_flows RENAME TO away")

    async def warned():
        return bool(caplog.records)

    async def swept():
        return not (await standin.rows())["device_flows"]

    async with sweeping(standin):
        await until(warned)
        standin.parts.store._writer.connection.execute("ALTER TABLE away RENAME TO device_flows")
        await until(swept)
    record = caplog.records[0]
    assert (record.name, record.levelno) == ("tms_standin.oauth", logging.WARNING)
    assert re.fullmatch(r"nothing was swept: .*no such table: device_flows", record.getMessage())


async def test_a_fault_of_ours_does_not_end_it(standin, monkeypatch, caplog):
    """It stands in the log with its traceback, and the next sweep comes."""
    monkeypatch.setattr(sweeper, "PAUSE_SECONDS", 0.01)
    await standin.begin()
    standin.advance(600 + HOUR + 1)
    clock, standin.parts.clock = standin.parts.clock, None

    async def told():
        return bool(caplog.records)

    async def swept():
        return not (await standin.rows())["device_flows"]

    async with sweeping(standin):
        await until(told)
        standin.parts.clock = clock
        await until(swept)
    record = caplog.records[0]
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "sweeping failed")
    assert record.exc_info[0] is AttributeError
