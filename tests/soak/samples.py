"""Looks once a second at what the server takes: memory, descriptors, CPU, log and database. It judges nothing."""

import asyncio
import time
from dataclasses import dataclass

import psutil

from tests.load.measuring import busy_seconds
from tests.load.server import Server
from tests.soak.databases import Database

SECONDS = 1.0


@dataclass(frozen=True)
class Sample:
    """One look: MiB, descriptors and bytes; CPU seconds so far of the server, of this process, and of the whole machine."""

    at: float
    memory: float
    descriptors: int
    wal: int
    size: int
    server_cpu: float
    client_cpu: float
    busy: float


async def look(server: Server, database: Database) -> Sample:
    """Return how things are now."""
    memory, descriptors, spent = await asyncio.to_thread(_of_process, server)
    own = psutil.Process().cpu_times()
    return Sample(
        time.monotonic(),
        memory,
        descriptors,
        await database.wal(),
        await database.size(),
        spent,
        own.user + own.system,
        busy_seconds(),
    )


def _of_process(server: Server) -> tuple[float, int, float]:
    return server.memory(), server.descriptors(), server.cpu_seconds()
