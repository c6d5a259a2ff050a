"""tapipy in a process of its own, for tests: clients, what they are told, what they send. tapipy/session.py runs there."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "tapipy"
PYTHON = FOLDER / ".venv" / "bin" / "python"


class TapipyError(Exception):
    """What tapipy raised: the name of its class, and its text."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Tapipy:
    """The process. `requests` has all that its clients have sent so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.requests: list[dict[str, Any]] = []

    def client(self, name: str, **arguments: Any) -> "Client":
        """Make a `tapipy.tapis.Tapis`. Raises TapipyError."""
        self.do(make=name, arguments=arguments)
        return Client(self, name)

    def put_ahead(self, seconds: float) -> None:
        """Put tapipy's clock ahead by so many seconds of the right time."""
        self.do(ahead=seconds)

    def do(self, **command: Any) -> Any:
        """Carry out a command of session.py and return its value. Raises TapipyError."""
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"tapipy's process ended:\n{self._process.stderr.read()}"
        told = json.loads(line)
        self.requests += told["requests"]
        if "error" in told:
            raise TapipyError(told["error"], told["message"])
        return told["value"]


class Client:
    """One `Tapis` object in that process."""

    def __init__(self, tapipy: Tapipy, name: str) -> None:
        self._tapipy = tapipy
        self._name = name

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method such as `authenticator.hello` and return its result as JSON knows it. Raises TapipyError."""
        return self._tapipy.do(client=self._name, call=method, arguments=arguments)

    def read(self, attribute: str) -> Any:
        """Read an attribute such as `access_token.claims`. Raises TapipyError."""
        return self._tapipy.do(client=self._name, read=attribute)


@contextmanager
def tapipy_process() -> Iterator[Tapipy]:
    """Run tapipy, which hears nothing of proxies or tenants that the environment names."""
    assert PYTHON.exists(), "tapipy is missing; this installs it: tools/setup tapipy"
    with subprocess.Popen(
        [PYTHON, "-I", FOLDER / "session.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Tapipy(process)
        finally:
            process.kill()
