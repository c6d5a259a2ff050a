"""SSH key pairs as OpenSSH writes them, and fingerprints (contract 1.9). It stores nothing and knows no request."""

import asyncio
import hashlib
import os
import sys
from binascii import a2b_base64, b2a_base64
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from nacl.bindings import crypto_sign_seed_keypair

from .chance import Chance

_COLUMNS = 70
_BLOCK = 8  # The padding's block size when nothing is encrypted.
_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
_END = "\n-----END OPENSSH PRIVATE KEY-----\n"


def _string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _integer(value: int) -> bytes:
    """Encode a positive number; one with its highest bit set gets a zero byte in front, or it would be negative."""
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


_HEAD = b"openssh-key-v1\0" + _string(b"none") + _string(b"none") + _string(b"") + (1).to_bytes(4, "big")
_COMMENT = _string(b"")

# The container of an ed25519 key always has the same length, so that only keys and check stand between fixed pieces.
_ED25519_NAME = _string(b"ssh-ed25519") + (32).to_bytes(4, "big")
_ED25519_HEAD = _HEAD + (51).to_bytes(4, "big")
_ED25519_PRIVATE = (136).to_bytes(4, "big")
_ED25519_SECRET = (64).to_bytes(4, "big")
_ED25519_TAIL = _COMMENT + bytes(range(1, 6))

_P521_ORDER = ec.SECP521R1().group_order
_P521_BYTES = 66
_P521_DRAWN = _P521_BYTES + 8  # Eight bytes more than the order has, so that no scalar is favoured (FIPS 186-5, A.2.1).

_RSA_BITS = 4096
_RSA_READY = 2
_RSA_WORKERS = 2
_LEAST_PRIORITY = 19


class KeyPair(NamedTuple):
    """A key pair as the endpoints answer it (contract 1.9): type, bits, private PEM, public line, fingerprint."""

    key_type: str
    key_bits: int
    private_key: str
    public_key: str
    fingerprint: str


class KeyMaterial(NamedTuple):
    """What OpenSSH stores of a key: the public blob, and the private section's fields without check and comment."""

    blob: bytes
    fields: bytes


def fingerprint_of(public_key: str) -> str:
    """Return `SHA256:` and 43 characters for a line `<algorithm> <base64>`; a comment behind it is ignored.

    Raises ValueError when the line has no second word or that word is not base64.
    """
    _, encoded, *_ = public_key.split()
    return _fingerprint(a2b_base64(encoded, strict_mode=True))


class KeyMaker:
    """Makes key pairs of the three types, under a seeded chance the same ones in every run.

    RSA keys come from OpenSSL's own source of randomness, or under a seeded chance from a ready set.
    """

    def __init__(self, chance: Chance) -> None:
        """Take seeds, scalars and check integers from `chance`; no thread is started yet."""
        self._chance = chance
        self._rsa = RsaPool()

    async def make(self, requested: str | None) -> KeyPair:
        """Return a fresh pair; `requested` in any case is RSA or ECDSA, and anything else means ED25519 (contract 1.9).

        Raises RuntimeError for RSA when the maker is closed, before or while the request waits.
        """
        wanted = requested.upper() if requested else ""
        if wanted == "RSA":
            check = self._chance.bytes(4)
            return _key_pair("rsa", _RSA_BITS, "ssh-rsa", check, await self._rsa_key())
        if wanted == "ECDSA":
            drawn = self._chance.bytes(_P521_DRAWN + 4)
            return _key_pair("ecdsa", 521, "ecdsa-sha2-nistp521", drawn[_P521_DRAWN:], _p521(drawn[:_P521_DRAWN]))
        return _ed25519(self._chance.bytes(36))

    async def _rsa_key(self) -> KeyMaterial:
        if not self._chance.is_seeded:
            return await self._rsa.take()
        # Imported here: most runs have no seed.
        from .ready_keys import ready_numbers

        return _rsa_material(await asyncio.to_thread(ready_numbers, _RSA_BITS, self._chance.number("ssh-rsa")))

    @property
    def rsa_ready(self) -> int:
        """Return how many RSA keys are made and not yet asked for."""
        return self._rsa.ready

    async def close(self) -> None:
        """End the background threads; RSA requests that wait get an error, except those whose key is under way."""
        await self._rsa.close()


class RsaPool:
    """RSA-4096 keys made ahead by threads. Nothing is made before the first request; from then on some stay ready."""

    def __init__(self) -> None:
        """Start nothing: the threads come with the first orders."""
        self._executor = ThreadPoolExecutor(_RSA_WORKERS, "rsa", _step_back)
        self._ordered: deque[Future[KeyMaterial]] = deque()
        self._promised: set[Future[KeyMaterial]] = set()

    @property
    def ready(self) -> int:
        """Return how many keys are made and not yet asked for."""
        return sum(order.done() for order in self._ordered)

    async def take(self) -> KeyMaterial:
        """Return a key that nobody else gets, waiting without holding the loop. Raises RuntimeError once closed."""
        while len(self._ordered) <= _RSA_READY:
            self._ordered.append(self._executor.submit(_rsa_4096))
        order = self._ordered.popleft()
        self._promised.add(order)
        try:
            await asyncio.wait((asyncio.wrap_future(order),))
        except asyncio.CancelledError:
            if not order.cancel():  # It is begun or done: the next request gets it.
                self._ordered.appendleft(order)
            raise
        finally:
            self._promised.discard(order)
        if order.cancelled():
            raise RuntimeError("The pool of RSA keys was closed.")
        return order.result()

    async def close(self) -> None:
        """Drop what is not begun, wait for the keys under way, and leave no thread behind."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        unfinished = [asyncio.wrap_future(order) for order in (*self._ordered, *self._promised)]
        await asyncio.gather(*unfinished, return_exceptions=True)
        self._executor.shutdown()


def _step_back() -> None:
    """Let the loop's thread go first. Only Linux has priorities per thread; elsewhere this would slow all of them."""
    if sys.platform == "linux":
        os.nice(_LEAST_PRIORITY)


def _rsa_4096() -> KeyMaterial:
    return _rsa_material(rsa.generate_private_key(65537, _RSA_BITS).private_numbers())


def _rsa_material(private: rsa.RSAPrivateNumbers) -> KeyMaterial:
    exponent, modulus = _integer(private.public_numbers.e), _integer(private.public_numbers.n)
    secret = _integer(private.d) + _integer(private.iqmp) + _integer(private.p) + _integer(private.q)
    name = _string(b"ssh-rsa")
    return KeyMaterial(name + exponent + modulus, name + modulus + exponent + secret)


def _p521(drawn: bytes) -> KeyMaterial:
    scalar = int.from_bytes(drawn, "big") % (_P521_ORDER - 1) + 1
    point = ec.derive_private_key(scalar, ec.SECP521R1()).public_key().public_numbers()
    encoded = b"\x04" + point.x.to_bytes(_P521_BYTES, "big") + point.y.to_bytes(_P521_BYTES, "big")
    blob = _string(b"ecdsa-sha2-nistp521") + _string(b"nistp521") + _string(encoded)
    return KeyMaterial(blob, blob + _integer(scalar))


def _ed25519(drawn: bytes) -> KeyPair:
    """Return the pair of a 32-byte seed and 4 check bytes. This is the hot path, hence spelled out piece by piece."""
    seed, check = drawn[:32], drawn[32:]
    public, secret = crypto_sign_seed_keypair(seed)
    blob = _ED25519_NAME + public
    pieces = (_ED25519_HEAD, blob, _ED25519_PRIVATE, check, check, blob, _ED25519_SECRET, secret, _ED25519_TAIL)
    text = b2a_base64(b"".join(pieces), newline=False).decode()
    private_key = f"{_BEGIN}{text[:70]}\n{text[70:140]}\n{text[140:210]}\n{text[210:280]}\n{text[280:]}{_END}"
    public_key = "ssh-ed25519 " + b2a_base64(blob, newline=False).decode()
    return KeyPair("ed25519", 256, private_key, public_key, _fingerprint(blob))


def _key_pair(key_type: str, key_bits: int, algorithm: str, check: bytes, material: KeyMaterial) -> KeyPair:
    public_key = f"{algorithm} {b2a_base64(material.blob, newline=False).decode()}"
    return KeyPair(key_type, key_bits, _container(material, check), public_key, _fingerprint(material.blob))


def _container(material: KeyMaterial, check: bytes) -> str:
    private = check + check + material.fields + _COMMENT
    padding = bytes(range(1, -len(private) % _BLOCK + 1))
    text = b2a_base64(_HEAD + _string(material.blob) + _string(private + padding), newline=False).decode()
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return _BEGIN + "\n".join(lines) + _END


def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + b2a_base64(hashlib.sha256(blob).digest(), newline=False)[:43].decode()
