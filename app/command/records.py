"""`tms-standin reset`, `seed` and `snapshot`: what the database of a running stand-in holds. Others steer it."""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ..remote.control import Control
from .target import Command, completed_by, for_running, server_at

MIB = 1_048_576
READY_MADE = ("standard", "empty")


def named(command: Command) -> Command:
    """Give a command the argument NAME, completed by the snapshots that there are."""
    names = completed_by(lambda control: [kept["name"] for kept in control.snapshots.list()])
    return click.argument("name", shell_complete=names)(command)


def _seeds(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    ready_made = [CompletionItem(name) for name in READY_MADE if name.startswith(begun)]
    return [*ready_made, CompletionItem(begun, type="file")]


@click.command()
@click.option("--settings", is_flag=True, help="The modes too, which otherwise stay as they were set.")
@for_running
def reset(settings: bool, url: str | None, token: str | None) -> None:
    """Put a running stand-in back to its seed.

    That is rows, clock, faults, journal and device flows.
    """
    click.echo(f"reset to seed {Control(server_at(url, token)).reset(settings=settings)}")


@click.command()
@click.argument("seed", shell_complete=_seeds)
@for_running
def seed(seed: str, url: str | None, token: str | None) -> None:
    """Reset a running stand-in to another seed.

    SEED is standard, empty, or a TOML file. The stand-in reads the file; a path that is not found here is sent as it is, for one in a container.
    """
    path = Path(seed)
    named = seed if seed in READY_MADE or not path.exists() else str(path.absolute())
    click.echo(f"reset to seed {Control(server_at(url, token)).reset(named)}")


@click.group()
def snapshot() -> None:
    """Keep and restore states of a running stand-in."""


@snapshot.command()
@named
@for_running
def save(name: str, url: str | None, token: str | None) -> None:
    """Keep the present state under NAME."""
    Control(server_at(url, token)).snapshots.save(name)
    click.echo(f"saved {name}")


@snapshot.command()
@named
@for_running
def restore(name: str, url: str | None, token: str | None) -> None:
    """Go back to the state kept under NAME."""
    Control(server_at(url, token)).snapshots.restore(name)
    click.echo(f"restored {name}")


@snapshot.command("list")
@for_running
def list_snapshots(url: str | None, token: str | None) -> None:
    """Print name, size, schema revision and time of each."""
    for kept in Control(server_at(url, token)).snapshots.list():
        size = f"{kept['bytes'] / MIB:.1f} MiB"
        click.echo(f"{kept['name']:<24} {size:>10}  {kept['revision']}  {kept['created']}")


@snapshot.command()
@named
@for_running
def delete(name: str, url: str | None, token: str | None) -> None:
    """Forget the state kept under NAME."""
    Control(server_at(url, token)).snapshots.delete(name)
    click.echo(f"deleted {name}")


@snapshot.command()
@named
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=False)
@for_running
def download(name: str, file: Path | None, url: str | None, token: str | None) -> None:
    """Write the state kept under NAME to a file.

    FILE becomes a SQLite database; left out, it is NAME.db.
    """
    path = file or Path(f"{name}.db")
    content = Control(server_at(url, token)).snapshots.download(name)
    path.write_bytes(content)
    click.echo(f"{path}: {len(content)} bytes")


@snapshot.command()
@named
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@for_running
def upload(name: str, file: Path, url: str | None, token: str | None) -> None:
    """Keep the state in FILE, which `download` wrote, under NAME."""
    Control(server_at(url, token)).snapshots.upload(name, file.read_bytes())
    click.echo(f"uploaded {name}")
