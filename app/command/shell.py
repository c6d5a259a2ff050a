"""`tms-standin completion`: prints what a shell has to read to complete this command's words."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(
    epilog='In ~/.bashrc or ~/.zshrc: eval "$(tms-standin completion bash)"; in fish: tms-standin completion fish | source'
)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what a shell needs to complete words.

    Commands and options are completed, and user codes and snapshots of the running stand-in.
    """
    root = context.find_root()
    click.echo(SHELLS[shell](root.command, {}, "tms-standin", "_TMS_STANDIN_COMPLETE").source())
