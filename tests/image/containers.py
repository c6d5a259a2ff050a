"""What the image promises, seen in real containers: `make test-image`. `make test` does not collect this file."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.conformance.recordings import RECORDINGS, SETUPS, differences
from tests.image.container import PORT, Container, Image, opened_image, started
from tests.load.rows import defects, fingerprints_after
from tests.seeded import CALLER as CLIENT
from tests.seeded import KEY
from tests.servers import STANDARD

SEED = """[[tenants]]
tenant = "astro"
[[clients]]
tenant = "astro"
client_id = "portal"
client_secret = "s3cret"
app_name = "portal"
app_version = "1.0"
"""
# Tries to make a file in every folder and to open every file for writing, /proc and /sys included but for processes.
WRITE_EVERYWHERE = """
import json, os
written, files, folders = [], [], 0
for folder, names, inside in os.walk("/"):
    if folder == "/proc":
        names[:] = [name for name in names if not name.isdigit() and name not in ("self", "thread-self")]
    folders += 1
    path = os.path.join(folder, ".tried")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.unlink(path)
        written.append(folder)
    except OSError:
        pass
    for name in inside:
        path = os.path.join(folder, name)
        if folder.startswith(("/data", "/dev")) or not os.path.isfile(path):
            continue
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            files.append(path)
        except OSError:
            pass
print(json.dumps({"written": written, "files": files, "folders": folders, "by": [os.getuid(), os.getgid()]}))
"""
HALF_A_REQUEST = (
    b"POST /v1/tms/pubkeys/creds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)
# The second for last answers, and half of one for a busy machine.
HELD_SECONDS = 1.5
# What the image promises. On a busy machine only the middle of several stops says something.
STOP_SECONDS = 2
STARTS = 5


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image that `make image` built."""
    with opened_image() as image:
        yield image


@pytest.fixture
def say(capsys):
    """Return a function that prints a figure, whatever pytest keeps to itself."""

    def print_now(*words):
        with capsys.disabled():
            print("\n ", *words)

    return print_now


def ask(method, path, headers=None, body=None):
    """Send a request to the container and return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def stop(container: Container) -> float:
    """Stop as `docker stop` does; return the seconds. It ends by itself, with status 0."""
    seconds = container.stop_seconds("SIGTERM")

    assert container.process.returncode == 0, container.log()
    return seconds


def found(image: Image, *patterns: str) -> list[str]:
    """Return the paths of the image that match any pattern."""
    return sorted(str(path.relative_to(image.files)) for pattern in patterns for path in image.files.glob(pattern))


def test_it_says_what_docker_needs_to_know(image, say):
    """User, command, port, volume and health check are those of the Dockerfile."""
    config = image.config
    say(f"size {image.size}")

    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["tms-standin"], ["serve"])
    assert (config["StopSignal"], config["WorkingDir"]) == ("SIGTERM", "/data")
    assert (config["ExposedPorts"], config["Volumes"]) == ({"3000/tcp": {}}, {"/data": {}})
    assert config["Healthcheck"]["Test"] == ["CMD", "tms-standin", "health"]


def test_it_holds_nothing_that_only_building_needs(image):
    """No compiler, no pip, no cache, no package list; and nothing of this machine's way to its packages."""
    names = ("gcc*", "cc", "c++", "g++*", "ld", "make", "rustc", "pip*", "git", "buildah")
    places = ("usr/bin", "usr/local/bin", "opt/*/bin")

    assert found(image, *(f"{place}/{name}" for place in places for name in names)) == []
    assert found(image, "opt/*/lib/*/site-packages/pip*", "opt/*/lib/*/site-packages/setuptools*") == []
    assert found(image, "root/.cache", "var/cache/apt/*", "var/lib/apt/lists/*", "tmp/*", "build") == []
    assert found(image, "data/*", "etc/pip.conf", "etc/ssl/certs/*", "usr/local/share/ca-certificates/*") == []


def test_no_program_lends_its_owners_rights(image):
    """No file has the setuid or the setgid bit, and none belongs to the user of the container but its volume."""
    paths = [path for path in image.files.rglob("*") if not path.is_symlink()]
    lending = [path for path in paths if path.is_file() and path.stat().st_mode & 0o6000]
    owned = [path for path in paths if path.stat().st_uid == image.owner]

    assert len(paths) > 5000
    assert lending == []
    assert owned == [image.files / "data"]


def test_nothing_but_the_volume_can_be_written(image, tmp_path):
    """Each folder of each mount is tried by the container's own user; what the runtime mounts for devices is in memory.

    `docker run --read-only` mounts the same. What is found there is the shared memory, which ends with the container.
    """
    with started(image, tmp_path) as container:
        container.ready_seconds()
        tried = container.run("python", "-c", WRITE_EVERYWHERE)
        stop(container)
    found = json.loads(tried.stdout)

    assert (tried.returncode, tried.stderr) == (0, "")
    assert found["folders"] > 500
    assert found["by"] == [10001, 10001]
    assert [path for path in found["written"] if not path.startswith("/dev/")] == ["/data"]
    assert set(found["written"]) <= {"/data", "/dev/shm", "/dev/mqueue"}
    # The kernel's own: what is written there makes it tell of pressure, and is stored nowhere.
    assert [path for path in found["files"] if not path.startswith("/proc/pressure/")] == []


def test_all_bytecode_is_there(image):
    """At run time none can be written, so each module of the environment has its own."""
    modules = list(image.files.glob("opt/tms-standin/lib/python3.11/site-packages/**/*.py"))
    lacking = [path for path in modules if not (path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc").exists()]

    assert len(modules) > 1000
    assert lacking == []


def test_it_starts_with_nothing_given(image, tmp_path):
    """On a read-only file system, without privileges, it becomes ready, and the health check of the image says so."""
    with started(image, tmp_path) as container:
        container.ready_seconds()
        health = container.run(*image.config["Healthcheck"]["Test"][1:])
        inside = container.run("sh", "-c", "id -u; tr '\\0' ' ' </proc/1/cmdline; grep CapEff /proc/1/status; touch /x")
        listening = container.run("cat", "/proc/net/tcp").stdout
        version = ask("GET", "/v1/tms/version")
        stop(container)

    assert (health.returncode, health.stdout, health.stderr) == (0, "ready\n", "")
    assert inside.stdout.split("\n") == [
        "10001",
        "/opt/tms-standin/bin/python /opt/tms-standin/bin/tms-standin serve CapEff:\t0000000000000000",
        "",
    ]
    assert inside.stderr == "touch: cannot touch '/x': Read-only file system\n"
    assert f"00000000:{PORT:04X} 00000000:0000 0A" in listening
    assert (version[0], version[1]["tms_version"]) == (200, "0.3.0")


def test_how_long_a_start_and_a_stop_take(image, tmp_path, say):
    """Five starts on a new volume and five on one that has been used; most stops are in time on a busy machine too."""
    figures = {"new": [], "used": []}
    stops = []
    for number in range(STARTS):
        for kind, ready in figures.items():
            with started(image, tmp_path / str(number)) as container:
                ready.append(container.ready_seconds())
                stops.append(stop(container))
            assert ("existing" if kind == "used" else "made, migrated and seeded") in container.log()

    for kind, ready in figures.items():
        say(f"ready after {sorted(ready)[STARTS // 2]:.2f} s (median of {STARTS}, {kind} volume; goal 1 s)")
    stopped = sorted(stops)[len(stops) // 2]
    say(f"stopped after {stopped:.2f} s (median of {len(stops)}; goal {STOP_SECONDS} s)")
    assert stopped < STOP_SECONDS


def test_not_ready_is_not_healthy(image, tmp_path):
    """The health check fails, with a sentence, where nobody answers; the server that runs goes on."""
    with started(image, tmp_path) as container:
        container.ready_seconds()
        health = container.run("env", "TMS_STANDIN_HTTP_PORT=3001", *image.config["Healthcheck"]["Test"][1:])
        version = ask("GET", "/v1/tms/version")

    assert (health.returncode, health.stdout) == (1, "")
    assert len(health.stderr.splitlines()) == 1
    assert version[0] == 200


def test_what_was_answered_is_in_the_database(image, tmp_path):
    """SIGTERM in the middle of eight writers: every key answered with 201 is a row, and a new container serves it."""
    answered, begun = [], threading.Event()

    def create():
        try:
            while True:
                status, body = ask("POST", "/v1/tms/pubkeys/creds", CLIENT, KEY)
                assert status == 201, body
                answered.append(body["public_key_fingerprint"])
                begun.set()
        except (OSError, http.client.HTTPException):
            return

    with started(image, tmp_path) as container:
        container.ready_seconds()
        writers = [threading.Thread(target=create) for _ in range(8)]
        for writer in writers:
            writer.start()
        assert begun.wait(30)
        stop(container)
        for writer in writers:
            writer.join()
    database = tmp_path / "data/tms.db"
    stored = set(fingerprints_after(database, 1))

    assert len(answered) >= 1
    assert set(answered) - stored == set()
    assert defects(database) == []
    wanted = {"user": "testhostaccount1", "user_uid": "1", "host": "testhost1", "key_type": "ed25519"}
    with started(image, tmp_path) as container:
        container.ready_seconds()
        status, _ = ask(
            "POST", "/v1/tms/pubkeys/creds/retrieve", None, wanted | {"public_key_fingerprint": answered[-1]}
        )
    assert status == 200


def test_a_request_that_never_ends_does_not_hold_it(image, tmp_path, say):
    """A client that sends half of its body and waits costs a stop no more than the second that it is given."""
    plain, held = [], []
    for _ in range(3):
        for half_sent, stops in ((b"", plain), (HALF_A_REQUEST, held)):
            with started(image, tmp_path) as container, socket.socket() as half:
                container.ready_seconds()
                half.connect(("127.0.0.1", PORT))
                half.sendall(half_sent)
                assert ask("GET", "/v1/tms/version")[0] == 200
                stops.append(stop(container))
    say(f"stopped after {min(held):.2f} s with a request that never ends (best of 3; goal {STOP_SECONDS} s)")

    assert min(held) - min(plain) < HELD_SECONDS


def test_settings_and_seed_by_mount(image, tmp_path):
    """tms.toml below /data/config is read, and the seed file that it names is planted; the image's address holds."""
    (tmp_path / "tms.toml").write_text(
        'enable_mvp = false\n[standin]\nseed = "/seed.toml"\nwire_version = "0.1.0"\nhost = "127.0.0.1"\n'
    )
    (tmp_path / "seed.toml").write_text(SEED)
    files = {"/data/config/tms.toml": tmp_path / "tms.toml", "/seed.toml": tmp_path / "seed.toml"}
    with started(image, tmp_path, files=files) as container:
        container.ready_seconds()
        version = ask("GET", "/v1/tms/version")
        portal = ask(
            "GET",
            "/v1/tms/client/portal",
            {"X-TMS-TENANT": "astro", "X-TMS-CLIENT-ID": "portal", "X-TMS-CLIENT-SECRET": "s3cret"},
        )
        stop(container)

    assert "configuration       /data/config/tms.toml\n" in container.log()
    assert "database            sqlite:////data/tms.db: made, migrated and seeded (/seed.toml)\n" in container.log()
    assert "listening on 0.0.0.0" in container.log()
    assert version[1]["tms_version"] == "0.1.0"
    assert (portal[0], portal[1]["app_name"]) == (200, "portal")


@pytest.mark.parametrize(
    ("name", "seed", "sentence"),
    [
        (
            "/rule.toml",
            SEED.replace('"s3cret"', "7"),
            "/rule.toml: [[clients]] record 1: client_secret must be a string.\n",
        ),
        (
            "/form.toml",
            "[[tenants",
            (
                "The seed file /form.toml cannot be parsed as TOML in UTF-8: "
                "Expected ']]' at the end of an array declaration (at end of document).\n"
            ),
        ),
        (
            "/absent.toml",
            None,
            (
                "The seed file /absent.toml cannot be read (No such file or directory); "
                "standin.seed must be standard, empty or the path of a TOML file.\n"
            ),
        ),
    ],
)
def test_a_broken_seed_stops_it(image, tmp_path, name, seed, sentence):
    """The container ends with one sentence and status 2, and leaves no database that a later start would serve."""
    outside = tmp_path / "seed.toml"
    if seed is not None:
        outside.write_text(seed)
    files = {name: outside} if outside.exists() else {}
    with started(image, tmp_path, {"TMS_STANDIN_SEED": name}, files) as container:
        refused = container.ended(), container.log()
    with started(image, tmp_path) as again:
        again.ready_seconds()

    assert refused == (2, sentence)
    assert "made, migrated and seeded (standard)" in again.log()


def test_a_volume_that_it_may_not_write(image, tmp_path):
    """A folder of somebody else's as /data ends the start with the file's name and the reason."""
    (tmp_path / "data").mkdir(0o755)
    with started(image, tmp_path) as container:
        status = container.ended()

    assert status == 2
    assert container.log() == (
        "/data/tms.db: it cannot be opened (Permission denied), expected a file in a directory that may be written.\n"
    )
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: f"{recording.title}, {recording.setup}")
def test_conformance(image, tmp_path, recording, say):
    """A container with the settings of a recording gives every answer of it."""
    settings = STANDARD | SETUPS[recording.setup] | {"wire_version": recording.version, "quirks": recording.quirks}
    environment = {f"TMS_STANDIN_{name.upper()}": written(value) for name, value in settings.items()}
    scenarios = recording.scenarios()
    with started(image, tmp_path, environment) as container:
        container.ready_seconds()
        different = [text for scenario in scenarios for text in differences(recording, scenario, container.url)]
    steps = sum(len(scenario["steps"]) for scenario in scenarios)
    say(f"{steps - len(different)} of {steps} answers equal ({recording.title}, {recording.setup})")

    assert different == []


def written(value: object) -> str:
    """Return a setting as the environment has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
