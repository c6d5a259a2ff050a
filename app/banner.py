"""Writes what the start tells a person, the load suite's export lines included. It prints nothing itself."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from uvicorn.main import main as uvicorn_command

from . import __version__
from .addresses import is_loopback, local_url
from .exports import export_lines
from .settings import Settings
from .tls import authority_path

__all__ = ("MODES", "banner", "local_url", "where_it_listens")

MODES = ("enable_mvp", "enable_test_tenant", "new_clients", "wire_version", "quirks", "strict")


def banner(settings: Settings, url: str, state: str, secret_is_known: bool, is_new: bool = True) -> str:
    """Return the lines of the start, the export lines at column 0, with a newline at the end.

    `url` is where a client on this machine finds the stand-in (`local_url`), `state` what the start did with the
    database ("made, migrated and seeded (standard)"), `secret_is_known` whether the stored secret of the
    administrator is the configured one: only then is it shown. `is_new` is whether this start made the database.
    """
    facts = [*_files(settings), ("database", f"{_database(settings.database)}: {state}")]
    facts += [*_tls(settings, url), *((name, _mode(settings, name)) for name in MODES)]
    facts += [
        *_records(settings, secret_is_known, is_new),
        *_oauth(settings, url),
        ("control page", f"{url}/_standin/"),
    ]
    lines = [f"TMS stand-in {__version__}, answering as tms_server {settings.wire_version}, at {url}", ""]
    lines += [f"  {label:<20}{fact}" for label, fact in facts]
    lines += [line for warning in _warnings(settings) for line in ("", warning)]
    lines += ["", "For the load suite:", "", *export_lines(settings, url, secret_is_known), ""]
    return "\n".join(lines) + "\n"


def where_it_listens(settings: Settings, arguments: list[str]) -> Settings:
    """Return the settings with the host, port and TLS of `uvicorn app.main:app --port N`, whose options say where.

    `arguments` is the process's command line. Under any other command the settings themselves say it.
    """
    if "uvicorn" not in Path(arguments[0]).parts[-2:]:
        return settings
    context = uvicorn_command.make_context("uvicorn", list(arguments[1:]), resilient_parsing=True)
    given = context.params
    certificate, key = given["ssl_certfile"], given["ssl_keyfile"]
    tls = {"tls": False, "http_addr": "http://", "tls_certificate": certificate, "tls_key": key}
    return settings.model_copy(update={"host": given["host"], "http_port": given["port"], **tls})


def _files(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "configuration", str(settings.file_read or "defaults and environment, no file")
    for path in settings.files_missing:
        yield "", f"{path} was looked for and not found"


def _database(url: str) -> str:
    if url.startswith("sqlite:///"):
        return f"sqlite:///{Path(url.removeprefix('sqlite:///')).absolute()}"
    if url.startswith("sqlite://"):
        return "sqlite:// (in memory)"
    # Imported here, since only PostgreSQL's URLs hold a password.
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def _tls(settings: Settings, url: str) -> Iterator[tuple[str, str]]:
    if settings.tls_certificate is not None:
        yield "TLS", f"with the certificate {Path(settings.tls_certificate).absolute()}"
    elif settings.serves_tls:
        authority = authority_path(settings)
        yield "TLS", f"certificate authority {authority}, also at {url}/_standin/ca.pem"
        yield "", f"curl --cacert {shlex.quote(str(authority))} {url}/v1/tms/version"


def _mode(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return f"{str(value).lower() if isinstance(value, bool) else value:<12}{settings.origin_of(name)}"


def _records(settings: Settings, secret_is_known: bool, is_new: bool) -> list[tuple[str, str]]:
    if settings.seed != "standard" and not is_new:
        return [("records", f"those of the database; the seed {settings.seed} is for a new one only")]
    if settings.seed == "empty":
        return [("records", "tenants default and test with ~~admin, nothing else")]
    if settings.seed != "standard":
        return [("records", f"as the seed file {settings.seed} says")]
    disabled = "" if settings.enable_test_tenant else " (disabled: enable_test_tenant is false)"
    secret = (
        f"~~admin / {settings.admin_secret}" if secret_is_known else "~~admin, with the secret set at the first start,"
    )
    return [
        ("tenants", f"default, test{disabled}"),
        ("client", "testclient1 / secret1 in tenant test"),
        ("administrator", f"{secret} in both tenants"),
    ]


def _oauth(settings: Settings, url: str) -> Iterator[tuple[str, str]]:
    issuer = settings.oauth.issuer or url
    yield "OAuth", f"issuer {issuer}; codes are typed at {issuer}/device"
    if settings.seed == "standard":
        yield "", "client device-public, users testuser1 / password1 and testuser2 / password2"


def _warnings(settings: Settings) -> Iterator[str]:
    if not settings.serves_tls:
        yield "  NOTE: OAuth over plain http is meant for loopback only; make run TLS=1 (TMS_STANDIN_TLS=1) serves https."
    if not is_loopback(settings.host) and settings.control_token is None:
        yield (
            f"  WARNING: listening on {settings.host} without standin.control_token:\n"
            "  WARNING: whoever reaches this port can read, change and reset everything through /_standin."
        )
