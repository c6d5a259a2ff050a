"""The issuers' signing keys, in the database, and the signatures made with them, in threads. It decides no claim."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from ..chance import Chance
from ..clock import Clock
from ..oauth_tables import oauth_signing_keys
from ..statements import Insert, Statement, matching
from ..store import Store
from ..transaction import Transaction
from .tokens import Unsigned

ALGORITHM = "RS256"
KEY_BITS = 2048
ACCESS_TYPE = "at+jwt"
MALFORMED = (ValueError, TypeError, AttributeError)  # joserfc looks into a header before it knows what that is
_PARSED_KEYS = 100
_DRAWS = 121  # one more than there are ready keys of this length
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7638, SHA-256

_KEYS = Statement(
    select(oauth_signing_keys)
    .where(matching(oauth_signing_keys, "issuer"))
    .order_by(
        oauth_signing_keys.c.retired_at.is_not(None), oauth_signing_keys.c.created.desc(), oauth_signing_keys.c.kid
    )
)
_KEY = Statement(select(oauth_signing_keys).where(matching(oauth_signing_keys, "kid")))
_INSERT = Insert(oauth_signing_keys)
_RETIRE = Statement(
    update(oauth_signing_keys)
    .where(
        matching(oauth_signing_keys, "issuer=of_issuer"),
        oauth_signing_keys.c.kid != bindparam("new_kid"),
        oauth_signing_keys.c.retired_at.is_(None),
    )
    .values(retired_at=bindparam("retired_at", type_=oauth_signing_keys.c.retired_at.type))
)


class SigningKeys:
    """Makes, finds, rotates and uses the keys. Parsed ones are kept, since parsing takes longer than signing."""

    def __init__(self, store: Store, clock: Clock, chance: Chance, token_lifetime: int) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._token_lifetime = timedelta(seconds=token_lifetime)
        self._parsed: dict[str, Any] = {}
        self._making = asyncio.Lock()

    def over(self, store: Store) -> "SigningKeys":
        """Return the same over another store."""
        return SigningKeys(store, self._clock, self._chance, int(self._token_lifetime.total_seconds()))

    async def signed(self, issuer: str, response: Mapping[str, Any]) -> dict[str, Any]:
        """Return a token response with its JWTs signed; the id_token gets the access token's `at_hash`."""
        key = await self.current(issuer)
        return await asyncio.to_thread(_sign_all, dict(response), key)

    async def current(self, issuer: str) -> Any:
        """Return the newest key of an issuer (a joserfc RSAKey with its `kid`), made at the first need.

        That is a write of its own, so nobody may need it inside of another one.
        """
        key = await self.newest(issuer)
        if key is None:
            async with self._making:
                row = await self._store.one(_KEYS, issuer=issuer) or await self.rotate(issuer)
            key = self._key(row.kid, row.private_key)
        return key

    async def newest(self, issuer: str) -> Any:
        """Return the newest key of an issuer, or None before the first need."""
        row = await self._store.cached(_KEYS, issuer=issuer)
        return None if row is None else self._key(row.kid, row.private_key)

    async def kept(self, issuer: str) -> list[Any]:
        """Return every key of an issuer that is still stored, the newest first, however long it is retired."""
        return [self._key(row.kid, row.private_key) for row in await self._rows(issuer)]

    async def rotate(self, issuer: str) -> Any:
        """Make a new key, retire the one before, and return the new row."""
        kid, private_key = await self._drawn()
        now = self._clock.now()

        async def replace(transaction: Transaction) -> None:
            row = {"kid": kid, "issuer": issuer, "private_key": private_key, "created": now, "retired_at": None}
            await transaction.insert(_INSERT, **row)
            await transaction.update(_RETIRE, oauth_signing_keys, of_issuer=issuer, new_kid=kid, retired_at=now)

        await self._store.write_whatever_was_read(replace)
        return await self._store.one(_KEYS, issuer=issuer)

    async def published(self, issuer: str) -> list[Any]:
        """Return the keys of an issuer that tokens in use may be signed with, the newest first (row JK-05)."""
        await self.current(issuer)
        now, rows = self._clock.now(), await self._rows(issuer)
        return [self._key(row.kid, row.private_key) for row in rows if self._is_in_use(row.retired_at, now)]

    async def verified(self, issuer: str, token: str) -> dict[str, Any] | None:
        """Return the claims of an access token that this issuer has signed, whatever the time, or None."""
        from joserfc import jws
        from joserfc.errors import JoseError

        try:
            header = jws.extract_compact(token.encode()).headers()
            key = await self._by_id(issuer, str(header.get("kid")))
            if key is None or header.get("typ") != ACCESS_TYPE:
                return None
            payload = jws.deserialize_compact(token, key, [ALGORITHM]).payload
        except (JoseError, *MALFORMED):
            return None
        claims: dict[str, Any] = msgspec.json.decode(payload)
        return claims

    async def _rows(self, issuer: str) -> list[Any]:
        return [row async for page in self._store.pages(_KEYS, issuer=issuer) for row in page]

    async def _drawn(self) -> tuple[str, str]:
        """Return a key that is nobody's yet. What a seeded chance draws may be stored by an earlier run, or used up."""
        for _ in range(_DRAWS):
            kid, private_key = await asyncio.to_thread(_new_key, self._chance)
            if await self._store.one(_KEY, kid=kid) is None:
                return kid, private_key
        return await asyncio.to_thread(_new_key, Chance())

    async def _by_id(self, issuer: str, kid: str) -> Any:
        if _THUMBPRINT.fullmatch(kid) is None:  # It is whatever the caller wrote.
            return None
        row = await self._store.cached(_KEY, kid=kid)
        return None if row is None or row.issuer != issuer else self._key(row.kid, row.private_key)

    def _is_in_use(self, retired_at: datetime | None, now: datetime) -> bool:
        return retired_at is None or now < retired_at + self._token_lifetime

    def _key(self, kid: str, private_key: str) -> Any:
        if kid not in self._parsed:
            if len(self._parsed) >= _PARSED_KEYS:
                self._parsed.clear()
            self._parsed[kid] = _imported(kid, private_key)
        return self._parsed[kid]


def _new_key(chance: Chance) -> tuple[str, str]:
    from joserfc.jwk import RSAKey

    if chance.is_seeded:
        from ..ready_keys import ready_key

        native = ready_key(KEY_BITS, chance.number("signing key"))
        key = RSAKey(native, native, {"use": "sig", "alg": ALGORITHM})
    else:
        key = RSAKey.generate_key(KEY_BITS)
    return key.thumbprint(), bytes(key.as_pem(private=True)).decode()


def _imported(kid: str, private_key: str) -> Any:
    # Loading them takes longer than the rest of a start, and most runs sign nothing.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from joserfc.jwk import RSAKey

    # RSAKey.import_key tests the primes, which holds the loop for 36 ms; these are of our own making.
    native = load_pem_private_key(private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(native, RSAPrivateKey)  # noqa: S101 - _new_key makes no other
    return RSAKey(native, private_key, {"kid": kid, "use": "sig", "alg": ALGORITHM})


def _sign_all(response: dict[str, Any], key: Any) -> dict[str, Any]:
    from authlib.oidc.core.util import create_half_hash

    for name in ("access_token", "id_token"):
        if isinstance(unsigned := response.get(name), Unsigned):
            if name == "id_token":
                unsigned.claims["at_hash"] = (create_half_hash(response["access_token"], ALGORITHM) or b"").decode()
            response[name] = _sign(unsigned, key)
    return response


def _sign(unsigned: Unsigned, key: Any) -> str:
    from joserfc import jwt

    header = {"alg": ALGORITHM, "kid": key.kid, "typ": unsigned.type}
    return jwt.encode(header, unsigned.claims, key)
