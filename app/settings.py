"""Turns tms.toml and the environment into one frozen Settings, each setting declared once. It starts nothing else."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, Field, PrivateAttr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .records import PUBLISHED_ADMIN_SECRET
from .settings_reading import EXPECTED, PREFIX, Environment, check_values, flattened, leaves, merged, read_file
from .settings_tables import Name, Names, OAuth, OAuthClient, OAuthIssuer, OAuthUser, Table, Tapis, shaped

__all__ = ("EXPECTED", "Name", "OAuth", "OAuthClient", "OAuthUser", "Setting", "Settings", "Tapis", "settings_table")


def _database_url(value: str) -> str:
    if re.fullmatch(r"sqlite://(/(?!:memory:).+)?", value) or (
        value.startswith(("postgresql://", "postgres://")) and _is_url(value)
    ):
        return value
    raise PydanticCustomError("shape", "a URL: postgresql://..., sqlite:///PATH or sqlite:// (in memory)")


def _is_url(value: str) -> bool:
    # Imported here, since reading the settings alone (--help, a refused start) does not need SQLAlchemy.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(value)
    except (ArgumentError, ValueError):
        return False
    return True


HeaderValue = Annotated[str, shaped(r"[!-~]([\t -~]*[!-~])?", "visible ASCII, since it travels in a header")]
BearerToken = Annotated[str, shaped(r"[!-~]+", "visible ASCII without spaces, since it travels in a header")]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Host = Annotated[str, shaped(r"[!-~]{1,253}", "a host name or an address")]


class RealServerSettings(BaseSettings):
    """The seven keys of the real server's own tms.toml (contract 1.10), at the top level of ours."""

    model_config = SettingsConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    title: str = Field(default="TMS Server", description="Has no effect on the wire.")
    http_addr: str = Field(
        default="http://localhost", description="Has no effect but that an https prefix turns TLS on."
    )
    http_port: int = Field(default=3000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    enable_mvp: bool = Field(default=True, description="MVP mode: keys need no prior MFA, mapping or delegation.")
    enable_test_tenant: bool = Field(default=True, description="Whether each start enables or disables tenant test.")
    new_clients: Literal["allow", "disallow"] = Field(default="allow", description="Whether clients may be created.")
    server_urls: Names = Field(
        default=("http://localhost:3000/v1",), description="The servers that the OpenAPI document names."
    )


class Settings(RealServerSettings):
    """Every setting of the stand-in. Built with arguments it reads neither file nor environment; `load` reads both."""

    database: DatabaseUrl = Field(
        default="sqlite:///tms.db", repr=False, description="sqlite:///PATH, sqlite:// (in memory) or postgresql://..."
    )
    wire_version: Literal["0.3.0", "0.1.0"] = Field(default="0.3.0", description="The tms_server release to answer as.")
    quirks: Literal["intended", "real"] = Field(default="intended", description="real: defects D1 and D2 as well.")
    strict: bool = Field(default=False, description="Enforce the documented rules that the real server forgets.")
    admin_secret: HeaderValue = Field(
        default=PUBLISHED_ADMIN_SECRET, repr=False, description="Secret of ~~admin in the tenants default and test."
    )
    seed: Name = Field(default="standard", description="standard, empty, or the path of a TOML seed file.")
    host: Host = Field(default="127.0.0.1", description="Address to listen on.")
    tls: bool = Field(default=False, description="Serve https; a certificate is made unless files are named.")
    tls_certificate: Name | None = Field(
        default=None, description="PEM file of your own: the server's certificate, then its chain; turns TLS on."
    )
    tls_key: Name | None = Field(default=None, description="PEM file with the key of tls_certificate.")
    tls_folder: Name = Field(default="tls", description="Folder that keeps the certificate made at the first start.")
    log_format: Literal["text", "json"] = Field(default="text", description="Form of the log's lines.")
    random_seed: int | None = Field(default=None, ge=0, lt=2**63, description="A number makes every run the same.")
    control_token: BearerToken | None = Field(
        default=None, repr=False, description="Bearer token that the control plane asks for."
    )
    oauth: OAuth = Field(default=OAuth(), description="The OAuth 2.0 device authorization server.")
    tapis: Tapis = Field(default=Tapis(), description="The Tapis authenticator.")

    _file_read: Path | None = PrivateAttr(default=None)
    _files_missing: tuple[Path, ...] = PrivateAttr(default=())
    _from_file: frozenset[str] = PrivateAttr(default=frozenset())
    _from_environment: frozenset[str] = PrivateAttr(default=frozenset())

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, directory: Path | None = None) -> Self:
        """Return the settings of `environment` (the process's), then the file, then the defaults.

        `directory` (the current one) is where ./tms.toml and relative paths of files start.
        Raises StartRefused with one sentence that names file or variable, key and what was expected.
        """
        environment = os.environ if environment is None else environment
        path, missing, document = read_file(environment, Path.cwd() if directory is None else directory.absolute())
        known = _last_names()
        from_file = flattened(document, path, {_key_of(name): name for name in cls.model_fields}, known)
        variables = {setting.name: setting.environment for setting in settings_table()}
        from_environment = Environment(cls, environment, variables)()
        # Each is checked for itself, so that a mistake in the file shows even where the environment overrides it.
        check_values(cls, from_file, _key_of, known, f"{path}: ")
        check_values(cls, from_environment, _variable_of, known, "")
        settings = cls(**merged(from_file, from_environment))
        settings._file_read, settings._files_missing = path, missing
        settings._from_file, settings._from_environment = leaves(from_file), leaves(from_environment)
        return settings

    @property
    def serves_tls(self) -> bool:
        """Whether https is served: switched on, by an https prefix of http_addr (contract 1.10) or by own files."""
        own_files = self.tls_certificate is not None or self.tls_key is not None
        return self.tls or own_files or self.http_addr.startswith("https")

    @property
    def file_read(self) -> Path | None:
        """The whole path of the configuration file that was read, if one was."""
        return self._file_read

    @property
    def files_missing(self) -> tuple[Path, ...]:
        """The whole paths of the configuration files that were looked for and not found."""
        return self._files_missing

    def origin_of(self, name: str) -> str:
        """Return where `name` ("strict", "oauth.interval") comes from: "environment VARIABLE", "file" or "default".

        Raises KeyError for a name that is no setting.
        """
        if name not in {setting.name for setting in settings_table()}:
            raise KeyError(name)
        if name in self._from_environment:
            return f"environment {_variable_of(name)}"
        return "file" if name in self._from_file else "default"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's own signature has it
        init_settings: PydanticBaseSettingsSource,
        *_others: object,
        **_named: object,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep pydantic-settings from reading the process's environment; `load` does so on demand."""
        return (init_settings,)


class Setting(NamedTuple):
    """One line of the table of settings: attribute, key in tms.toml, environment variable, default, help."""

    name: str
    key: str
    environment: str
    default: Any
    help: str


def settings_table() -> tuple[Setting, ...]:
    """Return every setting in the order of declaration, those of nested tables with dotted names."""
    return tuple(
        Setting(name, _key_of(name), _variable_of(name), field.default, field.description or "")
        for name, field in _fields(Settings)
    )


def _fields(model: type[BaseModel], head: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, Table):
            yield from _fields(type(field.default), f"{name}.")
        else:
            yield head + name, field


def _key_of(name: str) -> str:
    top = name.partition(".")[0]
    at_home = top in RealServerSettings.model_fields or top in ("oauth", "tapis")
    return name if at_home else f"standin.{name}"


def _variable_of(name: str) -> str:
    return PREFIX + name.replace(".", "__").upper()


def _last_names() -> dict[str, str]:
    inside = {name: name for model in (OAuthClient, OAuthUser, OAuthIssuer) for name in model.model_fields}
    return inside | {setting.name.rpartition(".")[2]: setting.key for setting in settings_table()}
