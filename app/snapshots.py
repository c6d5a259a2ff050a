"""Back to the seed, and named states of the database, as files beside it. It answers no request."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from .errors import StartRefused
from .private_files import make_private_folder
from .sqlite.image import FileImage, SeedImage, check_whole, revision_of_file
from .store import Store

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_SUFFIX = ".sqlite"
_UPLOAD = ".upload"
_SEEDS_KEPT = 10

Plant = Callable[[Connection], object]
SeedKey = tuple[object, ...]


class Snapshot(NamedTuple):
    """A named state: its file's size in bytes, the schema's revision, and when it was saved by the stand-in's clock."""

    name: str
    bytes: int
    revision: str
    created: datetime


class Snapshots:
    """Replaces all rows at once: a request sees the state before or the one after (design 2.7)."""

    def __init__(self, store: Store, beside: Path | None) -> None:
        """Take the folder of the files; without one they last as long as this process."""
        self._store = store
        self._beside = beside
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._seeds: dict[SeedKey, SeedImage] = {}

    @property
    def unfinished(self) -> list[Path]:
        """The files that a process has left which died over a snapshot."""
        folder = self._beside
        return [] if folder is None else [*folder.glob(f"{_UPLOAD}*"), *folder.glob(f".*{_SUFFIX}.*")]

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
        path = self._path(name, make_folder=True)
        await self._store.save(path, moment)
        return self._found(path)

    async def adopt(self, name: str, upload: Path) -> Snapshot:
        """Take an uploaded file in under a name. Raises StartRefused for one that is no snapshot of this code's schema."""
        path = self._path(name, make_folder=True)

        def adopt() -> Snapshot:
            check_whole(upload)
            upload.replace(path)
            return self._found(path)

        return await asyncio.to_thread(adopt)

    async def restore(self, name: str) -> Snapshot:
        """Leave a named state and nothing else. Raises KeyError for an unknown name, StartRefused for a stranger's file."""
        path = self.path_of(name)
        await asyncio.to_thread(check_whole, path)  # First, because meanwhile everybody still writes.
        await self._store.replace(FileImage(path))
        return self._found(path)

    def list(self) -> list[Snapshot]:
        """Return all of them by name, without files that are no snapshots."""
        found = []
        for path in sorted(self._folder().glob(f"*{_SUFFIX}")):
            if re.fullmatch(NAME, path.stem):
                with suppress(OSError, StartRefused):
                    found.append(self._found(path))
        return found

    def path_of(self, name: str) -> Path:
        """Return the file of a snapshot. Raises KeyError."""
        path = self._path(name)
        if not path.is_file():
            raise KeyError(name)
        return path

    def delete(self, name: str) -> None:
        """Take a snapshot away. Raises KeyError."""
        self.path_of(name).unlink()

    def new_file(self) -> Path:
        """Return a path in the snapshots' folder at which an upload may be written."""
        folder = self._folder()
        make_private_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=_UPLOAD, delete=False) as file:
            return Path(file.name)

    def close(self) -> None:
        """Let go of what is in memory; the files of a database that is one stay."""
        for image in self._seeds.values():
            image.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _folder(self) -> Path:
        if self._beside is not None:
            return self._beside
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="tms-standin-snapshots-")
        return Path(self._temporary.name)

    def _path(self, name: str, make_folder: bool = False) -> Path:
        folder = self._folder()
        if make_folder:
            make_private_folder(folder)
        return folder / f"{name}{_SUFFIX}"

    @staticmethod
    def _found(path: Path) -> Snapshot:
        status = path.stat()
        created = datetime.fromtimestamp(int(status.st_mtime), UTC)
        return Snapshot(path.stem, status.st_size, revision_of_file(path), created)
