"""SQLAlchemy Core statements compiled once to SQL text and positions (design 3.2.4). No connection, no transaction."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, func, insert, literal_column, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import ClauseElement, Select

_DIALECT = sqlite_dialect(paramstyle="qmark")


class Statement:
    """One statement: `text` and positional values for the driver's cursor.

    Rows are named tuples with the selected columns' names.
    """

    def __init__(self, core: ClauseElement) -> None:
        compiled: Any = core.compile(dialect=_DIALECT)
        self.text = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup)
        self._pick = _picker(self.names)
        binders = [_processor(compiled.binds[name].type.bind_processor) for name in self.names]
        self._binders = [(index, binder) for index, binder in enumerate(binders) if binder]
        self._row: Any
        self._readers: list[tuple[int, Callable[[Any], Any]]]
        self._row, self._readers = _row_of(core) if isinstance(core, Select) else (None, [])

    def bind(self, parameters: dict[str, Any]) -> Sequence[Any]:
        """Return the values in the order of the text's question marks, as the database stores them."""
        picked = self._pick(parameters)
        if not self._binders:
            return picked
        values = list(picked)
        for index, binder in self._binders:
            values[index] = binder(values[index])
        return values

    def row(self, stored: Sequence[Any]) -> Any:
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
        super().__init__(insert(table).values(self._values))
        self.table = table
        self.numbered = "id" in table.columns

    @cached_property
    def lowest(self) -> Statement:
        """The same with the id that wire version 0.1.0 gives: the largest one plus one."""
        return Statement(insert(self.table).values(self._with_id()))

    @cached_property
    def ignore(self) -> Statement:
        """The same, inserting nothing where a row is in the way."""
        return Statement(sqlite_insert(self.table).values(self._values).on_conflict_do_nothing())

    @cached_property
    def lowest_ignore(self) -> Statement:
        """Both."""
        return Statement(sqlite_insert(self.table).values(self._with_id()).on_conflict_do_nothing())

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


def _processor(of_type: Callable[[Any], Any]) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = of_type(_DIALECT)
    return found


def _row_of(core: Select[Any]) -> tuple[Any, list[tuple[int, Callable[[Any], Any]]]]:
    columns = list(core.selected_columns)
    readers = [column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in columns]
    names = [str(column.key) for column in columns]
    return namedtuple("Row", names), [(index, reader) for index, reader in enumerate(readers) if reader]
