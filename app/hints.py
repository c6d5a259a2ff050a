"""Help where the real server is mute: why a createkey or a getkey was refused, for the log alone. Never in an answer."""

import json
import shlex
from typing import Any

from sqlalchemy import select

from .clock import Clock
from .request_log import RequestLog
from .settings import Settings
from .statements import Statement, matching
from .store import Store
from .tables import pubkeys

_QUIET_SECONDS = 10.0  # the same hint is not given twice within this time
_REMEMBERED = 1_000

KEYS_BY_FINGERPRINT = Statement(
    select(pubkeys.c.host, pubkeys.c.host_account).where(matching(pubkeys, "public_key_fingerprint"))
)


class Hints:
    """Writes sentences that say what is missing and how to add it."""

    def __init__(self, log: RequestLog, clock: Clock, settings: Settings) -> None:
        self._log = log
        self._clock = clock
        self._base = f"http://127.0.0.1:{settings.http_port}"
        self._given: dict[int, float] = {}  # by the occasion's hash: callers choose how long their names are

    def _is_new(self, occasion: Any) -> bool:
        """Return whether nothing was said on this occasion a moment ago; under load one sentence is enough."""
        now, key = self._clock.stopwatch(), hash(occasion)
        if key in self._given and now - self._given[key] < _QUIET_SECONDS:
            return False
        if len(self._given) >= _REMEMBERED:
            self._given.clear()
        self._given[key] = now
        return True

    def missing(self, record: str, path: str, tenant: str, body: dict[str, Any]) -> None:
        """Name a record that createkey needs and print the request that adds it."""
        if not self._is_new((record, tenant)):
            return
        command = [
            "curl -X POST", shlex.quote(f"{self._base}/v1/tms/{path}"),
            "-H", "'Content-Type: application/json'",
            "-H", shlex.quote(f"X-TMS-TENANT: {tenant}"),
            "-H", "'X-TMS-ADMIN-ID: ~~admin'",
            "-H", '"X-TMS-ADMIN-SECRET: $X_TMS_ADMIN_SECRET"',
            "-d", shlex.quote(json.dumps({"tenant": tenant, **body, "ttl_minutes": -1})),
        ]  # fmt: skip
        self._log.hint(f"createkey: there is no {record}; this adds it:", " ".join(command))

    async def key_not_found(self, store: Store, user: str, host: str, fingerprint: str) -> None:
        """Say which of fingerprint, host and account does not match what is stored (E10)."""
        if not self._is_new((user, host, fingerprint)):
            return
        pages = store.pages(KEYS_BY_FINGERPRINT, public_key_fingerprint=fingerprint)
        accounts = {row.host: row.host_account async for page in pages for row in page}
        if not accounts:
            self._log.hint(f"getkey: no key is stored with fingerprint {fingerprint}")
        elif host not in accounts:
            stored = ", ".join(sorted(accounts)[:3])
            self._log.hint(f"getkey: host {host!r} does not match; {fingerprint} is stored for host {stored}")
        elif user != accounts[host]:
            stored = accounts[host]
            self._log.hint(f"getkey: user {user!r} does not match; {fingerprint} on {host} belongs to {stored}")

    def key_not_usable(self, fingerprint: str, host: str, reason: str) -> None:
        """Say why `strict` holds a stored key back."""
        if self._is_new((fingerprint, host, reason)):
            self._log.hint(f"getkey: {fingerprint} on {host} is stored, but {reason} (strict)")
