"""Back to the seed: rows, clock, faults, journal, device flows (design 2.7). Modes stay unless they are asked for."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from .modes import Modes
from .parts import Parts
from .schema import SET_TEST_TENANT
from .seed import Seeded, plant


async def reset(parts: Parts, seed: str | None = None, settings: bool = False) -> str:
    """Return to a seed, the start's own unless another is named, and return its name.

    `settings` takes the modes back to those of the start too. Raises StartRefused for a seed that cannot be planted;
    nothing has changed then.
    """
    chosen, modes = seed or parts.settings.seed, Modes.of(parts.settings) if settings else parts.modes
    key = (chosen, modes.enable_test_tenant, modes.wire.seeds_whole_seconds, *_as_of(chosen))
    image = await parts.snapshots.seed(key, lambda begun: _planted(parts, modes, chosen, begun))
    await parts.steering.rest(modes_too=settings)
    parts.chance.begin_again()
    for forget in parts.steering.at_reset:
        await forget()
    now = parts.clock.now()
    await parts.snapshots.reset(image, now.replace(microsecond=0) if modes.wire.seeds_whole_seconds else now)
    return chosen


def _planted(parts: Parts, modes: Modes, seed: str, begun: Connection) -> Seeded:
    settings = parts.settings
    planted = plant(begun, seed, settings.admin_secret, parts.clock.now(), modes.wire.seeds_whole_seconds)
    begun.execute(SET_TEST_TENANT, {"flag": modes.enable_test_tenant})
    return planted


def _as_of(seed: str) -> tuple[Any, ...]:
    """Return what tells whether a seed file has been edited since."""
    with suppress(OSError):
        status = Path(seed).stat()
        return status.st_mtime_ns, status.st_size
    return ()
