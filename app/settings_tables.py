"""The `[oauth]` and `[tapis]` tables of tms.toml as frozen models (design 2.5, 2.6). It reads nothing."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

TEN_YEARS = 315_360_000
ISSUER_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
STEP = r"(pending|slow_down)(\*[1-9]\d{0,3})?|deny|expire|approve \S+( \S+)*"


def shaped(pattern: str, expected: str) -> AfterValidator:
    """Return a validator that tells `expected` where a text does not match the whole `pattern`."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise PydanticCustomError("shape", expected)
        return value

    return AfterValidator(check)


def _each_once(attribute: str) -> AfterValidator:
    def check(entries: tuple[BaseModel, ...]) -> tuple[BaseModel, ...]:
        if len({getattr(entry, attribute) for entry in entries}) < len(entries):
            raise PydanticCustomError("shape", f"a list in which every {attribute} stands once")
        return entries

    return AfterValidator(check)


Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[int, Field(ge=1, le=TEN_YEARS)]
Attempts = Annotated[int, Field(ge=1, le=1_000_000)]
# TOML and JSON have lists only, so a strict tuple has to take one.
Names = Annotated[tuple[Name, ...], Strict(False)]
AuthMethod = Literal["client_secret_basic", "client_secret_post"]
GrantType = Literal["urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code"]
Issuer = Annotated[
    str, shaped(r"https?://[^?#\s]*[^?#\s/]", "an http or https URL without query, fragment and slash at its end")
]


IssuerName = Annotated[str, shaped(ISSUER_NAME, "1 to 64 letters, digits, dots, dashes or underscores")]
Step = Annotated[
    str, shaped(STEP, 'a step such as "pending", "pending*3", "slow_down", "deny", "expire", "approve USER"')
]
Script = Annotated[tuple[Step, ...], Strict(False)]


class Table(BaseModel):
    """A table of tms.toml; what it does not declare is refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class OAuthClient(Table):
    """One `[[oauth.clients]]`; without a secret it is a public client."""

    client_id: Name
    client_secret: Name | None = Field(default=None, repr=False)
    client_name: Name | None = None
    scopes: Names = ("openid", "profile", "email", "offline_access")
    auth_methods: Annotated[tuple[AuthMethod, ...], Strict(False)] = ("client_secret_basic", "client_secret_post")

    grant_types: Annotated[tuple[GrantType, ...], Strict(False)] = get_args(GrantType)
    redirect_uris: Names = ()
    script: Script = ()


class OAuthUser(Table):
    """One `[[oauth.users]]`."""

    username: Name
    password: Name = Field(repr=False)


class OAuthIssuer(Table):
    """One `[[oauth.issuers]]`: a named issuer, which exists without it too, whose device flows play a script."""

    name: IssuerName
    script: Script = ()


class OAuth(Table):
    """The `[oauth]` table (design 2.5)."""

    interval: Seconds = Field(default=5, description="Seconds between two polls of a device flow.")
    device_code_ttl: Seconds = Field(default=600, description="Seconds until a device code expires.")
    access_token_ttl: Seconds = Field(default=3600, description="Seconds until an access token expires.")
    refresh_token_ttl: Seconds = Field(default=2_592_000, description="Seconds until a refresh token expires.")
    rotate_refresh_tokens: bool = Field(default=True, description="Whether a refresh token is good for one use only.")
    json_bodies: bool = Field(default=False, description="Whether requests may be JSON too, as octokit sends them.")
    auto_approve: Name | None = Field(default=None, description="User in whose name device flows approve themselves.")
    auto_approve_polls: int = Field(default=0, ge=0, le=TEN_YEARS, description="Polls that auto_approve waits for.")
    wrong_codes: Attempts = Field(
        default=5, description="Wrong user codes or passwords that a source has in 5 minutes."
    )
    wrong_secrets: Attempts = Field(default=20, description="Wrong secrets or device codes a source has in 1 minute.")
    issuer: Issuer | None = Field(default=None, description="Issuer; left out, the base URL as the caller sees it.")
    clients: Annotated[tuple[OAuthClient, ...], Strict(False), _each_once("client_id")] = Field(
        default=(), description="Clients on top of the seeded ones; the same client_id replaces one."
    )
    users: Annotated[tuple[OAuthUser, ...], Strict(False), _each_once("username")] = Field(
        default=(), description="Users on top of the seeded ones; the same username replaces one."
    )
    issuers: Annotated[tuple[OAuthIssuer, ...], Strict(False), _each_once("name")] = Field(
        default=(), description="Scripts of named issuers; every other name works without an entry."
    )


class TapisClient(Table):
    """One `[[tapis.tenants.clients]]`."""

    client_id: Name
    client_key: Name = Field(repr=False)
    display_name: Name | None = None
    callback_url: Name | None = None
    script: Script = ()


class TapisTenant(Table):
    """One `[[tapis.tenants]]`, found under its hosts, as the first label of a host, or below /tenants/{tenant_id}."""

    tenant_id: IssuerName
    hosts: Names = ()
    clients: Annotated[tuple[TapisClient, ...], Strict(False), _each_once("client_id")] = ()
    users: Annotated[tuple[OAuthUser, ...], Strict(False), _each_once("username")] = ()


class Tapis(Table):
    """The `[tapis]` table (design 2.6)."""

    tenant: Name = Field(default="dev", description="The one Tapis tenant.")
    race: bool = Field(default=False, description="Reproduce the code-entry race of release 26Q1.0.")
    tenants: Annotated[tuple[TapisTenant, ...], Strict(False), _each_once("tenant_id")] = Field(
        default=(), description="More tenants, each with its own users, clients and keys."
    )
