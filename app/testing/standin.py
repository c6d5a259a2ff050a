"""The stand-in as a test sees it: its URL, variables, clients and control. How it runs is another module's business."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ..remote.calls import Exchange, trust_in
from ..remote.control import Control

if TYPE_CHECKING:
    import httpx

# An RSA-4096 key takes seconds on a busy machine.
SECONDS = 30
# The server gathers its lines for a while before it writes them.
LOG_SECONDS = 0.5


class Tms:
    """A running stand-in for one test.

    `url` is its base URL, `env` the variables for the load suite and command-line tools (put them over os.environ),
    `control` what the fixture tms_control gives.
    """

    def __init__(
        self,
        url: str,
        env: Mapping[str, str],
        exchange: Exchange,
        *,
        authority: Path | None = None,
        transport: Any = None,
        log: Path | None = None,
    ) -> None:
        self.url = url
        self.env = dict(env)
        self.control = Control(exchange)
        self._authority = authority
        self._transport = transport
        self._log = log
        self._logged_before = log.stat().st_size if log else 0

    @cached_property
    def client(self) -> "httpx.Client":
        """An httpx.Client with the base URL, made at its first use and closed after the test."""
        import httpx

        return httpx.Client(**self._options())

    def async_client(self) -> "httpx.AsyncClient":
        """Return a new httpx.AsyncClient with the base URL: `async with tms.async_client() as client: ...`."""
        import httpx

        return httpx.AsyncClient(**self._options())

    def logged(self) -> str:
        """Return the lines that the server has logged since this object was made; none inside the process."""
        if self._log is None:
            return ""
        Event().wait(LOG_SECONDS)
        return self._log.read_bytes()[self._logged_before :].decode("utf-8", "replace")

    def close(self) -> None:
        """Close the client, if it was used."""
        if "client" in self.__dict__:
            self.client.close()

    def _options(self) -> dict[str, Any]:
        # Over http there is nothing to verify, and reading the system's authorities takes 20 ms.
        verify = trust_in(self._authority) if self.url.startswith("https:") else False
        # Proxies of the environment are for other hosts.
        return {
            "base_url": self.url,
            "timeout": SECONDS,
            "trust_env": False,
            "transport": self._transport,
            "verify": verify,
        }
