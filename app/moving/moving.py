"""Carries a whole state out of a database into a file, and out of a file into a database. The file is a snapshot's."""

import asyncio
from contextlib import closing
from pathlib import Path

from ..errors import StartRefused
from ..sqlite.image import FileImage, check_whole
from ..sqlite.rows import SqliteRows, staging_file
from .carry import Carried, Compared, Differs, carry, compare
from .ends import named, source_of, target_of
from .progress import Progress
from .rows import Rows, is_numbered, refuse_rows


async def export(url: str, file: Path, progress: Progress) -> list[Compared]:
    """Write the state of a database at one moment to a file, which is there whole or not at all.

    What an interrupted call has written goes on in the next one. Raises StartRefused and Differs.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    async with source_of(url) as source:
        staging = await asyncio.to_thread(staging_file, unfinished)
        with closing(staging.connection):
            carried = await carry(source, staging, progress)
            await staging.set_last_ids(_last_ids(carried))
            try:
                compared = await compare(carried, staging, progress)
            except Differs:
                unfinished.unlink()
                raise
    unfinished.replace(file)
    return compared


async def take_in(file: Path, url: str, replace: bool, progress: Progress) -> list[Compared]:
    """Leave the state of a file in a database, all of it at once, in place of the rows there if they may be replaced.

    What an interrupted call has carried goes on in the next one. Raises StartRefused and Differs.
    """
    if not await asyncio.to_thread(file.is_file):
        raise StartRefused(f"{file}: there is no such file, expected what export or snapshot download has written.")
    try:
        await asyncio.to_thread(check_whole, file)
    except StartRefused as refused:
        raise StartRefused(f"{file}: {refused}.") from None
    compared: list[Compared] = []

    async def judge(arrived: Rows) -> None:
        compared[:] = await compare(carried, arrived, progress)

    async with target_of(url) as target:
        if not replace:
            refuse_rows(named(url), await target.rows())
        with FileImage(file).opened() as connection:
            carried = await carry(SqliteRows(connection), await target.stage(), progress)
        progress.say("Putting all rows in their place at once.")
        await target.put_in_place(_last_ids(carried), judge, replace)
    return compared


def _last_ids(carried: list[Carried]) -> dict[str, int]:
    return {each.table.name: each.last_id for each in carried if is_numbered(each.table)}
