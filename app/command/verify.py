"""`tms-standin verify`: plays the recordings of the real servers against any TMS server and prints what differs."""

import json
import sys
from typing import Any

import click

from ..conformance.recordings import SETUPS, VERSIONS, Recording, Scenario, differences
from ..remote.calls import Answer, Server
from ..remote.refusals import Unreachable
from .target import URL

TMS = "/v1/tms/"
_PROBE_CLIENT = {"client_id": "probe", "tenant": "test", "app_name": "probe", "app_version": "none"}
_PROBE_KEY = {"client_user_id": "probe", "host": "probe", "host_account": "probe", "num_uses": 1, "ttl_minutes": 1}
_CLIENT = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1"}


@click.command()
@click.argument("url", type=URL)
@click.option("--version", type=click.Choice(VERSIONS), help="Whose recordings; left out, those of its own version.")
@click.option("--setup", type=click.Choice(SETUPS), help="The settings it runs with; left out, they are found out.")
@click.option(
    "--quirks",
    type=click.Choice(["intended", "real"]),
    default="intended",
    show_default=True,
    help="Where the real server is known to be broken: what was meant, or what it did.",
)
@click.option("--only", default="", metavar="TEXT", help="Only scenarios with this in their name.")
@click.option("--admin-default", default="adminsecret1", show_default=True, help="~~admin's secret, tenant default.")
@click.option("--admin-test", default="adminsecret1", show_default=True, help="~~admin's secret in tenant test.")
def verify(
    url: str, version: str | None, setup: str | None, quirks: str, only: str, admin_default: str, admin_test: str
) -> int:
    """Compare a TMS server with the recordings.

    The requests that were recorded from the real servers are played against the server at URL, and each answer that
    differs is printed. It makes clients, tenants and keys of its own there, and leaves some of them. Each setup has its own recordings:
    standard 456 requests, closed 10, mvp 7, no-clients 2. Exit status 0: all equal, 1: differences, 2: it could not run.
    """
    server = Server(url)
    recording = Recording(version or _version_of(server), quirks, setup or _setup_of(server))
    chosen = [scenario for scenario in recording.scenarios() if only in scenario["name"]]
    if not chosen:
        raise click.UsageError(f"no scenario of {recording.title}, setup {recording.setup}, has {only!r} in its name.")
    found = _played(recording, chosen, url, {"admin_default": admin_default, "admin_test": admin_test})
    for text in found:
        click.echo(f"--- {text}")
    total = sum(len(scenario["steps"]) for scenario in chosen)
    click.echo(f"{total - len(found)} of {total} answers equal ({recording.title}, setup {recording.setup})")
    return 1 if found else 0


def _played(recording: Recording, chosen: list[Scenario], url: str, secrets: dict[str, str]) -> list[str]:
    found: list[str] = []
    with click.progressbar(
        chosen,
        label=f"{recording.title}, setup {recording.setup}",
        file=sys.stderr,
        item_show_func=_name_of,
    ) as scenarios:
        for scenario in scenarios:
            try:
                texts = differences(recording, scenario, url, secrets)
            except OSError as error:
                raise Unreachable(f"{url} stopped answering in {scenario['name']}: {error}.") from None
            found += [f"{scenario['name']}: {text}" for text in texts]
    return found


def _name_of(scenario: Scenario | None) -> str | None:
    return None if scenario is None else str(scenario["name"])


def _version_of(server: Server) -> str:
    answer = server("GET", f"{TMS}version", {})
    found = _member(answer, "tms_version")
    if found is None:
        raise click.UsageError(f"{server.url} is no TMS server: {TMS}version is answered with {answer.status}.")
    if found not in VERSIONS:
        raise click.UsageError(f"{server.url} is {found}; of that there are no recordings, --version takes others.")
    return found


def _setup_of(server: Server) -> str:
    """Return the setup, found by requests that change nothing, but for one key in a server that may make no clients."""
    closed = _posted(server, "client", _PROBE_CLIENT)
    message = _member(closed, "result_msg") or ""
    if message == "Tenant not enabled.":
        return "closed"
    if not message.startswith("Client creation is disallowed"):
        return "standard"
    return "mvp" if _posted(server, "pubkeys/creds", _PROBE_KEY).status < 300 else "no-clients"


def _posted(server: Server, path: str, document: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json", **_CLIENT}
    return server("POST", TMS + path, headers, json.dumps(document).encode())


def _member(answer: Answer, name: str) -> str | None:
    try:
        found = json.loads(answer.body)[name]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found)
