"""The shape of a seed: one model per table, field names as the columns' (design 2.3). No file, no database."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from .clock import NEVER
from .keys import fingerprint_of
from .records import UNLIMITED
from .settings import Name, OAuthClient, OAuthUser
from .version_requirement import VersionRequirementError, check

_KEY_TYPES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"} | {f"ecdsa-sha2-nistp{n}": "ecdsa" for n in (256, 384, 521)}


def _version_requirement(text: str) -> str:
    try:
        check(text)
    except VersionRequirementError as error:
        raise PydanticCustomError("shape", "a version requirement ({reason})", {"reason": str(error)}) from None
    return text


def _in_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC; one without an offset is meant in UTC."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise PydanticCustomError("shape", "a date and time of the years 1 to 9999 in UTC") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
Count = Annotated[int, Field(ge=0, le=UNLIMITED)]


class Record(BaseModel):
    """A table of the file; what it does not declare is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class OfTenant(Record):
    """A row of any table."""

    tenant: str


class Tenant(OfTenant):
    """A row of `tenants`, and the secret of the administrator that it gets; left out, that of the settings."""

    enabled: bool = True
    admin_secret: Name | None = Field(default=None, repr=False)


class Client(OfTenant):
    """A row of `clients`, with its secret in clear."""

    app_name: str
    app_version: Annotated[str, AfterValidator(_version_requirement)]
    client_id: str
    client_secret: Name = Field(repr=False)
    enabled: bool = True


class UserMfa(OfTenant):
    """A row of `user_mfa`."""

    tms_user_id: str
    enabled: bool = True
    expires_at: Moment = NEVER


class UserHost(OfTenant):
    """A row of `user_hosts`."""

    tms_user_id: str
    host: str
    host_account: str
    expires_at: Moment = NEVER


class Delegation(OfTenant):
    """A row of `delegations`."""

    client_id: str
    client_user_id: str
    expires_at: Moment = NEVER


class Pubkey(OfTenant):
    """A row of `pubkeys`. What the key itself tells may be left out; uses and lifetime are unlimited by default."""

    client_id: str
    client_user_id: str
    host: str
    host_account: str
    public_key: str
    public_key_fingerprint: str | None = None
    key_type: str | None = None
    key_bits: Count | None = None
    max_uses: Count = UNLIMITED
    remaining_uses: Count | None = None
    initial_ttl_minutes: Count = UNLIMITED
    expires_at: Moment = NEVER

    @model_validator(mode="after")
    def _complete(self) -> Self:
        told: dict[str, str | int] = {"remaining_uses": self.max_uses}
        if None in (self.public_key_fingerprint, self.key_type, self.key_bits):
            told |= _told_by(self.public_key)
        for name, value in told.items():
            if getattr(self, name) is None:
                setattr(self, name, value)
        return self


class Host(OfTenant):
    """A row of `hosts`."""

    host: str
    addr: str


class OAuth(Record):
    """The tables below `oauth` (design 2.5). Their shape is checked; nothing stores them yet."""

    clients: list[OAuthClient] = []
    users: list[OAuthUser] = []


class Seed(Record):
    """All records of a seed, parents first. Without a word about tenants there are the real server's two."""

    tenants: list[Tenant] = [Tenant(tenant="default"), Tenant(tenant="test")]
    clients: list[Client] = []
    user_mfa: list[UserMfa] = []
    user_hosts: list[UserHost] = []
    delegations: list[Delegation] = []
    pubkeys: list[Pubkey] = []
    hosts: list[Host] = []
    oauth: OAuth = OAuth()


def known_beside(place: tuple[int | str, ...]) -> list[str]:
    """Return the names that may stand where a name stands that may not, as pydantic tells its place."""
    model: Any = Seed
    for part in place[:-1]:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            model = next(iter(get_args(annotation)), annotation)
    return list(model.model_fields)


def _told_by(public_key: str) -> dict[str, str | int]:
    """Return what the columns of `pubkeys` say of a key (contract 1.9)."""
    try:
        key_type = _KEY_TYPES[public_key.partition(" ")[0]]
        key = load_ssh_public_key(public_key.encode())
    except (KeyError, ValueError, UnsupportedAlgorithm):
        expected = "a record with an OpenSSH public_key, or with its fingerprint, type and bits"
        raise PydanticCustomError("shape", expected) from None
    key_bits = getattr(key, "key_size", 256)  # Only ed25519 has a single size, which is not told.
    return {"key_type": key_type, "key_bits": key_bits, "public_key_fingerprint": fingerprint_of(public_key)}
