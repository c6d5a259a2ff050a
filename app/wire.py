"""How a wire version writes times, booleans and database errors (contract 1.6 and section 4). It decides nothing."""

from abc import ABC, abstractmethod
from datetime import datetime

from .clock import NEVER
from .errors import DatabaseAway, DatabaseError


class Wire(ABC):
    """What differs on the wire between two released versions of the TMS server."""

    version: str
    git_commit: str
    refuses_nul: bool
    reuses_row_ids: bool
    seeds_whole_seconds: bool
    updated_expiry_name: str

    @abstractmethod
    def kept_expiry(self, moment: datetime) -> datetime:
        """Return an expiry as it is stored."""

    @abstractmethod
    def stamp(self, moment: datetime) -> str:
        """Return `created` or `updated` as an answer shows it."""

    @abstractmethod
    def expiry(self, moment: datetime) -> str:
        """Return `expires_at` as it is read back from the database."""

    @abstractmethod
    def fresh_expiry(self, moment: datetime, nanosecond: int) -> str:
        """Return `expires_at` as the answer of a create call shows it, before it was stored."""

    @abstractmethod
    def spoken_expiry(self, moment: datetime) -> str:
        """Return an expiry as it stands inside an error message."""

    @abstractmethod
    def updated_expiry(self, moment: datetime, nanosecond: int) -> str:
        """Return the new expiry as E24 and E29 show it."""

    @abstractmethod
    def flag(self, value: bool) -> bool | int:
        """Return `enabled` as the answer for a single record shows it."""

    @abstractmethod
    def database_text(self, error: DatabaseError) -> str:
        """Return the words of the database that this version runs on, with the prefix of its driver."""


def _digits(moment: datetime) -> str:
    """Return the isoformat precision that drops trailing groups of three zeros, as chrono does."""
    if moment.microsecond == 0:
        return "seconds"
    return "microseconds" if moment.microsecond % 1000 else "milliseconds"


def _prefixed(error: DatabaseError, text: str) -> str:
    """Return the words of a database behind the driver's; those of the driver alone stand for themselves."""
    return text if isinstance(error, DatabaseAway) else f"error returned from database: {text}"


class Wire030(Wire):
    """Version 0.3.0, on PostgreSQL."""

    version = "0.3.0"
    git_commit = "1fd2b61"
    refuses_nul = True
    reuses_row_ids = False
    seeds_whole_seconds = False
    updated_expiry_name = "expires_msg"

    def kept_expiry(self, moment: datetime) -> datetime:
        """Return it with its microseconds."""
        return moment

    def stamp(self, moment: datetime) -> str:
        """Return RFC 3339 with `+00:00` and 0, 3 or 6 digits."""
        return moment.isoformat(timespec=_digits(moment))

    expiry = stamp

    def fresh_expiry(self, moment: datetime, nanosecond: int) -> str:
        """Return RFC 3339 with nine digits, since the value has not been cut to microseconds yet."""
        if moment == NEVER or nanosecond == 0:
            return self.stamp(moment)
        return f"{moment.isoformat(timespec='microseconds')[:-6]}{nanosecond:03d}+00:00"

    def spoken_expiry(self, moment: datetime) -> str:
        """Return a space instead of the `T`, and the word UTC."""
        return moment.isoformat(" ", timespec=_digits(moment))[:-6] + " UTC"

    def updated_expiry(self, moment: datetime, nanosecond: int) -> str:
        """Return the spoken form with nine digits."""
        return f"{moment.isoformat(' ', timespec='microseconds')[:-6]}{nanosecond:03d} UTC"

    def flag(self, value: bool) -> bool | int:
        """Return a JSON boolean."""
        return value

    def database_text(self, error: DatabaseError) -> str:
        """Return PostgreSQL's words."""
        return _prefixed(error, error.postgresql)


class Wire010(Wire):
    """Version 0.1.0, on SQLite."""

    version = "0.1.0"
    git_commit = "15cad37"
    refuses_nul = False
    reuses_row_ids = True
    seeds_whole_seconds = True
    updated_expiry_name = "expires_at"

    def kept_expiry(self, moment: datetime) -> datetime:
        """Return it in whole seconds, the fraction cut off."""
        return moment.replace(microsecond=0)

    def stamp(self, moment: datetime) -> str:
        """Return six digits and `Z`; rows of the seed have whole seconds."""
        return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")[:-6] + "Z"

    def expiry(self, moment: datetime) -> str:
        """Return whole seconds and `Z`, the fraction cut off."""
        return moment.isoformat(timespec="seconds")[:-6] + "Z"

    spoken_expiry = expiry

    def fresh_expiry(self, moment: datetime, nanosecond: int) -> str:  # noqa: ARG002 - 0.1.0 shows no fraction
        """Return the same as a later read."""
        return self.expiry(moment)

    updated_expiry = fresh_expiry

    def flag(self, value: bool) -> bool | int:
        """Return 0 or 1."""
        return int(value)

    def database_text(self, error: DatabaseError) -> str:
        """Return SQLite's words with the extended result code."""
        return _prefixed(error, error.sqlite)


WIRES: dict[str, Wire] = {wire.version: wire for wire in (Wire030(), Wire010())}
