"""Help where the real server is mute: why a createkey or a getkey was refused, for the log alone. Never in an answer."""

import json
import shlex
from typing import Any

from .clock import Clock
from .records import ADMINISTRATOR_ID
from .request_log import RequestLog

_QUIET_SECONDS = 10.0  # the same hint is not given twice within this time
_REMEMBERED = 1_000


class Hints:
    """Writes sentences that say what is missing and how to add it."""

    def __init__(self, log: RequestLog, clock: Clock, base_url: str) -> None:
        self._log = log
        self._clock = clock
        self._base_url = base_url
        self._given: dict[int, float] = {}  # by the occasion's hash: callers choose how long their names are

    def is_new(self, occasion: Any) -> bool:
        """Return whether nothing was said on this occasion a moment ago; under load one sentence is enough."""
        now, key = self._clock.stopwatch(), hash(occasion)
        if key in self._given and now - self._given[key] < _QUIET_SECONDS:
            return False
        if len(self._given) >= _REMEMBERED:
            self._given.clear()
        self._given[key] = now
        return True

    def missing(self, record: str, path: str, tenant: str, body: dict[str, Any]) -> None:
        """Name a record that a key needs and print the request that adds it."""
        if not self.is_new((record, tenant)):
            return
        command = [
            "curl -X POST", shlex.quote(f"{self._base_url}/v1/tms/{path}"),
            "-H", "'Content-Type: application/json'",
            "-H", shlex.quote(f"X-TMS-TENANT: {tenant}"),
            "-H", shlex.quote(f"X-TMS-ADMIN-ID: {ADMINISTRATOR_ID}"),
            "-H", '"X-TMS-ADMIN-SECRET: $X_TMS_ADMIN_SECRET"',
            "-d", shlex.quote(json.dumps({"tenant": tenant, **body, "ttl_minutes": -1})),
        ]  # fmt: skip
        self._log.hint(f"there is no {record}; this adds it:", " ".join(command))

    def key_not_found(self, user: str, host: str, fingerprint: str, nearest: Any) -> None:
        """Say which of fingerprint, host and account does not match (E10).

        `nearest` is the stored key with that fingerprint, on that host if there is one, or None.
        """
        if nearest is None:
            self._log.hint(f"getkey: no key is stored with fingerprint {fingerprint}")
            return
        asked = {"host": (host, nearest.host), "user": (user, nearest.host_account)}
        wrong = [f"{name} {got!r} does not match {stored!r}" for name, (got, stored) in asked.items() if got != stored]
        if wrong:
            self._log.hint(f"getkey: {fingerprint} is stored, but {' and '.join(wrong)}")

    def device_code_never_ready(self, client_id: str) -> None:
        """Say why a Tapis device code will never be told to have expired (contract tapis 2.4.3)."""
        if self.is_new(("device code never ready", client_id)):
            self._log.hint(
                f"a device code of client {client_id} expired before anybody authorized it, and is answered "
                "`device code not ready.` for ever, as by the real service; standin.strict mends it"
            )

    def key_not_usable(self, fingerprint: str, host: str, reason: str) -> None:
        """Say why `strict` holds a stored key back."""
        if self.is_new((fingerprint, host, reason)):
            self._log.hint(f"getkey: {fingerprint} on {host} is stored, but {reason} (strict)")
