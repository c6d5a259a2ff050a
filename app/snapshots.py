"""Back to the seed, and named states of the database. It answers no request, and knows not where they are kept."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from .shelf import NAME, Shelf, Snapshot, described
from .sqlite.image import FileImage, SeedImage, check_whole
from .store import Store

__all__ = ("NAME", "Snapshot", "Snapshots")

_SEEDS_KEPT = 10

Plant = Callable[[Connection], object]
SeedKey = tuple[object, ...]


class Snapshots:
    """Replaces all rows at once: a request sees the state before or the one after (design 2.7)."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        """Take where the named states are kept."""
        self._store = store
        self._shelf = shelf
        self._seeds: dict[SeedKey, SeedImage] = {}

    @property
    def unfinished(self) -> list[Path]:
        """The files that a process has left which died over a snapshot."""
        return self._shelf.unfinished

    async def seed(self, key: SeedKey, plant: Plant) -> SeedImage:
        """Return a seed, ready to be copied; `key` is what distinguishes it from others. Raises what `plant` raises."""
        image = self._seeds.get(key)
        if image is None:
            image = await asyncio.to_thread(SeedImage, plant)
            if len(self._seeds) >= _SEEDS_KEPT:
                self._seeds.clear()  # A reset that waits may still use one, which is let go of after it.
            self._seeds[key] = image
        return image

    async def reset(self, image: SeedImage, moment: datetime) -> None:
        """Leave a seed and nothing else, its records made at `moment`."""
        await self._store.replace(image.of(moment))

    async def save(self, name: str, moment: datetime) -> Snapshot:
        """Keep the state as it is at this moment under a name, in place of an earlier one."""
        file = self._shelf.new_file()
        try:
            await self._store.save(file, moment)
            return await self._shelf.keep(name, file)
        finally:
            file.unlink(missing_ok=True)

    async def adopt(self, name: str, upload: Path) -> Snapshot:
        """Take an uploaded file in under a name. Raises StartRefused for one that is no snapshot of this code's schema."""
        await asyncio.to_thread(check_whole, upload)
        return await self._shelf.keep(name, upload)

    async def restore(self, name: str) -> Snapshot:
        """Leave a named state and nothing else. Raises KeyError for an unknown name, StartRefused for a stranger's file."""
        async with self._shelf.at_hand(name) as path:
            await asyncio.to_thread(check_whole, path)  # First, because meanwhile everybody still writes.
            await self._store.replace(FileImage(path))
            return described(name, path)

    async def list(self) -> list[Snapshot]:
        """Return all of them by name."""
        return await self._shelf.list()

    def at_hand(self, name: str) -> AbstractAsyncContextManager[Path]:
        """Give the file of a snapshot for a while. Raises KeyError."""
        return self._shelf.at_hand(name)

    async def delete(self, name: str) -> None:
        """Take a snapshot away. Raises KeyError."""
        await self._shelf.delete(name)

    def new_file(self) -> Path:
        """Make a file in which an upload may be written; whoever asks for it removes it."""
        return self._shelf.new_file()

    async def close(self) -> None:
        """Let go of what is in memory; what is kept stays where it outlasts this process."""
        for image in self._seeds.values():
            image.close()
        await self._shelf.close()
