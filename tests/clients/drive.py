"""What every client test needs: the control plane's side of a login, verified tokens, and clients that run under Node."""

import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.servers import Server

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid profile offline_access"
APPROVE: Mapping[str, str] = {"action": "approve", "username": "testuser1"}
DENY: Mapping[str, str] = {"action": "deny"}
EXPIRE: Mapping[str, str] = {"action": "expire"}
PATIENT = ("correct", ["authorization_pending", "token"])  # how a client that waited and logged in is judged
SLOWING = "slowing"  # the named issuer whose first answer to a poll is always `slow_down`
TOKEN_MEMBERS = {"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"}

NODE = Path(__file__).parent / "node"
LONGEST_WAIT = 30


class Control:
    """Lists and decides device flows at `/_standin`, as a test of a command-line tool does."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def flow(self, user_code: str) -> dict[str, Any]:
        """Return the pending flow of this code as it is listed."""
        flows = self._http.get("/_standin/device").raise_for_status().json()["flows"]
        [found] = [flow for flow in flows if flow["user_code"] == user_code]
        return found

    def decide(self, user_code: str, decision: Mapping[str, str]) -> None:
        """Approve, deny or expire a flow with one call."""
        self._http.post(f"/_standin/device/{user_code}", json=decision).raise_for_status()

    def judged(self, user_code: str) -> tuple[str, list[str]]:
        """Return the report's verdict on the client, and what each of its polls was answered."""
        report = self._http.get(f"/_standin/device/{user_code}/report").raise_for_status().json()
        return report["verdict"], [poll["answer"] for poll in report["polls"]]

    def judged_however_slow(self, user_code: str) -> tuple[str, list[str]]:
        """Return the same with repeated answers once: a client asks again while a busy machine has not yet decided."""
        verdict, answers = self.judged(user_code)
        return verdict, [answer for answer, _ in groupby(answers)]

    def wait_for_polls(self, user_code: str, polls: int) -> None:
        """Return as soon as the flow has been polled so often."""
        give_up = time.monotonic() + LONGEST_WAIT
        while self.flow(user_code)["polls"] < polls:
            assert time.monotonic() < give_up, f"{user_code} was not polled {polls} times"
            time.sleep(0.02)

    @contextmanager
    def deciding(self, user_code: str, decision: Mapping[str, str], polls: int) -> Iterator[None]:
        """Decide in the background after so many polls, for a client that holds its thread until the login ends."""
        failures: list[BaseException] = []

        def work() -> None:
            try:
                self.wait_for_polls(user_code, polls)
                self.decide(user_code, decision)
            except (AssertionError, httpx.HTTPError, ValueError) as failure:
                failures.append(failure)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            thread.join()
        assert failures == []


@contextmanager
def http_client(server: Server) -> Iterator[httpx.Client]:
    """Return a plain HTTP client of the server that trusts the authority the stand-in has made, if it has."""
    trust: ssl.SSLContext | bool = True if server.authority is None else trusting(server.authority)
    with httpx.Client(base_url=server.url, verify=trust) as http:
        yield http


def trusting(authority: Path) -> ssl.SSLContext:
    """Return a TLS context that trusts this authority."""
    return ssl.create_default_context(cafile=str(authority))


def verified(metadata: Mapping[str, Any], token: str, audience: str) -> dict[str, Any]:
    """Return the claims of a token whose signature, issuer, audience and times hold, by the server's own keys."""
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    algorithms = metadata["id_token_signing_alg_values_supported"]
    return jwt.decode(token, key, algorithms, audience=audience, issuer=metadata["issuer"])


class NodeClient:
    """A client of tests/clients/node at work. `asked` is the server's answer to its device authorization request."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.asked: dict[str, Any] = self._line()

    def ended(self) -> dict[str, Any]:
        """Wait for the login's end and return what the script tells of it."""
        told = self._line()
        assert self._process.wait(LONGEST_WAIT) == 0
        return told

    def _line(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        assert line, f"the script told nothing more:\n{self._process.stderr.read()}"
        return json.loads(line)


@contextmanager
def node(script: str, environment: Mapping[str, str] | None = None, **arguments: object) -> Iterator[NodeClient]:
    """Run a script of tests/clients/node with these arguments, which it reads as one JSON object."""
    assert (NODE / "node_modules").is_dir(), "the packages are missing; this installs them: tools/setup node"
    with subprocess.Popen(
        ["node", NODE / script, json.dumps(arguments)],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield NodeClient(process)
        finally:
            process.kill()
