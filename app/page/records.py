"""Lists the rows of every table, without what is secret, a few at a time and off the loop. It changes nothing."""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import (
    Column,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from .. import oauth_tables
from ..control.shapes import RunningParts
from ..parts import Parts
from ..statements import Statement

MOST = 200
_SECRET = (
    *("client_secret", "admin_secret", "password_hash", "private_key", "secret", "nonce", "code_challenge"),
    *("device_code_hash", "simulator_hash", "token_hash", "code_hash", "session_hash"),
)
_TABLES = oauth_tables.oauth_clients.metadata.tables  # all of them: that module adds its own to the others
_ESCAPE = "\\"

on = APIRouter(tags=["records"])

TableName = StrEnum("TableName", {name: name for name in _TABLES})  # type: ignore[misc] # the names are data


class TableShown(BaseModel):
    """A table and how many rows it has."""

    name: str
    records: int


class TablesShown(BaseModel):
    """Every table, as migrations made them."""

    tables: list[TableShown]


class RecordsShown(BaseModel):
    """Some rows of a table, the newest first, without secrets, tokens, codes and their hashes."""

    table: str
    columns: list[str]
    records: list[dict[str, datetime | bool | int | str | None]]
    more: bool = Field(description="Whether rows follow behind these; `offset` leads there.")


@on.get("/tables")
async def list_tables(parts: RunningParts) -> TablesShown:
    """List the tables with the number of their rows."""
    counted = await parts.store.few(_counts())
    return TablesShown(tables=[TableShown(name=row.name, records=row.records) for row in counted])


@on.get("/records")
async def list_records(
    parts: RunningParts,
    table: Annotated[TableName, Query(description="Whose rows.")],
    search: Annotated[
        str, Query(max_length=200, pattern=r"^[^\x00]*$", description="A piece of any column, in any letter case.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> RecordsShown:
    """List rows of a table, the newest first; what is secret is left out."""
    found = await _found(parts, table.value, search, limit + 1, offset)
    columns = [column.name for column in _columns(_TABLES[table.value])]
    rows = [row._asdict() for row in found[:limit]]
    return RecordsShown(table=table, columns=columns, records=rows, more=len(found) > limit)


async def _found(parts: Parts, table: str, search: str, limit: int, offset: int) -> list[Any]:
    asked: dict[str, Any] = {"limit": limit, "offset": offset}
    if search:
        for special in (_ESCAPE, "%", "_"):
            search = search.replace(special, _ESCAPE + special)
        asked["search"] = f"%{search}%"
    return await parts.store.few(_list(table, bool(search)), **asked)


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in _SECRET]


@cache
def _list(name: str, searched: bool) -> Statement:
    table = _TABLES[name]
    columns = _columns(table)
    newest = table.c.created if "created" in table.c and "id" not in table.c else next(iter(table.primary_key))
    statement: Select[Any] = select(*columns).order_by(newest.desc())
    if searched:
        pattern = bindparam("search", type_=Text)
        statement = statement.where(or_(*[cast(column, Text).ilike(pattern, escape=_ESCAPE) for column in columns]))
    return Statement(statement.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer)))


@cache
def _counts() -> Statement:
    counts: list[Any] = [
        select(literal_column(f"'{name}'").label("name"), func.count().label("records")).select_from(table)
        for name, table in _TABLES.items()
    ]
    both = union_all(*counts).subquery()
    return Statement(select(both.c.name, both.c.records))
