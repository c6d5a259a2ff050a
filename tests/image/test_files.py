"""The Dockerfile, compose.yaml and the workflow agree with each other and with the code. Nothing is built here."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from app import __version__
from app.exports import variables
from app.settings import Settings, settings_table
from app.settings_reading import CONFIG_VARIABLE

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["tms-standin"]
SCALED = yaml.safe_load((ROOT / "compose.scale.yaml").read_text())["services"]
WORKFLOW = yaml.safe_load((ROOT / "docs/ci-example.yml").read_text())
SERVICE = WORKFLOW["jobs"]["load"]["services"]["tms-standin"]
KNOWN = {setting.environment for setting in settings_table()} | {CONFIG_VARIABLE, "TMS_ROOT_DIR"}


def lines(word: str, text: str = DOCKERFILE) -> list[str]:
    """Return what stands behind an instruction's word, one text for each time that it is there."""
    joined = re.sub(r"\\\n\s*", "", text)
    return [line.removeprefix(f"{word} ") for line in joined.splitlines() if line.startswith(f"{word} ")]


def only(word: str) -> str:
    """Return what stands behind an instruction that is there once."""
    (text,) = lines(word)
    return text


def environment() -> dict[str, str]:
    """Return the variables that the last stage sets."""
    return dict(word.split("=", 1) for word in shlex.split(lines("ENV")[-1]))


def health() -> list[str]:
    """Return the command of the image's health check."""
    command: list[str] = json.loads(only("HEALTHCHECK").partition(" CMD ")[2])
    return command


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("compose-spec", "compose.yaml"),
        ("compose-spec", "compose.scale.yaml"),
        ("github-workflows", "docs/ci-example.yml"),
    ],
)
def test_each_file_has_its_form(schema, name):
    """The published schema of the form finds nothing."""
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", ROOT / name]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (checked.returncode, checked.stdout) == (0, "ok -- validation done\n"), checked.stdout


def test_the_health_check_is_the_same_everywhere():
    """The image, the service of compose and that of the workflow ask the program itself."""
    options = shlex.split(SERVICE["options"])

    assert health() == ["tms-standin", "health"]
    assert COMPOSE["healthcheck"]["test"] == SCALED["tms-standin"]["healthcheck"]["test"] == ["CMD", *health()]
    assert shlex.split(options[options.index("--health-cmd") + 1]) == health()


def test_the_ports_agree():
    """The image listens where the settings say by default, and nobody maps another port."""
    port = str(Settings().http_port)
    url = WORKFLOW["jobs"]["load"]["env"]["TMS_URL"]

    assert only("EXPOSE") == port
    assert COMPOSE["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert SERVICE["ports"] == [f"{port}:{port}"]
    assert url == f"http://127.0.0.1:{port}"


def test_every_variable_is_known():
    """A variable that the code does not know would stop the container's start."""
    ours = {name for name in environment() if name.startswith("TMS_")} | COMPOSE["environment"].keys()
    ours |= SCALED["tms-standin"]["environment"].keys()

    assert ours - KNOWN == set()
    assert environment()["TMS_STANDIN_HOST"] == "0.0.0.0"


def test_the_workflow_sets_what_the_load_suite_wants():
    """Its variables are those that the start prints, with the same values."""
    env = WORKFLOW["jobs"]["load"]["env"]

    assert env == variables(Settings(), env["TMS_URL"])


def test_the_image_runs_the_program_of_the_wheel():
    """Its entry point is the wheel's command, its version that of the code, and nobody is root."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (program,) = json.loads(only("ENTRYPOINT"))

    assert program in project["scripts"]
    assert json.loads(lines("CMD")[-1]) == ["serve"]
    assert f'org.opencontainers.image.version="{__version__}"' in only("LABEL")
    assert only("USER") == "10001:10001"
    assert only("STOPSIGNAL") == "SIGTERM"


def test_all_data_is_in_one_volume():
    """Settings, database and the certificate of a start stay below /data, where compose mounts its volume."""
    assert only("VOLUME") == lines("WORKDIR")[-1] == environment()["TMS_ROOT_DIR"] == "/data"
    assert COMPOSE["volumes"] == ["data:/data"]
    assert COMPOSE["read_only"] is True
    assert "--read-only" in shlex.split(SERVICE["options"])


def test_what_the_build_copies_is_let_in():
    """.dockerignore keeps everything out but what the Dockerfile copies from here."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in lines("COPY") if "--from" not in line for name in line.split()[:-1]}

    assert let_in == copied
    assert {name for name in copied if not (ROOT / name).exists()} == set()


def test_the_base_has_one_name():
    """Both uses of the base are one stage, so tools/image has one base to make."""
    bases = [line.split()[0] for line in lines("FROM")]

    assert bases == ["debian:bookworm-slim", "python", "python"]


def test_the_replicas_are_behind_nginx():
    """nginx listens, by the file that the tests run it with, where compose maps the port to, and passes on to them."""
    template = (ROOT / "docs/scale/nginx.conf").read_text()
    standin, nginx = SCALED["tms-standin"], SCALED["nginx"]

    assert nginx["volumes"] == ["./docs/scale/nginx.conf:/etc/nginx/nginx.conf:ro"]
    assert nginx["ports"] == ["127.0.0.1:3000:8080"]
    assert "listen 8080;" in template
    assert f"server tms-standin:{only('EXPOSE')} " in template
    assert "ports" not in standin
    assert standin["deploy"] == {"replicas": 4}


def test_the_replicas_share_one_database():
    """All have the account that PostgreSQL is made with, and keep nothing of their own."""
    account = SCALED["postgres"]["environment"]
    user, password, name = (account[f"POSTGRES_{part}"] for part in ("USER", "PASSWORD", "DB"))

    url = SCALED["tms-standin"]["environment"]["TMS_STANDIN_DATABASE"]
    assert url == f"postgresql://{user}:{password}@postgres:5432/{name}"
    assert SCALED["tms-standin"]["tmpfs"] == ["/data", "/tmp"]
    assert SCALED["tms-standin"]["read_only"] is True


def test_the_wheel_has_every_package():
    """Each folder of app/ with code is one of the packages that pyproject.toml names, so that the image has it."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [path.parent.relative_to(ROOT / "app") for path in (ROOT / "app").rglob("__init__.py")]
    ours = {".".join(("tms_standin", *folder.parts)) for folder in folders}

    assert ours == {name for name in named if not name.startswith("tms_standin.migrations")}
