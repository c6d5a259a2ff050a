"""`tms-standin exec`: runs a command with a stand-in of its own, or with a running one that it resets first."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

from ..remote.calls import Server
from ..remote.control import Control
from .target import URL


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--url", type=URL, help="Use this running stand-in, on loopback only, and reset it first.")
@click.option("--token", envvar="TMS_STANDIN_CONTROL_TOKEN", show_envvar=True, help="The control token of --url.")
@click.option(
    "--log",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Keep what the stand-in prints in this file.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(url: str | None, token: str | None, log: Path | None, command: tuple[str, ...]) -> int:
    """Run COMMAND with a stand-in.

    For example: tms-standin exec -- pytest -x

    The stand-in has a database of its own in a temporary folder, a free port of 127.0.0.1 and otherwise the settings
    of `serve`. COMMAND finds it by TMS_URL, TAPIS_BASE_URL and the other variables that `serve` prints.
    Signals are passed on to COMMAND, and its exit status is passed on, as 128 and the signal where one ended it.
    """
    # Imported here, since no other command needs it.
    from .child import run_to_its_end

    with _served(url, token, log) as variables:
        return run_to_its_end(command, {**os.environ, **variables})


@contextmanager
def _served(url: str | None, token: str | None, log: Path | None) -> Iterator[dict[str, str]]:
    """Have a stand-in at its seed and yield the variables for its clients. Raises click.UsageError and StartRefused."""
    if url is None:
        from ..remote.launching import launched

        with tempfile.TemporaryDirectory(prefix="tms-standin-") as folder:
            path = Path(folder) / "server.log" if log is None else log.absolute()
            with launched(Path(folder), os.environ, Path.cwd(), path) as child:
                yield child.variables
        return
    from ..exports import child_variables
    from ..settings import Settings

    _refuse_unless_loopback(url)
    Control(Server(url, token)).reset()
    yield child_variables(Settings.load(), url)


def _refuse_unless_loopback(url: str) -> None:
    from ..addresses import is_loopback

    host = urlsplit(url).hostname or ""
    if not is_loopback(host):
        raise click.UsageError(
            f"--url must be on loopback (127.0.0.1, [::1] or localhost), not {host}: exec resets what it uses."
        )
