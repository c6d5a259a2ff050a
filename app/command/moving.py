"""`tms-standin export` and `import`: carry a whole state between databases, by way of a file. How is moving's business."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..moving.progress import Progress
from .target import Command

if TYPE_CHECKING:
    from ..moving.carry import Compared

_FILE = click.Path(dir_okay=False, path_type=Path)
DIFFERENT = 1


class _Shown(Progress):
    """Shows bars on standard error."""

    def say(self, sentence: str) -> None:
        """Print a line of its own."""
        click.echo(sentence, err=True)

    @contextmanager
    def counting(self, what: str, rows: int) -> Iterator[Callable[[int], None]]:
        """Show a bar."""
        with click.progressbar(length=rows, label=f"{what} {rows:,} rows", file=sys.stderr, show_pos=True) as bar:
            yield bar.update


def _on_a_database(command: Command) -> Command:
    url = "The database's URL: sqlite:///PATH or postgresql://...; left out, that of the settings."
    return click.option("--database", metavar="URL", help=url)(command)


@click.command("export")
@click.argument("file", type=_FILE)
@_on_a_database
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
def export_state(file: Path, database: str | None, replace: bool) -> int:
    """Write a database's whole state to FILE.

    A stand-in may serve it meanwhile: the state is that of one moment. FILE is what GET snapshots/NAME answers too, a SQLite database.
    Called again after an interruption it goes on where it was. At the end counts and hashes of all tables are compared and printed. Exit status 0: all equal, 1: not, 2: it could not.
    """
    from ..moving.moving import export

    if file.exists() and not replace:
        raise click.UsageError(f"{file} is there already; --replace writes over it.")
    return _carried_out(export(_database(database), file, _Shown()), f"written to {file}")


@click.command("import")
@click.argument("file", type=_FILE)
@_on_a_database
@click.option("--replace", is_flag=True, help="Lose the rows that the database has.")
def import_state(file: Path, database: str | None, replace: bool) -> int:
    """Leave the state in FILE in a database.

    FILE is what `export` or `snapshot download` has written. All rows come at once; a stand-in may serve the database meanwhile, which answers from the state before or from that of FILE.
    Called again after an interruption it goes on where it was. At the end counts and hashes of all tables are compared and printed. Exit status 0: all equal, 1: not, 2: it could not.
    """
    from ..moving.ends import named
    from ..moving.moving import take_in

    url = _database(database)
    done = f"now in {named(url)}"
    return _carried_out(take_in(file, url, replace, _Shown()), done)


def _database(given: str | None) -> str:
    if given is not None:
        return given
    from ..settings import Settings

    return Settings.load().database


def _carried_out(work: Coroutine[Any, Any, "list[Compared]"], done: str) -> int:
    from ..moving.carry import Differs

    try:
        compared = asyncio.run(work)
    except Differs as differs:
        _print(differs.compared)
        click.echo(f"What has arrived differs from what was carried: {differs}.", err=True)
        return DIFFERENT
    _print(compared)
    rows = sum(each.rows for each in compared)
    click.echo(f"{rows:,} rows of {len(compared)} tables, all equal, are {done}")
    return 0


def _print(compared: "list[Compared]") -> None:
    click.echo(f"{'table':<26}{'rows':>12}{'last id':>12}  hash")
    for each in compared:
        verdict = "equal" if each.equal else "DIFFERS"
        click.echo(f"{each.table:<26}{each.rows:>12,}{each.last_id:>12,}  {each.hash}  {verdict}")
