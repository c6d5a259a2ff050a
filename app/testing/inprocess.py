"""Runs a stand-in inside this process, without a socket: an event loop in a thread, to which requests are handed.

What closes or resets a connection cannot be shown here; only a server in its own process does that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self, TypeVar

import httpx
from fastapi import FastAPI

from ..exports import child_variables
from ..main import create_app
from ..remote.calls import Answer
from ..remote.refusals import Unreachable
from ..settings import Settings
from .standin import Tms

URL = "http://tms-standin"
PLAIN_HTTP = {"tls": False, "http_addr": "http://", "tls_certificate": None, "tls_key": None}

Result = TypeVar("Result")


class Loop:
    """An event loop that runs in a thread of its own while the context is open."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="tms-standin", daemon=True)
        self._running = Event()

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        self._running.wait()
        return self

    def __exit__(self, *_failure: object) -> None:
        """End the thread."""
        self.do(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine there and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def begin(self, work: Coroutine[Any, Any, Result]) -> Awaitable[Result]:
        """Run a coroutine there, for an awaiting one in another loop."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._running.set)
        self._loop.run_forever()


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """How httpx, waiting or awaiting, asks an ASGI application in another thread's loop."""

    def __init__(self, loop: Loop, app: FastAPI) -> None:
        self._loop = loop
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        return self._loop.do(self._answer(request, request.read()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        return await self._loop.begin(self._answer(request, await request.aread()))

    async def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        asked = httpx.Request(request.method, request.url, headers=request.headers, stream=httpx.ByteStream(body))
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                answer = await self._transport.handle_async_request(asked)
        except TimeoutError:
            raise httpx.ReadTimeout("The stand-in has not answered in time.", request=request) from None
        return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=await _whole(answer))


async def _whole(answer: httpx.Response) -> httpx.ByteStream:
    assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - for the type alone
    return httpx.ByteStream(b"".join([piece async for piece in answer.stream]))


class Inside:
    """The Exchange of a stand-in inside the process."""

    def __init__(self, transport: Transport, token: str | None) -> None:
        self._client = httpx.Client(base_url=URL, transport=transport)
        self._bearer = {} if token is None else {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        """Return the answer. Raises Unreachable where it takes longer."""
        try:
            answer = self._client.request(
                method, target, headers={**headers, **self._bearer}, content=body, timeout=seconds
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"The stand-in in this process does not answer: {error}.") from error
        return Answer(answer.status_code, answer.headers.get("content-type", ""), answer.content)


@contextmanager
def inside(environment: Mapping[str, str], directory: Path) -> Iterator[Callable[[], Tms]]:
    """Run a stand-in with a database in memory and the settings of `environment` and `directory`.

    Yields what makes a Tms of it. Raises StartRefused.
    """
    settings = Settings.load({**environment, "TMS_STANDIN_DATABASE": "sqlite://"}, directory)
    settings = settings.model_copy(update=PLAIN_HTTP)
    app = create_app(settings)
    lifespan = app.router.lifespan_context(app)
    with Loop() as loop:
        loop.do(lifespan.__aenter__())
        try:
            transport = Transport(loop, app)
            exchange = Inside(transport, settings.control_token)
            yield lambda: Tms(URL, child_variables(settings, URL), exchange, transport=transport)
        finally:
            loop.do(lifespan.__aexit__(None, None, None))
