"""Drives tapipy, unmodified, in the environment of its own: takes JSON commands by the line and answers each with one.

{"make": NAME, "arguments": {...}} makes a client, {"client": NAME, "call": "authenticator.hello", "arguments": {...}}
calls something of it, {"client": NAME, "read": "access_token"} reads an attribute, {"ahead": SECONDS} moves the clock.
An answer has `value`, or `error` and `message`, and `requests`: what tapipy has sent meanwhile, and the status of each.
"""

import datetime
import json
import sys
from operator import attrgetter
from typing import Any, ClassVar
from urllib.parse import urlsplit


class MovedDatetime(datetime.datetime):
    """A datetime whose now is ahead; tapipy and PyJWT ask it alone."""

    ahead = datetime.timedelta()

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        """Return the moved instant."""
        return super().now(tz) + cls.ahead


datetime.datetime = MovedDatetime  # Before anybody else imports it.

import requests
from tapipy.errors import BaseTapyException
from tapipy.tapis import Tapis, TapisResult

SHOWN = ("authorization", "x-tapis-token", "content-type")


class Recording(requests.Session):
    """Notes every request as it goes out, and the status that came back."""

    sent: ClassVar[list[dict[str, Any]]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send it as the session would."""
        response = super().send(request, **options)
        parts = urlsplit(response.request.url)
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() in SHOWN}
        note = {"method": request.method, "path": parts.path, "body": request.body, "headers": headers}
        self.sent.append({**note, "status": response.status_code})
        return response


requests.Session = Recording  # tapipy makes its session by this name.


def plain(value: Any) -> Any:
    """Return what JSON can hold of a result."""
    if isinstance(value, TapisResult):
        return value.__dict__
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return value() if callable(value) else str(value)


def carried_out(clients: dict[str, Tapis], command: dict[str, Any]) -> Any:
    """Do what a command says and return its value."""
    if "ahead" in command:
        MovedDatetime.ahead = datetime.timedelta(seconds=command["ahead"])
        return None
    if "make" in command:
        clients[command["make"]] = Tapis(**command["arguments"])
        return None
    client = clients[command["client"]]
    if "read" in command:
        return attrgetter(command["read"])(client)
    return attrgetter(command["call"])(client)(**command["arguments"])


def main() -> None:
    """Answer until the input ends."""
    clients: dict[str, Tapis] = {}
    for line in sys.stdin:
        try:
            told = {"value": carried_out(clients, json.loads(line))}
        except (BaseTapyException, AttributeError) as error:
            told = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps({**told, "requests": Recording.sent}, default=plain), flush=True)
        Recording.sent.clear()


main()
