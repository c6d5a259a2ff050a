"""SQLAlchemy Core statements compiled once to SQL text and positions (design 3.2.4). No connection, no transaction.

A statement is compiled for SQLite when it is declared; its form for PostgreSQL is made when that is first asked for.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Table, and_, bindparam, func, insert, literal_column, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import ClauseElement, Select
from sqlalchemy.sql.util import find_tables

_SQLITE = sqlite_dialect(paramstyle="qmark")


class Statement:
    """One statement: `text` and positional values for the driver's cursor.

    Rows are named tuples with the selected columns' names.
    """

    def __init__(self, core: ClauseElement, dialect: Dialect = _SQLITE) -> None:
        self.core = core
        compiled: Any = core.compile(dialect=dialect)
        self.text = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._pick = _picker(self.names)
        binders = [_processor(compiled.binds[name].type.bind_processor, dialect) for name in self.names]
        self._binders = [(index, binder) for index, binder in enumerate(binders) if binder]
        self._row: Any
        self._readers: list[tuple[int, Callable[[Any], Any]]]
        self._row, self._readers = _row_of(core, dialect) if isinstance(core, Select) else (None, [])

    @cached_property
    def postgresql(self) -> "Statement":
        """The same for PostgreSQL."""
        return Statement(self.core, _postgresql())

    @cached_property
    def postgresql_holding(self) -> "Statement":
        """The same for PostgreSQL, holding what it reads against other writers until its transaction ends.

        Rows that refer to what is held may still come.
        """
        core = self.core.with_for_update(key_share=True) if isinstance(self.core, Select) else self.core
        return Statement(core, _postgresql())

    @cached_property
    def tables(self) -> frozenset[str]:
        """The names of the tables that it reads."""
        return frozenset(table.name for table in find_tables(self.core))

    def bind(self, parameters: dict[str, Any]) -> Sequence[Any]:
        """Return the values in the order of the text's question marks, as the database stores them."""
        picked = self._pick(parameters)
        if not self._binders:
            return picked
        values = list(picked)
        for index, binder in self._binders:
            values[index] = binder(values[index])
        return values

    def row(self, stored: Iterable[Any]) -> Any:
        """Return a stored row as a named tuple of Python values."""
        if not self._readers:
            return self._row._make(stored)
        values = list(stored)
        for index, reader in self._readers:
            if values[index] is not None:
                values[index] = reader(values[index])
        return self._row._make(values)


class Insert(Statement):
    """An insert of one row; the parameters are the columns' names without `id`. Variants are compiled when needed.

    `numbered` tells whether the table counts its rows by an `id`.
    """

    def __init__(self, table: Table) -> None:
        columns = [column.name for column in table.columns if column.name != "id"]
        self._values: dict[str, Any] = {name: bindparam(name, type_=table.c[name].type) for name in columns}
        super().__init__(insert(table).values(self._values).inline())
        self.table = table
        self.numbered = "id" in table.columns

    @cached_property
    def lowest(self) -> Statement:
        """The same with the id that wire version 0.1.0 gives: the largest one plus one."""
        return Statement(insert(self.table).values(self._with_id()).inline())

    @cached_property
    def ignore(self) -> Statement:
        """The same, inserting nothing where a row is in the way."""
        return Statement(sqlite_insert(self.table).values(self._values).on_conflict_do_nothing())

    @cached_property
    def lowest_ignore(self) -> Statement:
        """Both."""
        return Statement(sqlite_insert(self.table).values(self._with_id()).on_conflict_do_nothing())

    @cached_property
    def postgresql_ignore(self) -> Statement:
        """The variant `ignore` for PostgreSQL."""
        return _ignoring_on_postgresql(self.table, self._values)

    @cached_property
    def postgresql_lowest(self) -> Statement:
        """The variant `lowest` for PostgreSQL."""
        return self.lowest.postgresql

    @cached_property
    def postgresql_lowest_ignore(self) -> Statement:
        """The variant `lowest_ignore` for PostgreSQL."""
        return _ignoring_on_postgresql(self.table, self._with_id())

    def _with_id(self) -> dict[str, Any]:
        largest = func.coalesce(func.max(self.table.c.id), literal_column("0"))
        return {"id": select(largest + literal_column("1")).scalar_subquery(), **self._values}


def matching(table: Table, columns: str) -> ColumnElement[bool]:
    """Return the condition that each named column equals the parameter of its own name, or of another: `column=name`."""
    pairs = [name.partition("=") for name in columns.split()]
    return and_(*[table.c[column] == bindparam(parameter or column) for column, _, parameter in pairs])


def _picker(names: tuple[str, ...]) -> Callable[[dict[str, Any]], Sequence[Any]]:
    """Return what picks the values of these names, in C where there are several."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda parameters: [parameters[name] for name in names]


@cache
def _postgresql() -> Dialect:
    from sqlalchemy.dialects.postgresql.asyncpg import dialect  # Whoever stays with SQLite does not load it.

    return dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own


def _ignoring_on_postgresql(table: Table, values: dict[str, Any]) -> Statement:
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert  # As above.

    return Statement(postgresql_insert(table).values(values).on_conflict_do_nothing().inline(), _postgresql())


def _processor(of_type: Callable[[Any], Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = of_type(dialect)
    return found


def _row_of(core: Select[Any], dialect: Dialect) -> tuple[Any, list[tuple[int, Callable[[Any], Any]]]]:
    columns = list(core.selected_columns)
    readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    names = [str(column.key) for column in columns]
    return namedtuple("Row", names), [(index, reader) for index, reader in enumerate(readers) if reader]
