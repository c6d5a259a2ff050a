"""Tests of every statement that app/ declares: PostgreSQL itself reads the form that is meant for it."""

import importlib
import pkgutil
from collections.abc import Iterator

import asyncpg
import pytest

import app
from app.statements import Insert, Statement

pytestmark = pytest.mark.system("postgresql", "pg_ctlcluster")

FORMS = ("postgresql", "postgresql_ignore", "postgresql_lowest", "postgresql_lowest_ignore")


def declared() -> dict[str, Statement]:
    """Return the statements that the modules of app/ name, by their place."""
    found: dict[str, Statement] = {}
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                found |= {f"{module.name}.{name} {number}": each for number, each in enumerate(statements_in(value))}
    return found


def statements_in(value: object) -> Iterator[Statement]:
    """Yield a statement, or those that stand in lists, tuples and dictionaries."""
    if isinstance(value, Statement):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from statements_in(each)
    elif isinstance(value, dict):
        yield from statements_in([*value, *value.values()])


async def refusals(url: str, texts: dict[str, str]) -> dict[str, str]:
    """Return what PostgreSQL says to each text that it refuses."""
    driver, refused = await asyncpg.connect(url), {}
    try:
        for place, text in texts.items():
            try:
                await driver.prepare(text)
            except asyncpg.PostgresError as error:
                refused[place] = str(error)
    finally:
        await driver.close()
    return refused


async def test_postgresql_understands_every_statement(url):
    """In each form: the plain one, and those of inserts that give way or choose their own ids."""
    found = declared()
    forms = {
        f"{place}: {form}": getattr(statement, form).text
        for place, statement in found.items()
        for form in (FORMS if isinstance(statement, Insert) and statement.numbered else FORMS[:1])
    }
    assert len(found) > 50
    assert await refusals(url, forms) == {}


async def test_postgresql_holds_what_a_transaction_may_read(url):
    """But for sums over many rows, which belong to no row that could be held: they are read outside of transactions."""
    holding = {place: statement.postgresql_holding.text for place, statement in declared().items()}
    assert await refusals(url, holding) == {
        "app.control.metrics._BY_STATUS 0": "FOR NO KEY UPDATE is not allowed with GROUP BY clause",
    }
