"""What the mixed load owns on a server: keys, clients, flows and tokens that answers have named. It asks nothing."""

import base64
import hashlib
import json
import random
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.crash.ledger import State, Thing

THERE: State = ()
NEVER = "never"
Owned = TypeVar("Owned")


@dataclass
class Key:
    """A key of a user of its own, on that user's mapping."""

    user: str
    fingerprint: str
    uses: int

    @property
    def things(self) -> dict[Thing, State]:
        """Return what is found of it."""
        return {("key", self.user): (self.uses, self.uses), ("fingerprint", self.fingerprint): (self.user,)}

    @property
    def mapping(self) -> Thing:
        """Return its mapping, which a deletion takes it along with."""
        return ("mapping", self.user)


@dataclass
class Client:
    """A client that was registered, and the users who have delegated to it."""

    name: str
    secret: str
    users: list[str] = field(default_factory=list)

    @property
    def things(self) -> dict[Thing, State]:
        """Return what is found of it."""
        return {("client", self.name): THERE, **{delegation(self.name, user): (NEVER,) for user in self.users}}


@dataclass
class Flow:
    """A device flow of RFC 8628."""

    user_code: str
    device_code: str
    polls: int = 0

    def things(self, status: str) -> dict[Thing, State]:
        """Return what is found of it in a status."""
        return {("flow", self.user_code): (status, self.polls)}


@dataclass
class Family:
    """The tokens of one grant: every refresh token was used but the last, and each came with an access token."""

    refresh: list[str]
    access: list[str]
    revoked: bool = False

    @property
    def things(self) -> dict[Thing, State]:
        """Return what is found of them."""
        ends = "revoked" if self.revoked else "good"
        used = {("refresh token", hash_of(token)): ("used", ends) for token in self.refresh[:-1]}
        last = {("refresh token", hash_of(self.refresh[-1])): ("unused", ends)}
        return {**used, **last, **{("access token", jti_of(token)): (ends,) for token in self.access}}


@dataclass
class Estate:
    """All of it. What is taken out is put back when its request was answered, so that nobody else changes it meanwhile."""

    keys: list[Key] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    pending: list[Flow] = field(default_factory=list)
    approved: list[Flow] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    numbers: int = 0

    def number(self) -> int:
        """Return a number that no other thing has."""
        self.numbers += 1
        return self.numbers

    @staticmethod
    def take(owned: list[Owned]) -> Owned | None:
        """Take any one of them out, or None where there is none."""
        return owned.pop(random.randrange(len(owned))) if owned else None


def delegation(client: str, user: str) -> Thing:
    """Return the thing that a delegation is."""
    return ("delegation", f"{client} {user}")


def hash_of(token: str) -> str:
    """Return how a refresh token is found in the database."""
    return hashlib.sha256(token.encode()).hexdigest()


def jti_of(token: str) -> str:
    """Return how an access token is found in the database: by a claim of the JWT."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["jti"])
