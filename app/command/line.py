"""The command line: its commands by name, and what a refusal looks like. What a command does stands in its module."""

import importlib
import sys

import click

from .. import __version__
from ..errors import StartRefused
from ..remote.refusals import CallRefused, Unreachable

NAME = "tms-standin"
REFUSED = 2
INTERRUPTED = 130
# Each command with its module and its name there.
COMMANDS = {
    "completion": "shell.completion",
    "device": "device.device",
    "exec": "execute.execute",
    "export": "moving.export_state",
    "health": "health.health",
    "import": "moving.import_state",
    "reset": "records.reset",
    "seed": "records.seed",
    "serve": "serve.serve",
    "snapshot": "records.snapshot",
    "verify": "verify.verify",
}


class Commands(click.Group):
    """A group that imports a command when it is asked for, so that serving does not wait for all the others."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return their names in order."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Return a command, if there is one of that name."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(".")
        command: click.Command = getattr(importlib.import_module(f".{module}", __package__), attribute)
        return command


@click.group(
    NAME,
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def command_line(context: click.Context) -> int | None:
    """A stand-in for the TMS server, an OAuth device authorization server and the Tapis authenticator.

    Without a command it serves, by the settings that `serve --help` lists.
    """
    if context.invoked_subcommand is not None:
        return None
    from .serve import serve

    status: int = context.invoke(serve)
    return status


def run(arguments: list[str] | None) -> int:
    """Carry out a command line and return the exit status."""
    try:
        return command_line.main(arguments, NAME, standalone_mode=False) or 0
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as mistake:
        sentence = f"{NAME}: {mistake.format_message()}"
    except (StartRefused, CallRefused, Unreachable) as refused:
        sentence = str(refused)
    sys.stderr.write(f"{sentence}\n")
    return REFUSED
