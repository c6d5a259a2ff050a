"""`tms-standin device`: lists and decides the device flows of a running stand-in."""

from collections.abc import Mapping
from typing import Any

import click

from ..remote.control import Control
from .target import Command, completed_by, for_running, server_at

STATUSES = ("undecided", "pending", "entered", "approved", "denied", "redeemed", "expired", "all")


def coded(command: Command) -> Command:
    """Give a command the argument CODE, completed by the codes that wait."""
    names = completed_by(lambda control: [flow["user_code"] for flow in control.device.list()])
    return click.argument("code", shell_complete=names)(command)


@click.group()
def device() -> None:
    """List, approve, deny and expire logins by device flow."""


@device.command("list")
@click.option("--status", type=click.Choice(STATUSES), default="undecided", show_default=True, help="Which flows.")
@for_running
def list_flows(status: str, url: str | None, token: str | None) -> None:
    """Print the flows that wait for a decision, or those of another status, the oldest first."""
    for flow in Control(server_at(url, token)).device.list(status=status):
        _print(flow)


@device.command()
@coded
@click.option("--user", "username", default="testuser1", show_default=True, help="Who logs in.")
@click.option("--scope", help="Part of what was asked for; left out, all of it.")
@for_running
def approve(code: str, username: str, scope: str | None, url: str | None, token: str | None) -> None:
    """Approve the flow with the user code CODE, as if the user had logged in."""
    _print(Control(server_at(url, token)).device.approve(code, username, scope))


@device.command()
@coded
@for_running
def deny(code: str, url: str | None, token: str | None) -> None:
    """Deny the flow with the user code CODE."""
    _print(Control(server_at(url, token)).device.deny(code))


@device.command()
@coded
@for_running
def expire(code: str, url: str | None, token: str | None) -> None:
    """End the time of the flow with the user code CODE."""
    _print(Control(server_at(url, token)).device.expire(code))


def _print(flow: Mapping[str, Any]) -> None:
    click.echo(
        f"{flow['user_code']:<10} {flow['status']:<9} {flow['client_id']} ({flow['dialect']}), "
        f"scope {flow['scope'] or 'none'}, until {flow['expires_at']}"
    )
