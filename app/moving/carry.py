"""Fills a staging place with the rows of a database, going on where an earlier call has stopped, and compares them."""

from contextlib import aclosing
from typing import NamedTuple

from sqlalchemy import Table

from .digest import Digest, digest_of
from .progress import Progress
from .rows import TABLES, Rows, Staging, is_numbered


class Carried(NamedTuple):
    """What was read of a table."""

    table: Table
    digest: Digest
    last_id: int


class Compared(NamedTuple):
    """A table, what was carried of it, and whether the same has arrived."""

    table: str
    rows: int
    last_id: int
    hash: str
    equal: bool


class Differs(Exception):  # noqa: N818 - a finding, not a fault of ours
    """What has arrived is not what was carried."""

    def __init__(self, compared: list[Compared]) -> None:
        super().__init__(", ".join(each.table for each in compared if not each.equal))
        self.compared = compared


async def carry(source: Rows, staging: Staging, progress: Progress) -> list[Carried]:
    """Put all rows of a source that are not there yet into the staging place. Raises what `put` raises."""
    total = sum([await source.count(table) for table in TABLES])
    there = sum([await staging.count(table) for table in TABLES])
    if there:
        progress.say(f"An earlier call has carried {there:,} of {total:,} rows; this one goes on there.")
    carried = []
    with progress.counting("carrying", total) as done:
        for table in TABLES:
            digest = Digest()
            known = await _known(source, staging, table, progress)
            async for chunk in source.chunks(table):
                if new := chunk[max(0, known - digest.rows) :]:
                    await staging.put(table, new)
                digest.add(chunk)
                done(len(chunk))
            carried.append(Carried(table, digest, await source.last_id(table) if is_numbered(table) else 0))
    return carried


async def compare(carried: list[Carried], there: Rows, progress: Progress) -> list[Compared]:
    """Read what has arrived and compare it. Raises Differs."""
    compared = []
    with progress.counting("comparing", sum(each.digest.rows for each in carried)) as done:
        for table, digest, last_id in carried:
            found = await digest_of(there, table)
            found_id = await there.last_id(table) if is_numbered(table) else 0
            equal = (found.rows, found.hash, found_id) == (digest.rows, digest.hash, last_id)
            compared.append(Compared(table.name, digest.rows, last_id, digest.hash, equal))
            done(digest.rows)
    if not all(each.equal for each in compared):
        raise Differs(compared)
    return compared


async def _known(source: Rows, staging: Staging, table: Table, progress: Progress) -> int:
    """Return how many of the first rows are there; a table that does not begin with what is there is begun anew."""
    there = await digest_of(staging, table)
    if there.rows == 0 or await _begins_with(source, table, there):
        return there.rows
    progress.say(f"{table.name} has changed since, and is begun anew.")
    await staging.clear(table)
    return 0


async def _begins_with(source: Rows, table: Table, there: Digest) -> bool:
    seen = Digest()
    async with aclosing(source.chunks(table)) as chunks:
        async for chunk in chunks:
            seen.add(chunk[: there.rows - seen.rows])
            if seen.rows == there.rows:
                return (seen.rows, seen.hash) == (there.rows, there.hash)
    return False
