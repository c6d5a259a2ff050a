"""The application as a whole: its routes, its life from start to end, starts that are refused."""

import gc
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Match

from app.errors import StartRefused
from app.main import create_app, make_parts
from app.settings import Settings
from app.tms import OPERATIONS
from tests.raw import TEXT, ask, content
from tests.servers import STANDARD, StartError, as_module, by_two_workers, by_uvicorn, running, wait_for_workers

NO_PLACE = "it cannot be opened (No such file or directory), expected a file in a directory that may be written"


async def test_every_endpoint_is_a_route_of_fastapi():
    """The list is whole, yet nothing is matched by it: the edge in front decides."""
    app = create_app(Settings(database="sqlite://"))
    routes = {
        route.name: route
        for route in app.routes
        if getattr(route, "name", "") in {one.operation_id for one in OPERATIONS}
    }
    assert {name: route.path for name, route in routes.items()} == {one.operation_id: one.path for one in OPERATIONS}
    assert len(routes) == 44
    scope = {"type": "http", "method": "GET", "path": "/v1/tms/version"}
    assert routes["get_version"].matches(scope) == (Match.NONE, {})


async def test_applications_share_nothing(client_for):
    """Two of them in one process have a database each."""
    one, other = await client_for(), await client_for()
    body = {"client_id": "new", "tenant": "test", "app_name": "new", "app_version": "1"}
    assert [(await client.post("/v1/tms/client", json=body)).status_code for client in (one, one, other)] == [
        201,
        500,
        201,
    ]


async def test_from_start_to_end(tmp_path, capsys):
    """The lifespan prepares the database and lets go of it; a second start finds it as it was and says so."""
    path = tmp_path / "tms.db"
    settings = Settings(database=f"sqlite:///{path}", **STANDARD)
    rows = []
    gc.unfreeze()  # This run of pytest has frozen what it has loaded.
    for _ in range(2):
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            assert (await ask(app, "GET", b"/v1/tms/hello")).what == (200, TEXT, "hello!")
            rows.append(content(path))
        assert {one.name for one in tmp_path.iterdir()} == {"tms.db"}
    assert rows[0] == rows[1]
    assert gc.get_freeze_count() == 0
    gc.freeze()
    told = capsys.readouterr().err
    assert [line.rpartition(": ")[2] for line in told.splitlines() if line.startswith("  database ")] == [
        "made, migrated and seeded (standard)",
        "existing",
    ]


async def test_a_migrated_database_is_announced(tmp_path, capsys):
    """The banner names the revision that an older database was at."""
    from sqlalchemy import create_engine

    from app.schema import REVISIONS, migrate

    engine = create_engine(f"sqlite:///{tmp_path / 'tms.db'}")
    with engine.begin() as begun:
        migrate(begun, REVISIONS[0])
    engine.dispose()
    app = create_app(Settings(database=f"sqlite:///{tmp_path / 'tms.db'}", **STANDARD))
    async with app.router.lifespan_context(app):
        pass
    assert f"tms.db: existing, migrated from {REVISIONS[0]}\n" in capsys.readouterr().err


async def test_a_migrated_database_gets_the_clients_of_the_authorization_server(tmp_path):
    """Once: what is deleted afterwards stays so at the next start."""
    from sqlalchemy import create_engine

    from app.schema import REVISIONS, migrate

    settings = Settings(database=f"sqlite:///{tmp_path / 'tms.db'}", **STANDARD)
    engine = create_engine(settings.database)
    with engine.begin() as begun:
        migrate(begun, REVISIONS[1])
    engine.dispose()
    statuses = []
    for _ in range(2):
        app = create_app(settings)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://standin") as client,
        ):
            answer = await client.post("/oauth2/device_authorization", data={"client_id": "device-public"})
            statuses.append(answer.status_code)
        with closing(sqlite3.connect(tmp_path / "tms.db", isolation_level=None)) as connection:
            connection.execute("DELETE FROM oauth_clients")
    assert statuses == [200, 401]


async def test_a_websocket_is_closed():
    """It is no lifespan: nothing is opened, nothing is prepared."""
    app, gone = create_app(Settings(database="sqlite://")), []

    async def send(message: dict[str, Any]) -> None:
        gone.append(message)

    await app({"type": "websocket", "path": "/v1/tms/version"}, None, send)
    assert gone == [{"type": "websocket.close"}]


async def test_parts_follow_the_settings():
    """Each part has what the settings say, and no database is touched yet."""
    settings = Settings(database="sqlite://", wire_version="0.1.0", random_seed=7, strict=True)
    parts = make_parts(settings)
    assert (parts.settings, parts.modes.wire.version, parts.modes.strict) == (settings, "0.1.0", True)
    assert parts.chance.secret() == make_parts(settings).chance.secret()


def test_a_database_that_is_not_served_is_refused_before_the_start():
    """The sentence comes from making the application."""
    with pytest.raises(StartRefused, match=r"^standin\.database: this URL is not served, expected sqlite"):
        create_app(Settings(database="sqlite:///tms.db?mode=ro"))


async def test_a_refused_lifespan_leaves_nothing(tmp_path):
    """The error reaches whoever entered it, and the log's thread is gone."""
    app = create_app(Settings(database=f"sqlite:///{tmp_path}/nowhere/tms.db"))
    with pytest.raises(StartRefused) as refused:
        async with app.router.lifespan_context(app):
            pass
    assert str(refused.value) == f"{tmp_path}/nowhere/tms.db: {NO_PLACE}."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [as_module, by_uvicorn], ids=["python -m app", "uvicorn app.main:app"])
def test_a_refused_start_ends_with_one_sentence(tmp_path, command):
    """A database that cannot be opened: exit status 2, the sentence, no trace."""
    place = tmp_path / "nowhere" / "tms.db"
    with pytest.raises(StartError) as failed, running(tmp_path, command, database=f"sqlite:///{place}"):
        pass
    printed = [line for line in failed.value.text.splitlines() if not line.startswith("INFO:")]
    assert (failed.value.status, printed) == (2, [f"{place}: {NO_PLACE}."])


def test_wrong_settings_end_uvicorn_as_well(tmp_path):
    """`uvicorn app.main:app` reads the same settings, and refuses them with the same sentence."""
    with pytest.raises(StartError) as failed, running(tmp_path, by_uvicorn, wire_version="9.9.9"):
        pass
    sentence = 'TMS_STANDIN_WIRE_VERSION must be "0.3.0" or "0.1.0", not "9.9.9".\n'
    assert (failed.value.status, failed.value.text) == (2, sentence)
    assert {path.suffix for path in tmp_path.iterdir()} == {".log"}


def test_two_workers_announce_themselves_once(tmp_path):
    """The banner comes once, however many processes serve."""
    with running(tmp_path, by_two_workers, **STANDARD) as server:
        wait_for_workers(server, 2)
    assert server.log().count("For the load suite:") == 1


def test_importing_the_application_touches_nothing(tmp_path):
    """`import app.main` reads settings and opens no database."""
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(root)!r}); from app.main import app; print(app.title)",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == ("TMS stand-in\n", "", [])


async def test_a_start_that_fails_unexpectedly_is_told_to_the_server(tmp_path, monkeypatch):
    """Nothing is served then; uvicorn learns why and ends."""
    app = create_app(Settings(database=f"sqlite:///{tmp_path}/tms.db"))
    monkeypatch.setattr("app.sqlite.store.prepare", lambda *_: 1 / 0)
    told = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        told.append(message)

    with pytest.raises(ZeroDivisionError):
        await app({"type": "lifespan"}, receive, send)

    assert [message["type"] for message in told] == ["lifespan.startup.failed"]
    assert "ZeroDivisionError" in told[0]["message"]


@pytest.mark.parametrize(
    "oauth",
    [
        {"auto_approve": "nobody"},
        {"clients": [{"client_id": "one", "script": ["pending", "approve nobody"]}]},
        {"issuers": [{"name": "one", "script": ["approve nobody openid"]}]},
    ],
)
async def test_a_start_that_would_approve_as_nobody_is_refused(oauth):
    """A typing error in a script would give tokens to somebody who is not there."""
    app = create_app(Settings(database="sqlite://", oauth=oauth))
    with pytest.raises(StartRefused) as refused:
        async with app.router.lifespan_context(app):
            pytest.fail("it started")
    assert str(refused.value) == ("oauth.auto_approve or a script approves as 'nobody', expected a user that exists.")


async def test_a_script_may_name_a_user_of_the_same_file(client_for):
    """Who is defined beside it need not be seeded."""
    users = [{"username": "alice", "password": "secret"}]
    client = await client_for(oauth={"auto_approve": "alice", "users": users})
    assert (await client.get("/oauth2/jwks")).status_code == 200
