"""What each step of a request costs, in microseconds of this process's CPU: `python -m tests.load.costs`.

It runs the application in this process, one request after the other, against a file database, without a socket.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import uvloop

from app.call import Call
from app.edge import Edge, _encoded
from app.main import create_app
from app.settings import Settings
from tests.load.scenarios import LOAD_SUITE, Scenario

REPEATS = 3_000
ROUNDS = 5
TOGETHER = 50

STEPS = ("find", "read the body", "checks", "work", "encode", "log line", "hand over", "whole request")


async def _nothing(_message: object) -> None:
    """Take an answer."""


async def measure(step: Callable[[], Awaitable[object]], repeats: int = REPEATS) -> float:
    """Return the smallest of several rounds' mean costs, in microseconds."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(repeats):
            await step()
        rounds.append((time.process_time() - begun) / repeats * 1e6)
    return min(rounds)


async def costs_of(edge: Edge, scenario: Scenario) -> list[float]:
    """Return the cost of each of STEPS for one scenario."""
    parts, raw_path = edge._parts, scenario.path.encode()
    body = (scenario.body or "").encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in scenario.headers.items()]
    scope = {"type": "http", "method": scenario.method, "raw_path": raw_path, "query_string": b"", "headers": headers}
    operation, values = edge._routes.find(scenario.method, raw_path) or (None, {})
    assert operation is not None
    call = Call(parts, operation, headers)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    async def find() -> None:
        edge._routes.find(scenario.method, raw_path)

    async def decode() -> None:
        await edge._decode(Call(parts, operation, headers), values, scope, receive)

    async def check() -> None:
        fresh = Call(parts, operation, headers)
        fresh.arguments, fresh.body = call.arguments, call.body
        for word in operation.gate.checks:
            await word(fresh)

    await edge._decode(call, values, scope, receive)
    for word in operation.gate.checks:
        await word(call)
    named = call.arguments if call.body is None else {**call.arguments, "body": call.body}
    answer = await operation.handler(call, **named)

    async def work() -> None:
        await asyncio.gather(*[operation.handler(call, **named) for _ in range(TOGETHER)])

    async def encode() -> None:
        _encoded(answer)

    async def log() -> None:
        parts.log.request(scenario.method, raw_path, 200, parts.clock.stopwatch())

    sent = await edge._answer(operation, values, scope, receive)

    async def hand_over() -> None:
        await edge._send(scenario.method, sent, _nothing)

    async def whole() -> None:
        await asyncio.gather(*[edge(scope, receive, _nothing) for _ in range(TOGETHER)])

    shared = [await measure(step, REPEATS // TOGETHER) / TOGETHER for step in (work, whole)]
    single = [await measure(step) for step in (find, decode, check, encode, log, hand_over)]
    return [*single[:3], shared[0], *single[3:], shared[1]]


async def table() -> str:
    """Return the costs of the four scenarios as a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(database=f"sqlite:///{folder}/tms.db"))
        app.edge._parts.log._stream = (Path(folder) / "log").open("w")
        with redirect_stderr(StringIO()):
            async with app.router.lifespan_context(app):
                columns = {scenario.name: await costs_of(app.edge, scenario) for scenario in LOAD_SUITE}
        app.edge._parts.log._stream.close()
    lines = ["| step | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for index, step in enumerate(STEPS):
        lines.append(f"| {step} | " + " | ".join(f"{column[index]:.1f}" for column in columns.values()) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    text = uvloop.run(table())
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "costs.md").write_text(text + "\n")
    print(text)
    print(json.dumps({"repeats": REPEATS, "rounds": ROUNDS, "requests at once": TOGETHER}))
