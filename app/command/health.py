"""`tms-standin health`: whether a stand-in is ready, for a container's HEALTHCHECK. It needs the standard library alone."""

import click

from ..remote.control import Control
from ..remote.refusals import CallRefused, Unreachable
from .target import for_running, server_at

SECONDS = 5
# Docker keeps 2 for itself.
UNHEALTHY = 1


@click.command()
@for_running
def health(url: str | None, token: str | None) -> int:
    """Tell by the exit status whether it is ready.

    0: migrated, seeded and answering; 1: not. Made for HEALTHCHECK: it waits five seconds at most.
    """
    try:
        Control(server_at(url, token).patient(SECONDS)).ready()
    except (CallRefused, Unreachable) as trouble:
        click.echo(str(trouble), err=True)
        return UNHEALTHY
    click.echo("ready")
    return 0
