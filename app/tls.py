"""Finds or makes the certificate that https is served with. It opens no connection and knows no request.

trustme makes it with randomness of its own: a private key has to be secret, `random_seed` or not.
"""

import fcntl
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .clock import Clock
from .errors import StartRefused
from .settings import Settings

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Parsed = TypeVar("Parsed")

ORGANIZATION = "TMS stand-in"
ALWAYS_NAMED = frozenset({"localhost", "127.0.0.1", "::1", "tms-standin", "host.docker.internal"})
HOST_NAME = re.compile(r"((?!-|..--)[a-z0-9-]{1,63}(?<!-)\.)*(?!-|..--)[a-z0-9-]{1,63}(?<!-)")
# Apple's systems refuse a server's certificate that is valid for more than 825 days.
DAYS_VALID = 800
# One that ends within a day would end while it is served.
DAYS_LEFT = 1
INSTEAD = "or files of your own in standin.tls_certificate and standin.tls_key"


class ServerFiles(NamedTuple):
    """The PEM files to serve with: the server's certificate with its chain, and its key; both may be in one file."""

    certificate: Path
    key: Path


def server_files(settings: Settings) -> ServerFiles:
    """Return the files to serve https with: own ones, or those of the folder, made or made anew where that is needed.

    Raises StartRefused for own files that cannot be served, and for a folder that cannot keep any.
    """
    if settings.tls_certificate is not None or settings.tls_key is not None:
        return _own_files(settings.tls_certificate, settings.tls_key)
    authority, server = authority_path(settings), authority_path(settings).with_name("server.pem")
    try:
        authority.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(authority.parent):
            if not _is_good(authority, server, _names_of(settings.host) | ALWAYS_NAMED):
                _refuse_to_replace(authority, server)
                _make(authority, server, _names_of(settings.host) | _names_of(socket.gethostname()) | ALWAYS_NAMED)
    except OSError as error:
        raise StartRefused(
            f"{authority.parent} cannot keep a certificate ({error.strerror}); expected in standin.tls_folder a folder "
            f"that may be written, {INSTEAD}."
        ) from None
    return ServerFiles(server, server)


def authority_path(settings: Settings) -> Path:
    """Return the whole path of the certificate that clients trust, whether it has been made or not."""
    return Path(settings.tls_folder).absolute() / "ca.pem"


def certificate_authority(settings: Settings) -> bytes | None:
    """Return the PEM of the authority that the stand-in made; None with own files, without TLS and before the making.

    To be read once, at the start: another start in the same folder may replace it.
    """
    if not settings.serves_tls or settings.tls_certificate is not None:
        return None
    try:
        return authority_path(settings).read_bytes()
    except FileNotFoundError:
        return None


def _own_files(certificate: str | None, key: str | None) -> ServerFiles:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    if certificate is None or key is None:
        given, missing = ("tls_key", "tls_certificate") if certificate is None else ("tls_certificate", "tls_key")
        raise StartRefused(f"standin.{given} is set without standin.{missing}; expected both, or neither.")
    files = ServerFiles(Path(certificate).absolute(), Path(key).absolute())
    chain = _parsed(files.certificate, "standin.tls_certificate", "certificates", load_pem_x509_certificates)
    private = _parsed(
        files.key, "standin.tls_key", "a key without a passphrase", lambda pem: load_pem_private_key(pem, None)
    )
    if chain[0].public_key() != private.public_key():
        raise StartRefused(
            f"{files.key} (standin.tls_key) is not the key of the first certificate in {files.certificate}."
        )
    try:
        _load(files)
    except ssl.SSLError as error:
        raise StartRefused(
            f"{files.certificate} (standin.tls_certificate) cannot be served: {_reason(error)}; "
            "expected a certificate and a key that OpenSSL accepts."
        ) from None
    return files


def _parsed(path: Path, setting: str, expected: str, parse: Callable[[bytes], Parsed]) -> Parsed:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return parse(path.read_bytes())
    except OSError as error:
        reason = str(error.strerror).lower()
        raise StartRefused(f"{path} ({setting}) cannot be read: {reason}; expected {expected}, in PEM.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise StartRefused(f"{path} ({setting}) must hold {expected}, in PEM.") from None


def _load(files: ServerFiles) -> None:
    """Raise ssl.SSLError where OpenSSL would not serve these files, among them a key with a passphrase."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files, password="")


def _reason(error: ssl.SSLError) -> str:
    return str(error.reason).lower().replace("_", " ")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep another start out of the folder, so that the files in it are always of one making."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _names_of(host: str) -> frozenset[str]:
    """Return what a certificate can call the host: its address or its name, nothing for "every address"."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        name = host.lower()
        return frozenset({name} if HOST_NAME.fullmatch(name) else ())
    return frozenset(() if address.is_unspecified else {str(address)})


def _is_good(authority: Path, server: Path, names: frozenset[str]) -> bool:
    """Tell whether the files that are there can be served: whole, of one making, still valid, with all the names."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import ExtensionNotFound

    try:
        certificate = _certificate(server)
        certificate.verify_directly_issued_by(_certificate(authority))
        named = _names_in(certificate)
        _load(ServerFiles(server, server))
    except (OSError, ValueError, TypeError, InvalidSignature, ExtensionNotFound):
        return False
    now = Clock().now()
    in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - timedelta(days=DAYS_LEFT)
    return in_time and names <= named


def _certificate(path: Path) -> "Certificate":
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(path.read_bytes())


def _names_in(certificate: "Certificate") -> set[str]:
    from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName

    found = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    return {*found.get_values_for_type(DNSName), *map(str, found.get_values_for_type(IPAddress))}


def _refuse_to_replace(*paths: Path) -> None:
    """Raise StartRefused where a file holds a certificate that somebody else made."""
    for path in paths:
        try:
            issuer = _certificate(path).issuer
        except (OSError, ValueError):
            continue
        if ORGANIZATION not in {attribute.value for attribute in issuer}:
            raise StartRefused(
                f"{path} is a certificate that the stand-in did not make; expected in standin.tls_folder a folder "
                f"of its own, {INSTEAD}."
            )


def _make(authority: Path, server: Path, names: frozenset[str]) -> None:
    """Write a new authority and a certificate of it; the authority's key is kept nowhere, so it can sign no other."""
    # Imported here, since a start that finds its files does not need it.
    import trustme

    now = Clock().now()
    made = trustme.CA(organization_name=ORGANIZATION, path_length=0)
    issued = made.issue_cert(
        *sorted(names),
        organization_name=ORGANIZATION,
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=DAYS_VALID),
    )
    _write(authority, made.cert_pem.bytes(), 0o644)
    _write(server, issued.private_key_and_cert_chain_pem.bytes(), 0o600)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Put a whole file in the path's place; a reader finds the old one or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode)
    temporary.write_bytes(data)
    temporary.replace(path)
