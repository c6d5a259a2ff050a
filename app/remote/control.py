"""The control plane's calls as methods, for the command line and the pytest plugin. It keeps no state of its own.

Every method raises calls.CallRefused with the control plane's sentence, and calls.Unreachable.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from .calls import CONNECT_SECONDS, Exchange, call

Document = dict[str, Any]


class _Part:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def _call(self, method: str, path: str, document: Any = None, **named: Any) -> Any:
        return call(self._exchange, method, path, document, **named)


class ClockControl(_Part):
    """The stand-in's clock: real, frozen at an instant, or running ahead."""

    def now(self) -> datetime:
        """Return the stand-in's time."""
        return datetime.fromisoformat(self._call("GET", "clock")["now"])

    def freeze(self, instant: datetime | str | None = None) -> datetime:
        """Stop the clock at an instant (RFC 3339 or a datetime with an offset), or where it is; return that."""
        text = instant.isoformat() if isinstance(instant, datetime) else instant
        return self._moved("PUT", "clock", {"mode": "frozen"} if text is None else {"mode": "frozen", "now": text})

    def advance(self, seconds: float) -> datetime:
        """Move the clock ahead, frozen or running; what waited for that time wakes. Return the new time."""
        return self._moved("POST", "clock/advance", {"seconds": seconds})

    def offset(self, seconds: float) -> datetime:
        """Let the clock run, so many seconds ahead of the right time; return its time."""
        return self._moved("PUT", "clock", {"mode": "offset", "offset_seconds": seconds})

    def real(self) -> datetime:
        """Go back to the right time and return it."""
        return self._moved("PUT", "clock", {"mode": "real"})

    def _moved(self, method: str, path: str, document: Document) -> datetime:
        return datetime.fromisoformat(self._call(method, path, document)["now"])


class FaultControl(_Part):
    """Fault rules, in the form of `PUT /_standin/faults`."""

    def set(self, rules: Sequence[Mapping[str, Any]], seed: int | None = None) -> Document:
        """Replace all rules; `seed` makes those with a probability repeatable. Return what is set."""
        document: Document = {"rules": [dict(rule) for rule in rules]}
        return self._document("PUT", document if seed is None else {"seed": seed, **document})

    def scenario(self, name: str) -> Document:
        """Replace all rules by a ready-made scenario: "hang-0.1.0" or "dev-server". Return what is set."""
        return self._document("PUT", {"scenario": name})

    def get(self) -> Document:
        """Return what is set."""
        return self._document("GET")

    def clear(self) -> None:
        """Remove all rules."""
        self._call("DELETE", "faults")

    def _document(self, method: str, document: Document | None = None) -> Document:
        found: Document = self._call(method, "faults", document)
        return found


class JournalControl(_Part):
    """The journal of requests and answers, which is off until `on`."""

    def on(self) -> None:
        """Begin to note requests."""
        self._call("PATCH", "settings", {"journal": True})

    def off(self) -> None:
        """Note no more requests."""
        self._call("PATCH", "settings", {"journal": False})

    def entries(self, *, timeout: float | None = None, **filters: Any) -> list[Document]:
        """Return the entries that match: `operation`, `status`, `since`, `limit` and whatever else the call knows.

        `wait=n` waits until n match, at most `timeout` seconds.
        """
        asked = {name: value for name, value in {**filters, "timeout": timeout}.items() if value is not None}
        query = f"?{urlencode(asked)}" if asked else ""
        found: list[Document] = self._call("GET", f"journal{query}", seconds=CONNECT_SECONDS + (timeout or 0))[
            "entries"
        ]
        return found

    def clear(self) -> None:
        """Forget all entries."""
        self._call("DELETE", "journal")


class DeviceControl(_Part):
    """Device flows, decided without a browser. Each decision returns the flow as the control plane shows it."""

    def list(self, **filters: str) -> list[Document]:
        """Return the flows that wait for a decision, or those of `status`, `client_id`, `issuer`."""
        query = f"?{urlencode(filters)}" if filters else ""
        found: list[Document] = self._call("GET", f"device{query}")["flows"]
        return found

    def approve(self, user_code: str, username: str = "testuser1", scope: str | None = None) -> Document:
        """Approve a flow in a user's name, for all that was asked for or for a part, `scope`."""
        narrowed = {} if scope is None else {"scope": scope}
        return self._decided(user_code, {"action": "approve", "username": username, **narrowed})

    def deny(self, user_code: str) -> Document:
        """Deny a flow."""
        return self._decided(user_code, {"action": "deny"})

    def expire(self, user_code: str) -> Document:
        """End a flow's time now."""
        return self._decided(user_code, {"action": "expire"})

    def _decided(self, user_code: str, wish: Document) -> Document:
        found: Document = self._call("POST", f"device/{quote(user_code, safe='')}", wish)
        return found


class SnapshotControl(_Part):
    """Named states of all rows, kept in the stand-in's memory."""

    def save(self, name: str) -> None:
        """Keep the present state under a name."""
        self._call("PUT", self._path(name))

    def restore(self, name: str) -> None:
        """Go back to a kept state."""
        self._call("POST", f"{self._path(name)}/restore")

    def list(self) -> list[Document]:
        """Return name, bytes, revision and time of each."""
        found: list[Document] = self._call("GET", "snapshots")["snapshots"]
        return found

    def delete(self, name: str) -> None:
        """Forget a kept state."""
        self._call("DELETE", self._path(name))

    def download(self, name: str) -> bytes:
        """Return a kept state as a database file."""
        found: bytes = self._call("GET", self._path(name))
        return found

    def upload(self, name: str, content: bytes) -> None:
        """Keep a downloaded state under a name."""
        self._call("PUT", self._path(name), raw=content)

    def _path(self, name: str) -> str:
        return f"snapshots/{quote(name, safe='')}"


class SettingsControl(_Part):
    """The settings that may change while the stand-in runs."""

    def get(self) -> Document:
        """Return all of them."""
        found: Document = self._call("GET", "settings")
        return found

    def set(self, **changed: Any) -> Document:
        """Change some, as in `set(quirks="real", tapis={"race": True})`, and return all of them."""
        found: Document = self._call("PATCH", "settings", changed)
        return found


class Control(_Part):
    """Everything that the control plane steers."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.clock = ClockControl(exchange)
        self.faults = FaultControl(exchange)
        self.journal = JournalControl(exchange)
        self.device = DeviceControl(exchange)
        self.snapshots = SnapshotControl(exchange)
        self.settings = SettingsControl(exchange)

    def ready(self, seconds: float = CONNECT_SECONDS) -> None:
        """Return when the stand-in is migrated and seeded; raises CallRefused while its database does not answer."""
        self._call("GET", "health/ready", seconds=seconds)

    def reset(self, seed: str | None = None, settings: bool = False) -> str:
        """Go back to the seed, or to another one (standard, empty, a file of the server), and return its name.

        The modes stay as they were set, unless `settings` is true.
        """
        wish = ({} if seed is None else {"seed": seed}) | ({"settings": True} if settings else {})
        name: str = self._call("POST", "reset", wish)["seed"]
        return name
