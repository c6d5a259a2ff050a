"""Builds the application. Every part is named once, here; no part looks for another by itself."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import sys
import traceback
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Connection, select
from starlette.routing import Match, Route
from uvicorn.config import STARTUP_FAILURE

from . import __version__, faults
from .banner import banner, local_url, where_it_listens
from .chance import Chance
from .clock import Clock
from .control import mounted, to_the_page
from .databases import beside, board_of, shelf_of, store_of
from .documents import document_routes, not_found, openapi_method
from .edge import Edge, Receive, Scope
from .errors import StartRefused
from .gates import ADMINISTRATOR
from .hints import Hints
from .journal.journal import Journal
from .keys import KeyMaker
from .metrics.metrics import Metrics
from .modes import Modes
from .oauth.door import Door
from .oauth.registry import Registry
from .oauth.signing import SigningKeys
from .oauth.sweeper import sweep_for_ever
from .oauth_tables import oauth_users
from .parts import Parts
from .records import ADMINISTRATOR_ID, PUBLISHED_ADMIN_SECRET, same_secret
from .request_log import RequestLog
from .schema import HEAD, Preparation, Prepared
from .seed import Seeded, plant, plant_oauth
from .settings import Settings
from .snapshots import Snapshots
from .steering.front import Front
from .steering.operations import OperationNames
from .steering.steering import Steering
from .tapis.door import TapisDoor
from .tapis.tenants import Tenants
from .tms import OPERATIONS
from .uvicorn_connection import Send, drop, is_stopping


class Listed(Route):
    """An endpoint in FastAPI's list of routes. It matches nothing: what the edge passes on is no endpoint's path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:  # noqa: ARG002 - Starlette's signature
        """Return that it does not match; FastAPI would compare decoded paths (contract 6.1)."""
        return Match.NONE, {}


class Standin(FastAPI):
    """FastAPI with the edge in front, so that the hot paths pay for nothing that they do not use (design 3.2.2)."""

    edge: Edge
    front: Front
    steering: Steering
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live from the start of the server to its end."""
        if scope["type"] == "http":
            try:
                await (self.edge if self.steering.is_calm else self.front)(scope, receive, send)
            except asyncio.CancelledError:
                if not is_stopping():
                    raise
                await drop(send)  # It takes longer than a server that stops can wait for.
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the lifespan; a refused start ends the process with one sentence and status 2, without a trace."""
        await receive()
        ended = "lifespan.startup.failed"
        try:
            async with self.router.lifespan_context(self):
                await send({"type": "lifespan.startup.complete"})
                ended = "lifespan.shutdown.failed"
                await receive()
        except StartRefused as refused:
            sys.stderr.write(f"{refused}\n")
            asyncio.get_running_loop().call_soon(sys.exit, _status_of_a_refused_start())
            with contextlib.suppress(asyncio.CancelledError):
                await receive()
        except Exception:
            await send({"type": ended, "message": traceback.format_exc()})
            raise
        else:
            await send({"type": "lifespan.shutdown.complete"})


def create_app(settings: Settings) -> FastAPI:
    """Return the application; its lifespan opens, migrates and seeds the database and prints the banner.

    Raises StartRefused for a database that cannot be served.
    """
    parts = make_parts(settings)
    app = Standin(title="TMS stand-in", version=__version__, lifespan=lambda _app: _running(parts), openapi_url=None)
    app.edge = Edge(OPERATIONS, parts, Door(parts, TapisDoor(parts, super(Standin, app).__call__)))
    app.steering, app.clock = parts.steering, parts.clock
    app.front = Front(parts.steering, parts.names, app.edge)
    parts.journal.attend(parts, app.front)
    faults.follow(parts, app.front)
    app.router.redirect_slashes = False
    app.router.default = not_found
    app.router.routes += [Listed(operation.path, app.edge, name=operation.operation_id) for operation in OPERATIONS]
    app.router.routes += document_routes(parts, OPERATIONS)
    app.add_route("/_standin", to_the_page)
    app.router.routes.append(mounted(parts))
    app.openapi = openapi_method(parts, OPERATIONS)  # type: ignore[method-assign] # FastAPI's own way to replace it
    return app


@contextlib.asynccontextmanager
async def _running(parts: Parts) -> AsyncIterator[None]:
    """Live from the first connection to the last commit. Raises StartRefused."""
    logging.getLogger("uvicorn.access").handlers.clear()  # Its lines would double ours, at a far higher price.
    with parts.log.writing():
        prepared = await parts.store.prepare(_preparation(parts))
        await parts.steering.board.join()
        parts.metrics.open()
        parts.steering.refresh()
        await _announce(parts, prepared)
        freezes = gc.get_freeze_count() == 0  # Otherwise whoever runs this application has done so.
        if freezes:
            gc.freeze()  # What a start makes lives to the end; searching it for garbage stops everybody for 40 ms.
        gc.enable()
        tasks = [asyncio.create_task(task) for task in _tasks(parts)]
        try:
            yield
        finally:
            if freezes:
                gc.unfreeze()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await parts.keys.close()
            await parts.store.close()
            await parts.snapshots.close()
            parts.journal.close()
            parts.metrics.close()
            await parts.steering.board.leave()


def _tasks(parts: Parts) -> tuple[Coroutine[Any, Any, None], ...]:
    watches = parts.steering.watch(), parts.store.watch()
    return sweep_for_ever(parts), parts.metrics.sample_for_ever(parts), *watches


def make_parts(settings: Settings) -> Parts:
    """Return the parts, not yet started."""
    clock, modes, chance = Clock(), Modes.of(settings), Chance(settings.random_seed)
    log = RequestLog(clock, settings.log_format)
    url = settings.database
    names, journal = OperationNames(OPERATIONS), Journal(beside(url, "requests"))
    metrics = Metrics(log, names, beside(url, "metrics"))
    board = board_of(url, lambda: (*journal.files, *metrics.files, *snapshots.unfinished))
    store, registry = store_of(url, modes, board), Registry(settings)
    snapshots = Snapshots(store, shelf_of(url))
    return Parts(
        settings=settings,
        modes=modes,
        clock=clock,
        chance=chance,
        keys=KeyMaker(chance),
        log=log,
        hints=Hints(log, clock, local_url(where_it_listens(settings, sys.argv))),
        store=store,
        snapshots=snapshots,
        steering=Steering(board, settings, clock, modes),
        names=names,
        journal=journal,
        metrics=metrics,
        registry=registry,
        tenants=Tenants(settings, registry),
        signing=SigningKeys(store, clock, chance, settings.oauth.access_token_ttl),
    )


def _preparation(parts: Parts) -> Preparation[Seeded]:
    settings, now = parts.settings, parts.clock.now()
    whole_seconds = parts.modes.wire.seeds_whole_seconds
    return Preparation(
        plant=lambda begun: plant(begun, settings.seed, settings.admin_secret, now, whole_seconds),
        supplement=lambda begun: plant_oauth(begun, settings.seed, now),
        enable_test_tenant=settings.enable_test_tenant,
        check=lambda begun: _check_approvers(begun, parts),
    )


def _check_approvers(begun: Connection, parts: Parts) -> None:
    for username in sorted(parts.registry.approvers()):
        if begun.execute(select(oauth_users).where(oauth_users.c.username == username)).first() is None:
            raise StartRefused(f"oauth.auto_approve or a script approves as {username!r}, expected a user that exists.")


async def _announce(parts: Parts, prepared: Prepared[Seeded]) -> None:
    """Print the banner on standard error, once however many workers there are."""
    if multiprocessing.current_process().name not in ("MainProcess", "SpawnProcess-1"):
        return
    bound = where_it_listens(parts.settings, sys.argv)
    stored = await parts.store.one(ADMINISTRATOR, tenant="test", admin_user=ADMINISTRATOR_ID)
    secret = parts.settings.admin_secret
    # A log may go anywhere: it shows the secret that everybody knows, and none of somebody's own.
    secret_is_known = secret == PUBLISHED_ADMIN_SECRET and same_secret(secret, stored and stored.admin_secret)
    is_new, state = prepared.revision_found is None, _state(parts.settings, prepared)
    sys.stderr.write(banner(bound, local_url(bound), state, secret_is_known, is_new))


def _state(settings: Settings, prepared: Prepared[Seeded]) -> str:
    if prepared.revision_found is None:
        return f"made, migrated and seeded ({settings.seed})"
    state = "existing" if prepared.revision_found == HEAD else f"existing, migrated from {prepared.revision_found}"
    if settings.random_seed is None:
        return state
    return f"{state}; random_seed makes the keys of its first start again, which are refused as duplicates"


def _status_of_a_refused_start() -> int:
    """Return 2, or in one of several workers uvicorn's own status, without which it starts another one for ever."""
    return STARTUP_FAILURE if multiprocessing.parent_process() else 2


def __getattr__(name: str) -> FastAPI:
    """Make `app` for `uvicorn app.main:app`, when it is asked for; importing this module alone reads no settings."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return create_app(Settings.load())
    except StartRefused as refused:
        sys.stderr.write(f"{refused}\n")
        sys.exit(_status_of_a_refused_start())
