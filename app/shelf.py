"""Where named states of the database are kept, each as one file: in a folder here, elsewhere in other modules."""

import asyncio
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from .errors import StartRefused
from .private_files import make_private_folder
from .sqlite.image import revision_of_file

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_SUFFIX = ".sqlite"
_UPLOAD = ".upload"


class Snapshot(NamedTuple):
    """A named state: its file's size in bytes, the schema's revision, and when it was saved by the stand-in's clock."""

    name: str
    bytes: int
    revision: str
    created: datetime


class Shelf(ABC):
    """Keeps files under names. It has a folder in which files are made before they are kept."""

    def __init__(self, beside: Path | None) -> None:
        """Take the folder; without one there is a temporary one, which lasts as long as this process."""
        self._beside = beside
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def unfinished(self) -> list[Path]:
        """The files that a process has left which died over a snapshot."""
        patterns = (f"{_UPLOAD}*", f".{_UPLOAD}*", f".*{_SUFFIX}.*")
        return [] if self._beside is None else [path for each in patterns for path in self._beside.glob(each)]

    @property
    def folder(self) -> Path:
        """The folder, which may not be there yet."""
        if self._beside is not None:
            return self._beside
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="tms-standin-snapshots-")
        return Path(self._temporary.name)

    def new_file(self) -> Path:
        """Make a file in which a snapshot may be written; whoever asks for it removes it, or has it kept."""
        make_private_folder(self.folder)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=_UPLOAD, delete=False) as file:
            return Path(file.name)

    @abstractmethod
    async def keep(self, name: str, file: Path) -> Snapshot:
        """Keep a file of the folder, which is whole, under a name, in place of an earlier one. It may be taken away."""

    @abstractmethod
    def at_hand(self, name: str) -> AbstractAsyncContextManager[Path]:
        """Give the file of a snapshot for a while. Raises KeyError."""

    @abstractmethod
    async def list(self) -> list[Snapshot]:
        """Return all of them by name."""

    @abstractmethod
    async def delete(self, name: str) -> None:
        """Take a snapshot away. Raises KeyError."""

    async def close(self) -> None:
        """Let go of what lasts as long as this process."""
        if self._temporary is not None:
            self._temporary.cleanup()


class FolderShelf(Shelf):
    """Snapshots as files of the folder itself."""

    async def keep(self, name: str, file: Path) -> Snapshot:
        """Give a file of the folder the name, in place of an earlier one."""

        def keep() -> Snapshot:
            return described(name, file.replace(self._path(name)))

        return await asyncio.to_thread(keep)

    @asynccontextmanager
    async def at_hand(self, name: str) -> AsyncIterator[Path]:
        """Give the file itself. Raises KeyError."""
        yield self._existing(name)

    async def list(self) -> list[Snapshot]:
        """Return all of them by name, without files that are no snapshots."""
        return await asyncio.to_thread(_in_folder, self.folder)

    async def delete(self, name: str) -> None:
        """Remove the file. Raises KeyError."""
        self._existing(name).unlink()

    def _existing(self, name: str) -> Path:
        path = self._path(name)
        if not path.is_file():
            raise KeyError(name)
        return path

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"


def described(name: str, path: Path) -> Snapshot:
    """Return what there is to tell of a snapshot's file. Raises StartRefused for one that is none."""
    status = path.stat()
    created = datetime.fromtimestamp(int(status.st_mtime), UTC)
    return Snapshot(name, status.st_size, revision_of_file(path), created)


def _in_folder(folder: Path) -> list[Snapshot]:
    found = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        if re.fullmatch(NAME, path.stem):
            with suppress(OSError, StartRefused):
                found.append(described(path.stem, path))
    return found
