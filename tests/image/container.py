"""Runs the image in real containers: buildah lends its files, runc is what Docker itself runs containers with."""

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import ROOT

PORT = 3000
READY_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True)
class Image:
    """The image's files, its configuration as Docker shows it, and its size in words."""

    files: Path
    config: dict[str, Any]
    size: str

    @property
    def owner(self) -> int:
        """Return the uid that the image runs as."""
        return int(self.config["User"].partition(":")[0])


@dataclass(frozen=True)
class Container:
    """A started container: its name, the process that stands for it outside, its log, and what /data is."""

    name: str
    process: subprocess.Popen[bytes]
    folder: Path
    started: float

    @property
    def url(self) -> str:
        """Return the base URL of the server in it."""
        return f"http://127.0.0.1:{PORT}"

    @property
    def data(self) -> Path:
        """Return the folder that the container sees as /data."""
        return self.folder / "data"

    def log(self) -> str:
        """Return what it has printed so far on both streams."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as its user, and return its status and what it printed."""
        return _runc(self.folder, "exec", self.name, *command)

    def ready_seconds(self) -> float:
        """Wait until it answers as ready; return the seconds since it was started."""
        while not self._is_ready():
            assert self.process.poll() is None, f"exit status {self.process.returncode}\n{self.log()}"
            assert time.monotonic() < self.started + READY_SECONDS, self.log()
            time.sleep(0.005)
        return time.monotonic() - self.started

    def stop_seconds(self, signal: str) -> float:
        """Send its first process a signal, as `docker stop` does; return the seconds until it was gone."""
        begun = time.monotonic()
        _runc(self.folder, "kill", self.name, signal).check_returncode()
        self.process.wait(STOP_SECONDS)
        return time.monotonic() - begun

    def ended(self) -> int:
        """Wait until it ends by itself; return its exit status."""
        return self.process.wait(READY_SECONDS)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
        try:
            connection.request("GET", "/_standin/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def opened_image(name: str = "tms-standin") -> Iterator[Image]:
    """Lend the files of an image that `make image` built."""
    working = _buildah("from", "--pull-never", name).strip()
    try:
        described = json.loads(_buildah("inspect", "--type", "image", name))
        files = Path(_buildah("mount", working).strip())
        size = json.loads(_buildah("images", "--json", name))[0]["size"]
        yield Image(files, described["Docker"]["config"], size)
    finally:
        _buildah("rm", working)


@contextmanager
def started(
    image: Image,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    files: Mapping[str, Path] | None = None,
) -> Iterator[Container]:
    """Start a container on the image's port, as `docker run --read-only --cap-drop ALL` does, and remove it in the end.

    `folder`/data is its /data, so another one in the same folder finds what this one left. `environment` comes on top
    of the image's, `files` are further mounts, read-only: path inside and path outside. It shares this process's
    network, which `tools/image test` makes one of its own. Nothing is waited for.
    """
    data = folder / "data"
    if not data.exists():
        data.mkdir(parents=True)
        os.chown(data, image.owner, image.owner)
    _write_bundle(image, folder, environment or {}, files or {})
    name = f"tms-standin-{folder.name}"
    begun = time.monotonic()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["runc", "--root", folder / "state", "run", "--bundle", folder, name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Container(name, process, folder, begun)
    finally:
        _runc(folder, "delete", "--force", name)
        process.wait(STOP_SECONDS)


def _write_bundle(image: Image, folder: Path, environment: Mapping[str, str], files: Mapping[str, Path]) -> None:
    """Write runc's own proposal, changed to what Docker makes of this image."""
    path = folder / "config.json"
    path.unlink(missing_ok=True)
    _runc(folder, "spec", "--bundle", str(folder)).check_returncode()
    bundle = json.loads(path.read_text())
    bundle["root"] = {"path": str(image.files), "readonly": True}
    bundle["mounts"].append(_mount("/data", folder / "data", "rw"))
    bundle["mounts"] += [_mount(inside, outside, "ro") for inside, outside in files.items()]
    namespaces = [space for space in bundle["linux"]["namespaces"] if space["type"] != "network"]
    bundle["linux"]["namespaces"] = namespaces
    bundle["process"] = {
        "terminal": False,
        "user": dict(zip(("uid", "gid"), map(int, image.config["User"].split(":")), strict=True)),
        "args": [*image.config["Entrypoint"], *image.config["Cmd"]],
        "env": [*image.config["Env"], *(f"{name}={value}" for name, value in environment.items())],
        "cwd": image.config["WorkingDir"],
        "capabilities": {},
        "noNewPrivileges": True,
    }
    path.write_text(json.dumps(bundle))


def _mount(inside: str, outside: Path, mode: str) -> dict[str, Any]:
    return {"destination": inside, "source": str(outside), "type": "bind", "options": ["rbind", mode]}


def _buildah(*arguments: str) -> str:
    command = [ROOT / "tools/image", "buildah", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _runc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["runc", "--root", folder / "state", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=READY_SECONDS)
