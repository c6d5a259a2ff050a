"""Named states: kept, listed, handed out, taken in, restored (design 2.7)."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from app.schema import HEAD
from tests.control.conftest import problem
from tests.seeded import CALLER as CREDENTIALS

SNAPSHOTS = "/_standin/snapshots"
WANTED = {"client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1", "num_uses": -1}
WANTED |= {"ttl_minutes": 60, "key_type": ""}


@pytest.fixture
async def standin(location, client_for):
    """Return a client of a stand-in on a file, in memory or on PostgreSQL."""
    return await client_for(database=location)


async def new_key(client):
    """Make a key and return its fingerprint."""
    answer = await client.post("/v1/tms/pubkeys/creds", json=WANTED, headers=CREDENTIALS)
    assert answer.status_code == 201, answer.text
    return answer.json()["public_key_fingerprint"]


async def is_there(client, fingerprint):
    """Return whether a key is found."""
    asked = {"user": "testhostaccount1", "user_uid": "1", "host": "testhost1", "key_type": "ssh-ed25519"}
    asked["public_key_fingerprint"] = fingerprint
    return (await client.post("/v1/tms/pubkeys/creds/retrieve", json=asked)).status_code == 200


async def test_a_state_is_kept_and_restored(standin):
    """Keys made since are gone, those of before are there; a reset in between changes nothing about that."""
    first = await new_key(standin)
    saved = await standin.put(f"{SNAPSHOTS}/one.key-1")
    assert saved.status_code == 200
    told = saved.json()
    assert (told["name"], told["revision"], told["bytes"] > 100_000) == ("one.key-1", HEAD, True)
    assert (await standin.get(SNAPSHOTS)).json() == {"snapshots": [told]}
    second = await new_key(standin)
    await standin.post("/_standin/reset")
    assert [await is_there(standin, key) for key in (first, second)] == [False, False]
    restored = await standin.post(f"{SNAPSHOTS}/one.key-1/restore")
    assert (restored.status_code, restored.json()) == (200, told)
    assert [await is_there(standin, key) for key in (first, second)] == [True, False]
    assert await is_there(standin, await new_key(standin))


async def test_when_it_was_saved(standin):
    """By the stand-in's clock, like every other moment."""
    await standin.put("/_standin/clock", json={"mode": "frozen", "now": "2030-01-01T00:00:00Z"})
    for _ in range(2):
        told = (await standin.put(f"{SNAPSHOTS}/a")).json()
        assert told["created"] == "2030-01-01T00:00:00+00:00"
        await standin.put("/_standin/clock", json={"mode": "real"})
        assert (await standin.get(SNAPSHOTS)).json() == {"snapshots": [told]}
        await standin.put("/_standin/clock", json={"mode": "frozen", "now": "2030-01-01T00:00:00Z"})


async def test_a_name_is_replaced(standin):
    """The later state counts, and there is one."""
    await standin.put(f"{SNAPSHOTS}/a")
    key = await new_key(standin)
    await standin.put(f"{SNAPSHOTS}/a")
    await standin.post("/_standin/reset")
    await standin.post(f"{SNAPSHOTS}/a/restore")
    assert await is_there(standin, key)
    assert [one["name"] for one in (await standin.get(SNAPSHOTS)).json()["snapshots"]] == ["a"]


async def test_clock_and_settings_stay(standin):
    """A snapshot is of the rows alone."""
    await standin.put(f"{SNAPSHOTS}/a")
    await standin.patch("/_standin/settings", json={"strict": True})
    await standin.put("/_standin/clock", json={"mode": "frozen", "now": "2030-01-01T00:00:00Z"})
    await standin.post(f"{SNAPSHOTS}/a/restore")
    assert (await standin.get("/_standin/settings")).json()["strict"] is True
    assert (await standin.get("/_standin/clock")).json()["mode"] == "frozen"


async def test_from_one_stand_in_to_another(standin, client_for):
    """What GET answers is one file, which another one takes in."""
    key = await new_key(standin)
    await standin.put(f"{SNAPSHOTS}/a")
    file = await standin.get(f"{SNAPSHOTS}/a")
    assert (file.status_code, file.headers["content-type"]) == (200, "application/vnd.sqlite3")
    assert file.headers["content-disposition"] == 'attachment; filename="a.sqlite"'
    other = await client_for()
    taken = await other.put(f"{SNAPSHOTS}/b", content=file.content)
    assert (taken.status_code, taken.json()["bytes"]) == (200, len(file.content))
    assert not await is_there(other, key)
    await other.post(f"{SNAPSHOTS}/b/restore")
    assert await is_there(other, key)


async def test_a_large_file(standin, tmp_path):
    """It may be larger than any other body of the control plane."""
    await standin.put(f"{SNAPSHOTS}/a")
    (tmp_path / "large").write_bytes((await standin.get(f"{SNAPSHOTS}/a")).content)
    with closing(sqlite3.connect(tmp_path / "large")) as connection:
        insert = (
            "INSERT INTO hosts (tenant, host, addr, created, updated) SELECT 'test', ?, '10.0.0.1', created, created"
        )
        connection.executemany(f"{insert} FROM tenants LIMIT 1", [(f"host{number}" * 10,) for number in range(10_000)])
        connection.commit()
    content = (tmp_path / "large").read_bytes()
    taken = await standin.put(f"{SNAPSHOTS}/large", content=content)
    assert (taken.status_code, taken.json()["bytes"], len(content) > 1_048_576) == (200, len(content), True)


async def test_deleting(standin):
    """It is gone; a second time there is nothing to delete."""
    await standin.put(f"{SNAPSHOTS}/a")
    deleted = await standin.delete(f"{SNAPSHOTS}/a")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await standin.get(SNAPSHOTS)).json() == {"snapshots": []}
    unknown = "There is no snapshot called a; GET snapshots lists all of them."
    problem(await standin.delete(f"{SNAPSHOTS}/a"), 404, "Not Found", unknown)


async def test_an_unknown_name(standin):
    """To restore or to download; the rows stay."""
    key = await new_key(standin)
    unknown = "There is no snapshot called nope; GET snapshots lists all of them."
    problem(await standin.post(f"{SNAPSHOTS}/nope/restore"), 404, "Not Found", unknown)
    problem(await standin.get(f"{SNAPSHOTS}/nope"), 404, "Not Found", unknown)
    assert await is_there(standin, key)


@pytest.mark.parametrize("name", [".a", "-a", "a" * 65, "a%2Fb", "a%00", "a b", "%2e%2e"])
async def test_a_name_that_is_none(client, name):
    """It never leaves the folder."""
    answer = await client.put(f"{SNAPSHOTS}/{name}")
    assert answer.status_code in (400, 404, 422)
    assert (await client.get(SNAPSHOTS)).json() == {"snapshots": []}


def stranger(path, revision=None):
    """Make a database file of somebody else, or of another revision of ours, and return its bytes."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)" if revision else "CREATE TABLE other (a)")
        if revision:
            connection.execute("INSERT INTO alembic_version VALUES (?)", [revision])
        connection.commit()
    return path.read_bytes()


NO_SNAPSHOT = "this is no snapshot of a stand-in, expected what GET snapshots/NAME has answered"


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("noise", NO_SNAPSHOT),
        ("stranger", NO_SNAPSHOT),
        ("newer", f"its schema revision is 'tms_9999', expected {HEAD}, the one of this code"),
        ("half", NO_SNAPSHOT),
    ],
)
async def test_a_file_that_cannot_be_used(standin, tmp_path, kind, detail):
    """The refusal is a sentence, and no snapshot is left."""
    await standin.put(f"{SNAPSHOTS}/good")
    good = (await standin.get(f"{SNAPSHOTS}/good")).content
    await standin.delete(f"{SNAPSHOTS}/good")
    files = {"noise": b"x" * 5000, "half": good[: len(good) // 2]}
    files["stranger"] = stranger(tmp_path / "stranger")
    files["newer"] = stranger(tmp_path / "newer", "tms_9999")
    answer = await standin.put(f"{SNAPSHOTS}/a", content=files[kind])
    problem(answer, 422, "Unprocessable Entity", f"The snapshot cannot be used: {detail}.")
    assert (await standin.get(SNAPSHOTS)).json() == {"snapshots": []}


async def test_a_damaged_file(standin, tmp_path):
    """A page that is no page is found before the file is taken in."""
    await standin.put(f"{SNAPSHOTS}/a")
    (tmp_path / "damaged").write_bytes((await standin.get(f"{SNAPSHOTS}/a")).content)
    with closing(sqlite3.connect(tmp_path / "damaged")) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'hosts'")
        [(size,)] = connection.execute("PRAGMA page_size")
    content = bytearray((tmp_path / "damaged").read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    answer = await standin.put(f"{SNAPSHOTS}/b", content=bytes(content))
    detail = "the file is damaged, expected what GET snapshots/NAME has answered"
    problem(answer, 422, "Unprocessable Entity", f"The snapshot cannot be used: {detail}.")
    assert [one["name"] for one in (await standin.get(SNAPSHOTS)).json()["snapshots"]] == ["a"]


async def test_a_schema_that_is_no_text(standin):
    """SQLite tells the damage in a sentence of bytes that are no UTF-8."""
    await standin.put(f"{SNAPSHOTS}/a")
    content = bytearray((await standin.get(f"{SNAPSHOTS}/a")).content)
    place = content.find(b"CREATE")
    content[place : place + 6] = b"\xfe\xf0CREA"
    answer = await standin.put(f"{SNAPSHOTS}/b", content=bytes(content))
    problem(answer, 422, "Unprocessable Entity", f"The snapshot cannot be used: {NO_SNAPSHOT}.")


async def test_a_database_in_wal(client_for, tmp_path):
    """A copy of a live one is restored like any other file, and SQLite puts nothing beside it."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    key = await new_key(client)
    with closing(sqlite3.connect(tmp_path / "tms.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    taken = await client.put(f"{SNAPSHOTS}/a", content=(tmp_path / "tms.db").read_bytes())
    assert taken.status_code == 200, taken.text
    await client.post("/_standin/reset")
    assert (await client.post(f"{SNAPSHOTS}/a/restore")).status_code == 200
    assert await is_there(client, key)
    assert [path.name for path in (tmp_path / "tms.db-snapshots").iterdir()] == ["a.sqlite"]


async def test_what_a_killed_process_has_left(client_for, tmp_path):
    """The next start removes half a snapshot and half an upload, and no file of anybody else."""
    folder = tmp_path / "tms.db-snapshots"
    folder.mkdir()
    for name in (".upload1x2y3z", ".a.sqlite.4711", ".gitignore"):
        (folder / name).write_bytes(b"half")
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    assert [path.name for path in folder.iterdir()] == [".gitignore"]
    assert (await client.get(SNAPSHOTS)).json() == {"snapshots": []}


async def test_a_file_that_was_changed_beside_the_server(client_for, tmp_path):
    """It is looked at again before it is restored; the rows stay, and the list leaves it out."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    key = await new_key(client)
    await client.put(f"{SNAPSHOTS}/a")
    (tmp_path / "tms.db-snapshots" / "a.sqlite").write_bytes(stranger(tmp_path / "newer", "tms_9999"))
    (tmp_path / "tms.db-snapshots" / ".hidden.sqlite").write_bytes(b"")
    detail = f"its schema revision is 'tms_9999', expected {HEAD}, the one of this code"
    refused = await client.post(f"{SNAPSHOTS}/a/restore")
    problem(refused, 422, "Unprocessable Entity", f"The snapshot cannot be used: {detail}.")
    assert await is_there(client, key)
    assert (await client.get(SNAPSHOTS)).json() == {"snapshots": []}


async def test_restoring_under_load(client_for, tmp_path):
    """Whoever writes meanwhile is served by the state before or the one after."""
    client = await client_for(database=f"sqlite:///{tmp_path / 'tms.db'}")
    await client.put(f"{SNAPSHOTS}/a")

    async def user():
        return [await new_key(client) for _ in range(30)]

    async def restores():
        return [(await client.post(f"{SNAPSHOTS}/a/restore")).status_code for _ in range(20)]

    *keys, statuses = await asyncio.gather(*(user() for _ in range(4)), restores())
    assert (len({key for made in keys for key in made}), set(statuses)) == (120, {200})
    await client.post(f"{SNAPSHOTS}/a/restore")
    assert not any([await is_there(client, key) for made in keys for key in made])
